import { CONSOLE_ROLES, type ConsoleRole } from '@hawser/auth';
import type { Session } from './sessions.ts';

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

export function hasRole(principal: Principal, needed: ConsoleRole): boolean {
  return principal.role !== undefined && CONSOLE_ROLES.indexOf(principal.role) >= CONSOLE_ROLES.indexOf(needed);
}
