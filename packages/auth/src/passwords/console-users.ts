import { type PasswordHash, parseHash } from './hash.ts';
import { hashWords, parseUserLines } from './password-file.ts';

/** What a user of the console and the API may do: each may what those before it may. */
export const CONSOLE_ROLES = ['viewer', 'operator', 'admin'] as const;

export type ConsoleRole = (typeof CONSOLE_ROLES)[number];

/** A user of the console. */
export interface ConsoleUser extends PasswordHash {
  readonly role: ConsoleRole;
}

/** Users by name. */
export type ConsoleUsers = ReadonlyMap<string, ConsoleUser>;

/** Reads `user:role:hash` lines, as `hawser passwd --console-role` writes them. Throws PasswordFileError. */
export function parseConsoleUsers(text: string): ConsoleUsers {
  return parseUserLines(text, "a line is 'user:role:hash'", (user, rest) => {
    const { role, hash } = splitRole(rest);
    if (role === undefined) {
      const words = `the role of ${user} has to be ${CONSOLE_ROLES.join(', ')}, as in '${user}:viewer:HASH'`;
      return `${words}; use hawser passwd --console-role ROLE FILE ${user}`;
    }
    const parsed = parseHash(hash);
    return parsed === undefined ? hashWords(user, hash) : { ...parsed, role };
  });
}

/** The two parts of what stands behind the user; role undefined: it is no line of a user of the console. */
export function splitRole(rest: string): { readonly role: ConsoleRole | undefined; readonly hash: string } {
  const at = rest.indexOf(':');
  const role = CONSOLE_ROLES.find((name) => name === rest.slice(0, Math.max(0, at)));
  return role === undefined ? { role, hash: rest } : { role, hash: rest.slice(at + 1) };
}
