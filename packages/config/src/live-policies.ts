import {
  ALLOW_ANONYMOUS,
  type Authenticator,
  type AuthorizationRequest,
  type Authorizer,
  type DenyConnect,
  isPromise,
  type SubscribeDecision,
  type TimedDecision,
} from '@hawser/broker';
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
  readonly #decoySecret: Uint8Array | undefined;
  #policies: Policies;
  #listenerUrls: readonly string[] | undefined;
  #warnedOfCredentials = false;

  /**
   * Throws Error, with words, for what cannot be used. `decoySecret`: what the salts of users that do not exist are made of, so that they are
   * the same after a restart.
   */
  constructor(configuration: OwnConfiguration, onWarning: PolicyWarning, decoySecret?: Uint8Array) {
    this.#onWarning = onWarning;
    this.#decoySecret = decoySecret;
    this.#policies = createPolicies(configuration, onWarning, decoySecret);
  }

  /** Undefined: everybody may do everything. */
  get authorize(): Authorizer | undefined {
    const { authorize } = this.#policies;
    if (authorize === undefined) return undefined;
    const { listeners, shared } = authorize;
    if (listeners.every((one) => one === shared)) return shared;
    return (request, signal) => {
      const { listener } = request.client;
      const own = listeners[this.#listenerUrls?.indexOf(listener) ?? -1];
      if (own !== undefined) return own(request, signal);
      // The listener of a session from before a restart is not known: its client may do what is permitted at every listener.
      const isUnknown = listener === '' || this.#listenerUrls === undefined;
      return isUnknown ? allowedByAll(new Set([...listeners, shared]), request, signal) : shared(request, signal);
    };
  }

  /** URLs of the running broker's listeners, in the order of the configuration: clients are known by them. */
  setListenerUrls(urls: readonly string[]): void {
    this.#listenerUrls = urls;
  }

  /** Of the listener at that place (undefined: of none); it asks whatever is in force when it is asked. */
  authenticatorOf(listener: number | undefined): Authenticator {
    return (request, signal) => {
      const { authenticate: own, shared } = this.#policies;
      const authenticate = listener === undefined ? shared : own[listener];
      if (authenticate !== undefined) return authenticate(request, signal);
      if (request.authenticationMethod !== undefined) return NO_METHOD;
      if (request.client.username !== undefined || request.password !== undefined) this.#warnOfCredentials();
      return ALLOW_ANONYMOUS;
    };
  }

  /** Throws, and goes on with what there was. The broker has to be given `authorize` anew, and to forget permissions. */
  replace(configuration: OwnConfiguration): void {
    this.#policies = createPolicies(configuration, this.#onWarning, this.#decoySecret);
  }

  #warnOfCredentials(): void {
    if (this.#warnedOfCredentials) return;
    this.#warnedOfCredentials = true;
    const text = 'a client sent a user name or password, but nothing here checks them: anybody is let in';
    this.#onWarning('credentials-ignored', text);
  }
}

/** Asks one after another; a denial ends it, and an allow ends with the first of them that does. */
function allowedByAll(
  all: Iterable<Authorizer>,
  request: AuthorizationRequest,
  signal: AbortSignal,
  before: Answer = 'allow',
): ReturnType<Authorizer> {
  const left = [...all];
  let sofar = before;
  for (let first = left.shift(); first !== undefined; first = left.shift()) {
    const answer = first(request, signal);
    if (isPromise(answer)) {
      const known = sofar;
      return answer.then((decided) => {
        const both = andAlso(known, decided);
        return isAllow(both) ? allowedByAll(left, request, signal, both) : both;
      });
    }
    sofar = andAlso(sofar, answer);
    if (!isAllow(sofar)) return sofar;
  }
  return sofar;
}

type Answer = SubscribeDecision | TimedDecision;

function isAllow(answer: Answer): boolean {
  return answer === 'allow' || answer === 'filter' || (typeof answer === 'object' && answer.decision === 'allow');
}

function andAlso(one: Answer, other: Answer): Answer {
  if (!isAllow(other) || one === 'allow') return other;
  if (one === 'filter' || other === 'filter') return 'filter';
  return typeof one === 'object' && typeof other === 'object' && other.expiresAt < one.expiresAt ? other : one;
}
