import { type ConsoleUsers, PasswordFileError, parseConsoleUsers, WatchedFile } from '@hawser/auth';
import type { PolicyWarning } from './policies.ts';

/** The users of the console in a file, which is read again when it changes. Throws Error, with words, for what cannot be used. */
export function openConsoleUsers(path: string, onWarning: PolicyWarning = () => {}): () => ConsoleUsers {
  const onFault = (text: string): void => onWarning('console-users', text);
  const file = open(path, onFault);
  if (file.value.size === 0)
    onWarning('console-users', `${path} has no users: nobody can log in but with the token, see hawser passwd`);
  return () => file.value;
}

function open(path: string, onFault: (text: string) => void): WatchedFile<ConsoleUsers> {
  try {
    return new WatchedFile(path, { parse: parseConsoleUsers, onFault });
  } catch (error) {
    if (error instanceof PasswordFileError) throw new Error(`${path}, ${error.message}`, { cause: error });
    throw error;
  }
}
