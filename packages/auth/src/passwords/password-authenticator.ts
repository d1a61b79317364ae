import { type AllowConnect, type AuthenticationDecision, BAD_CREDENTIALS, type DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { type AuthenticatorLink, hasCredentials } from '../chain.ts';
import { PasswordChecker, type PasswordCheckerOptions } from './password-checker.ts';
import type { Users } from './password-file.ts';

/** How passwords are checked; over the bound of logins that wait they get 0x89. */
export interface PasswordOptions extends PasswordCheckerOptions {
  /** Users by name, asked for at each login: a file that has changed is another map. */
  readonly users: () => Users;
  /** Another link of the chain may know a user that this one does not. */
  readonly passUnknownUsers?: boolean;
}

const TOO_MANY: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerBusy,
  reason: 'too many logins are being checked; try again in a moment',
});

/** User name and password. A user that does not exist takes as long as a wrong password. */
export function passwords(options: PasswordOptions): AuthenticatorLink {
  const checker = new PasswordChecker(options);
  return (request, signal) => {
    const { username = '' } = request.client;
    const { password = NO_PASSWORD } = request;
    if (request.authenticationMethod !== undefined || !hasCredentials(request)) return undefined;
    const users = options.users();
    if (options.passUnknownUsers === true && !users.has(username)) return undefined;
    const allow: AllowConnect = { kind: 'allow', username };
    const decide = (isTheirs: boolean): AuthenticationDecision => (isTheirs ? allow : BAD_CREDENTIALS);
    const checked = checker.check(users, username, password, signal);
    if (checked === undefined) return TOO_MANY;
    return typeof checked === 'boolean' ? decide(checked) : checked.then(decide);
  };
}

const NO_PASSWORD = new Uint8Array(0);
