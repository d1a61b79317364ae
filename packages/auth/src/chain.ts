import {
  type AuthenticationDecision,
  type AuthenticationRequest,
  type Authenticator,
  type AuthorizationRequest,
  type Authorizer,
  BAD_CREDENTIALS,
  type Decision,
  type DenyConnect,
  isForBridges,
  isOfServer,
  isPromise,
  type TimedDecision,
} from '@hawser/broker';
import { ReasonCode } from '@hawser/codec';

/** A link of a chain of authenticators: a decision, or undefined when the request is none of its business. */
export type AuthenticatorLink = (
  request: AuthenticationRequest,
  signal: AbortSignal,
) => AuthenticationDecision | undefined | Promise<AuthenticationDecision | undefined>;

/** A link of a chain of authorizers: a decision, or undefined when it has no opinion. */
export type AuthorizerLink = (
  request: AuthorizationRequest,
  signal: AbortSignal,
) => Decision | TimedDecision | undefined | Promise<Decision | TimedDecision | undefined>;

/** No opinion, for a while: what the others say is to be asked again afterwards. */
export interface TimedPass {
  readonly decision: 'ignore';
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

type AuthorizerAnswer = Decision | TimedDecision | TimedPass | undefined;

/** A link of a chain of authorizers whose having no opinion may hold for a while only. */
export type ServiceLink = (
  request: AuthorizationRequest,
  signal: AbortSignal,
) => AuthorizerAnswer | Promise<AuthorizerAnswer>;

const NO_METHOD: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.BadAuthenticationMethod,
  reason: 'this authentication method is not known here',
});

const NO_CREDENTIALS: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.NotAuthorized,
  reason: 'a user name and a password are needed here',
});

/**
 * Asks one authenticator after another; the first that decides has decided. When none does: 0x8C for an authentication
 * method nobody knows [MQTT5-4.12.0-1], 0x87 for nobody at all, 0x86 for the rest.
 */
export function chain(...links: readonly AuthenticatorLink[]): Authenticator {
  return (request, signal) => askFrom(links, 0, request, signal, refusalOf);
}

/**
 * Asks one authorizer after another; `otherwise` when none has an opinion. Topics that begin with `$` are the server's own: to publish there
 * takes an opinion.
 */
export function authorizers(links: readonly ServiceLink[], otherwise: Decision): Authorizer {
  const decide = ({ action, topic }: AuthorizationRequest): Decision =>
    action === 'publish' && isOfServer(topic) && !isForBridges(topic) ? 'deny' : otherwise;
  return (request, signal) => permissionFrom(links, 0, request, signal, decide, Number.POSITIVE_INFINITY);
}

/** `until`: when the first of those that had no opinion is to be asked again. */
function permissionFrom(
  links: readonly ServiceLink[],
  first: number,
  request: AuthorizationRequest,
  signal: AbortSignal,
  otherwise: (request: AuthorizationRequest) => Decision,
  until: number,
): Decision | TimedDecision | Promise<Decision | TimedDecision> {
  let ends = until;
  for (let i = first; i < links.length; i++) {
    const answer = links[i]?.(request, signal);
    if (isPromise(answer)) {
      const known = ends;
      // The answer is looked at as if the link had given it at once, and then the links behind it are asked.
      const rest = [() => undefined as AuthorizerAnswer, ...links.slice(i + 1)];
      return answer.then((decided) => {
        rest[0] = () => decided;
        return permissionFrom(rest, 0, request, signal, otherwise, known);
      });
    }
    if (answer === undefined) continue;
    if (typeof answer === 'object' && answer.decision === 'ignore') ends = Math.min(ends, answer.expiresAt);
    else return endingBy(answer as Decision | TimedDecision, ends);
  }
  return endingBy(otherwise(request), ends);
}

function endingBy(answer: Decision | TimedDecision, ends: number): Decision | TimedDecision {
  if (!Number.isFinite(ends)) return answer;
  if (typeof answer === 'object' && answer.expiresAt <= ends) return answer;
  return { decision: typeof answer === 'object' ? answer.decision : answer, expiresAt: ends };
}

/**
 * Grants subscriptions that are wider than what their clients may receive, as Mosquitto does: of what they match only that is delivered which
 * `authorize` permits a subscription to. It has to answer at once.
 */
export function filtering(authorize: Authorizer): Authorizer {
  return (request, signal) => {
    if (request.action === 'publish') return authorize(request, signal);
    const decision = authorize({ ...request, action: 'subscribe' }, signal);
    if (request.action === 'receive') return decision;
    return isPromise(decision) ? decision.then(orFilter) : orFilter(decision);
  };
}

function orFilter<T>(decision: T): T | 'filter' {
  return decision === 'deny' ? 'filter' : decision;
}

type Link<Request, Answer> = (
  request: Request,
  signal: AbortSignal,
) => Answer | undefined | Promise<Answer | undefined>;

/** Stays synchronous as long as the links do: a promise costs a connection its turn. */
function askFrom<Request, Answer>(
  links: readonly Link<Request, Answer>[],
  first: number,
  request: Request,
  signal: AbortSignal,
  otherwise: (request: Request) => Answer,
): Answer | Promise<Answer> {
  for (let i = first; i < links.length; i++) {
    const answer = links[i]?.(request, signal);
    if (answer === undefined) continue;
    if (!isPromise(answer)) return answer;
    return answer.then((decided) => decided ?? askFrom(links, i + 1, request, signal, otherwise));
  }
  return otherwise(request);
}

function refusalOf(request: AuthenticationRequest): DenyConnect {
  if (request.authenticationMethod !== undefined) return NO_METHOD;
  return hasCredentials(request) ? BAD_CREDENTIALS : NO_CREDENTIALS;
}

/** An empty user name with an empty password is nobody, as none at all is. */
export function hasCredentials({ client, password, authenticationMethod }: AuthenticationRequest): boolean {
  return authenticationMethod !== undefined || (client.username ?? '') !== '' || (password?.length ?? 0) > 0;
}
