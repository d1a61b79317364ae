import { ALLOW_CONNECT, type Authenticator, type Authorizer, type DenyConnect } from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';
import { createPolicies, type Policies, type PolicyWarning } from './policies.ts';
import type { OwnConfiguration } from './schema/configuration-schema.ts';

const NO_METHOD: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.BadAuthenticationMethod,
  reason: 'no authentication method is known here',
});

/** Policies that can be exchanged while a broker runs: its listeners keep what `authenticatorOf` gave them. */
export class LivePolicies {
  readonly #onWarning: PolicyWarning;
  #policies: Policies;
  #warnedOfCredentials = false;

  /** Throws Error, with words, for what cannot be used. */
  constructor(configuration: OwnConfiguration, onWarning: PolicyWarning) {
    this.#onWarning = onWarning;
    this.#policies = createPolicies(configuration, onWarning);
  }

  /** Undefined: everybody may do everything. */
  get authorize(): Authorizer | undefined {
    return this.#policies.authorize;
  }

  /** Of the listener at that place (undefined: of none); it asks whatever is in force when it is asked. */
  authenticatorOf(listener: number | undefined): Authenticator {
    return (request, signal) => {
      const { authenticate: own, shared } = this.#policies;
      const authenticate = listener === undefined ? shared : own[listener];
      if (authenticate !== undefined) return authenticate(request, signal);
      if (request.authenticationMethod !== undefined) return NO_METHOD;
      if (request.client.username !== undefined || request.password !== undefined) this.#warnOfCredentials();
      return ALLOW_CONNECT;
    };
  }

  /** Throws, and goes on with what there was. The broker has to be given `authorize` anew, and to forget permissions. */
  replace(configuration: OwnConfiguration): void {
    this.#policies = createPolicies(configuration, this.#onWarning);
  }

  #warnOfCredentials(): void {
    if (this.#warnedOfCredentials) return;
    this.#warnedOfCredentials = true;
    const text = 'a client sent a user name or password, but nothing here checks them: anybody is let in';
    this.#onWarning('credentials-ignored', text);
  }
}
