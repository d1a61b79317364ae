import { createHmac, randomBytes } from 'node:crypto';
import {
  type AllowConnect,
  type AuthenticationDecision,
  BAD_CREDENTIALS,
  type ClientInfo,
  type Decision,
  subscriberOf,
  type TimedDecision,
} from '@hawser/broker';
import type { AuthenticatorLink, ServiceLink, TimedPass } from '../chain.ts';
import { parseAclClaim, withAcl } from '../jwt/acl-claim.ts';
import { type CachedDecision, DecisionCache } from './decision-cache.ts';
import { type HttpService, JsonPoster } from './post-json.ts';

/**
 * A service decides who may connect. It is posted `{ clientId, username, password, protocolVersion, remoteAddress,
 * listener, certificate }` and answers 200 with `{ "result": "allow" | "deny" | "ignore" }`, and with `allow` also
 * `username`, `clientId`, `expiresAt` (seconds since 1970) and `acl`. Anything else, and no answer, is a refusal.
 */
export function httpAuthenticator(service: HttpService): AuthenticatorLink {
  const poster = new JsonPoster(service);
  const cache = new DecisionCache<AuthenticationDecision | 'ignore'>(service.cached ?? 10_000, nowOf(service));
  const key = randomBytes(32);
  return (request, signal) => {
    if (request.authenticationMethod !== undefined) return undefined;
    const { client } = request;
    const password = request.password === undefined ? undefined : Buffer.from(request.password).toString('utf8');
    const body = { ...describe(client), password, protocolVersion: client.protocolVersion };
    // An HMAC: passwords do not lie about in memory longer than they must.
    const digest = createHmac('sha256', key).update(JSON.stringify(body)).digest('base64');
    const known = cache.get(digest);
    if (known !== undefined) return known.value === 'ignore' ? undefined : known.value;
    return poster.post(subscriberOf(client.remoteAddress), body, signal).then((answer) => {
      const decision = readConnectDecision(answer);
      cache.set(digest, decision, service.cacheMs ?? 10_000);
      return decision === 'ignore' ? undefined : decision;
    });
  };
}

/**
 * A service decides who may publish and subscribe what. It is posted `{ clientId, username, remoteAddress, listener,
 * certificate, action, topic, qos, retain }` and answers 200 with `{ "result": "allow" | "deny" | "ignore" }`.
 */
export function httpAuthorizer(service: HttpService): ServiceLink {
  const poster = new JsonPoster(service);
  const now = nowOf(service);
  const cache = new DecisionCache<Decision | 'ignore'>(service.cached ?? 10_000, now);
  /** Also a live connection asks again when its time is over. */
  const timed = ({ value, until }: CachedDecision<Decision | 'ignore'>): TimedDecision | TimedPass => ({
    decision: value,
    expiresAt: Date.now() + until - now(),
  });
  return (request, signal) => {
    const { client, action, topic, qos, retain } = request;
    const body = { ...describe(client), action, topic, qos, retain };
    const key = JSON.stringify(body);
    const known = cache.get(key);
    if (known !== undefined) return timed(known);
    return poster.post(client.clientId, body, signal).then((answer) => {
      return timed(cache.set(key, resultOf(answer), service.cacheMs ?? 10_000));
    });
  };
}

/** The port is left out: it is another with each connection, and nothing would ever be remembered. */
function describe(client: ClientInfo): Record<string, unknown> {
  const { clientId, username, remoteAddress, listener, tls } = client;
  const certificate =
    tls?.authorized === true ? { subject: tls.peerSubject, commonName: tls.peerCommonName } : undefined;
  return { clientId, username, remoteAddress, listener, certificate };
}

function resultOf(answer: unknown): 'allow' | 'deny' | 'ignore' {
  const result = typeof answer === 'object' && answer !== null && 'result' in answer ? answer.result : undefined;
  if (result === 'allow' || result === 'deny' || result === 'ignore') return result;
  throw new Error('the answer has no "result" of allow, deny or ignore');
}

function readConnectDecision(answer: unknown): AuthenticationDecision | 'ignore' {
  const result = resultOf(answer);
  if (result !== 'allow') return result === 'deny' ? BAD_CREDENTIALS : result;
  const { username, clientId, expiresAt, acl } = answer as Record<string, unknown>;
  const allow: AllowConnect = {
    kind: 'allow',
    ...(typeof username === 'string' ? { username } : {}),
    ...(typeof clientId === 'string' ? { clientId } : {}),
    ...(typeof expiresAt === 'number' ? { expiresAt: expiresAt * 1000 } : {}),
  };
  return acl === undefined || acl === null ? allow : { ...allow, attributes: withAcl({}, parseAclClaim(acl)) };
}

function nowOf({ now }: HttpService): () => number {
  return now ?? (() => performance.now());
}
