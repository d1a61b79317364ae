import { ConsoleUsersFile, PasswordFileError } from '@hawser/auth';
import type { PolicyWarning } from './policies.ts';

/** The users of the console in a file, which is read again when it changes. Throws Error, with words, for what cannot be used. */
export function openConsoleUsers(path: string, onWarning: PolicyWarning = () => {}): ConsoleUsersFile {
  const file = open(path, (text) => onWarning('console-users', text));
  if (file.users.size === 0)
    onWarning('console-users', `${path} has no users: nobody can log in but with the token, see hawser passwd`);
  return file;
}

function open(path: string, onFault: (text: string) => void): ConsoleUsersFile {
  try {
    return new ConsoleUsersFile(path, onFault);
  } catch (error) {
    if (error instanceof PasswordFileError) throw new Error(`${path}, ${error.message}`, { cause: error });
    throw error;
  }
}
