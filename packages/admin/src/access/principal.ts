import { CONSOLE_ROLES, type ConsoleRole } from '@hawser/auth';

/** Who asks, as far as it is known. */
export interface Principal {
  /** `token`: with the file api-token; `password`: the one password that is no user's; `user`: a user's own; `nobody`: has shown nothing. */
  readonly kind: 'user' | 'token' | 'password' | 'nobody';
  /** Of a user; of the others what it was that they have shown. */
  readonly name: string;
  /** Undefined: none. */
  readonly role: ConsoleRole | undefined;
  /** It came with a session cookie. */
  readonly session: Session | undefined;
}

/** Somebody who has logged in. */
export interface Session {
  readonly kind: Principal['kind'];
  readonly name: string;
  /** What the login was proved with; a user whose hash is another now has another password. */
  readonly proof: string;
  /** What a change has to bring along besides the cookie: only pages of the console can read it. */
  readonly csrfToken: string;
  readonly startedAtMs: number;
  lastUsedAtMs: number;
}

export function hasRole(principal: Principal, needed: ConsoleRole): boolean {
  return principal.role !== undefined && CONSOLE_ROLES.indexOf(principal.role) >= CONSOLE_ROLES.indexOf(needed);
}
