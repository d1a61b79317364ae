import {
  type AllowConnect,
  type AuthenticationDecision,
  BAD_CREDENTIALS,
  type DenyConnect,
  subscriberOf,
} from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { type AuthenticatorLink, hasCredentials } from '../chain.ts';
import { PasswordChecker, type PasswordCheckerOptions } from './password-checker.ts';
import type { Users } from './password-file.ts';

/** How passwords are checked; over the bound of logins that wait they get 0x89. */
export interface PasswordOptions extends PasswordCheckerOptions {
  /** Users by name, asked for at each login: a file that has changed is another map. */
  readonly users: () => Users;
}

/** Checks passwords in a chain of authenticators. */
export interface PasswordLinks {
  /** Decides about users it knows; others are the next link's. */
  readonly known: AuthenticatorLink;
  /** Decides about everybody: for the end of a chain. */
  readonly all: AuthenticatorLink;
}

const TOO_MANY: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerBusy,
  reason: 'too many logins are being checked; try again in a moment',
});

/** User name and password. A user that does not exist takes as long as a wrong password. */
export function passwords(options: PasswordOptions): AuthenticatorLink {
  return passwordLinks(options).all;
}

/**
 * The same in two links, for a chain where others may know a user that the file does not: `known` at its place, `all` at the end, where a user
 * whom nobody knows costs what a wrong password costs.
 */
export function passwordLinks(options: PasswordOptions): PasswordLinks {
  const checker = new PasswordChecker(options);
  const link =
    (passesUnknown: boolean): AuthenticatorLink =>
    (request, signal) => {
      const { username = '', remoteAddress } = request.client;
      const { password = NO_PASSWORD } = request;
      if (request.authenticationMethod !== undefined || !hasCredentials(request)) return undefined;
      const users = options.users();
      if (passesUnknown && !users.has(username)) return undefined;
      const allow: AllowConnect = { kind: 'allow', username };
      const checked = checker.check(users, username, password, signal, subscriberOf(remoteAddress));
      if (checked === undefined) return TOO_MANY;
      if (checked === true) return allow;
      return checked.then(
        (isTheirs): AuthenticationDecision => (isTheirs === undefined ? TOO_MANY : isTheirs ? allow : BAD_CREDENTIALS),
      );
    };
  return { known: link(true), all: link(false) };
}

const NO_PASSWORD = new Uint8Array(0);
