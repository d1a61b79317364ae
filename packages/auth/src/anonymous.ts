import { ALLOW_ANONYMOUS, type DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { isLoopback } from './addresses.ts';
import { type AuthenticatorLink, hasCredentials } from './chain.ts';

/** Who may come without a name. */
export interface AnonymousOptions {
  /** `loopback`: only from this machine. */
  readonly from?: 'anywhere' | 'loopback';
  /** Names and passwords are not looked at: nobody else checks them. Otherwise a client that has any is not anonymous. */
  readonly ignoreCredentials?: boolean;
  /** Credentials came and were not looked at. */
  readonly onIgnored?: () => void;
}

const FROM_HERE_ONLY: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.NotAuthorized,
  reason: 'anonymous clients may connect from the machine of the broker only',
});

/** Lets in who has no credentials. */
export function anonymous(options: AnonymousOptions = {}): AuthenticatorLink {
  const anywhere = options.from === 'anywhere';
  return (request) => {
    if (request.authenticationMethod !== undefined) return undefined;
    if (options.ignoreCredentials !== true && hasCredentials(request)) return undefined;
    if (!anywhere && !isLoopback(request.client.remoteAddress)) return FROM_HERE_ONLY;
    if (hasCredentials(request)) options.onIgnored?.();
    return ALLOW_ANONYMOUS;
  };
}
