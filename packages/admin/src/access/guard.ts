import { randomBytes } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { ConsoleRole } from '@hawser/auth';
import { AddressRates, type AddressSet, subscriberOf, TokenBucket } from '@hawser/broker';
import { isLoopbackHost, plainAddress, senderOf } from '@hawser/transport';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { cookieOf, credentialsOf, type GivenCredentials } from './credentials.ts';
import { Identifier, type Identity, type Secrets } from './identify.ts';
import { checkOrigin } from './origin.ts';
import type { Session } from './principal.ts';
import { hasRole, type Principal } from './principal.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { type ApiContext, Sessions } from './sessions.ts';
import { isSame } from './token.ts';

/** What a route asks of who calls it; `open`: nothing. */
export type Needs = ConsoleRole | 'open';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: an admin below `/api/`, nothing elsewhere (the files of a console). */
    readonly needs?: Needs;
  }
}

export interface GuardOptions extends Secrets {
  readonly context: ApiContext;
  /** Names that the API may be called by, besides addresses and `localhost`. */
  readonly hostNames: readonly string[];
  /** Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly isProxy: AddressSet;
}

const NOBODY = { kind: 'nobody', name: 'nobody', session: undefined } as const;

/** Looks at every request before anything is done for it: how many, where from, who, whether it may. */
export class Guard {
  readonly sessions: Sessions;
  readonly #options: GuardOptions;
  readonly #identifier: Identifier;
  readonly #rates = new AddressRates();
  #rateOfAll: TokenBucket | undefined;
  readonly #principals = new WeakMap<FastifyRequest, Principal>();
  readonly #addresses = new WeakMap<FastifyRequest, string>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#identifier = new Identifier(options, options.context);
    this.sessions = new Sessions(options.context, randomBytes);
  }

  get users() {
    return this.#identifier.users;
  }

  /** Who has sent it; nobody as long as `admit` has not found out. */
  principalOf(request: FastifyRequest): Principal {
    return this.#principals.get(request) ?? { ...NOBODY, role: undefined };
  }

  /** Where it has come from, through proxies that are trusted. */
  addressOf(request: FastifyRequest): string {
    const known = this.#addresses.get(request);
    if (known !== undefined) return known;
    const direct = plainAddress(request.socket.remoteAddress);
    const address = senderOf(direct, request.headers, this.#options.isProxy);
    this.#addresses.set(request, address);
    return address;
  }

  /** Throws ApiError for what may not be. */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { url, config } = request.routeOptions;
    const isPage = url === undefined || !/^\/(?:api\/|metrics|health|ready)/.test(url);
    const needs = config.needs ?? (isPage ? 'open' : 'admin');
    addSecurityHeaders(reply, isPage, this.#isSecure(request));
    this.#checkRate(request, needs);
    checkOrigin(request, this.#options.hostNames, this.#isProxied(request), isPage);
    if (needs === 'open') return;
    const principal = await this.#identify(request, reply);
    this.#principals.set(request, principal);
    if (!hasRole(principal, needs)) throw this.#refusal(principal, needs);
    const { session } = principal;
    if (session !== undefined && request.method !== 'GET' && request.method !== 'HEAD') checkCsrf(request, session);
  }

  /** Opens a session, and gives the browser its cookie. Throws ApiError 401 or 429. */
  async logIn(request: FastifyRequest, reply: FastifyReply, given: GivenCredentials): Promise<Principal> {
    const { role, ...login } = await this.#check(request, reply, given);
    const { cookie, session } = this.sessions.open(login);
    this.#setCookie(request, reply, cookie, this.#options.context.settings['api.sessionLongest']);
    const principal: Principal = { kind: login.kind, name: login.name, role, session };
    this.#principals.set(request, principal);
    return principal;
  }

  logOut(request: FastifyRequest, reply: FastifyReply): void {
    const { session } = this.principalOf(request);
    if (session !== undefined) this.sessions.end(session);
    this.#setCookie(request, reply, '', 0);
  }

  async #identify(request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    const given = credentialsOf(request.headers);
    if (given !== undefined) {
      const { kind, name, role } = await this.#check(request, reply, given);
      return { kind, name, role, session: undefined };
    }
    const cookie = cookieOf(request.headers, cookieName(request));
    const session = cookie === undefined ? undefined : this.sessions.find(cookie);
    if (session !== undefined) {
      const role = this.#identifier.roleOf(session);
      if (role !== undefined) return { kind: session.kind, name: session.name, role, session };
      this.sessions.end(session);
    }
    // Without a password the API is for this machine: not for whom a proxy on it brings.
    const isHere = !this.#identifier.asksEverybody && isLoopbackHost(this.addressOf(request));
    return { ...NOBODY, role: isHere ? 'viewer' : undefined };
  }

  #check(request: FastifyRequest, reply: FastifyReply, given: GivenCredentials): Promise<Identity> {
    // Who has hung up does not need a hash any more.
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return this.#identifier.identify(given, this.addressOf(request), gone.signal);
  }

  #refusal({ kind, name, role }: Principal, needs: ConsoleRole): ApiError {
    if (kind !== 'nobody') {
      const words = `this is for the role ${needs}, and ${name} has the role ${role}: an admin can change it with hawser passwd --console-role`;
      return new ApiError(403, 'role-too-low', words, { needs, role });
    }
    if (this.#identifier.asksEverybody) {
      const words =
        'log in first: POST /api/v1/login, HTTP Basic with name and password, or Authorization: Bearer TOKEN';
      return new ApiError(401, 'login-required', words);
    }
    return new ApiError(
      401,
      'token-required',
      'this needs the token: Authorization: Bearer TOKEN; it stands in the file api-token of the data directory, or was printed at start',
    );
  }

  /** Machines that ask for health are not kept from it by what others do. */
  #checkRate(request: FastifyRequest, needs: Needs): void {
    const { settings, counters, now } = this.#context();
    const most = settings['api.addresses'];
    const address = subscriberOf(this.addressOf(request));
    const isWithin =
      this.#rates.take(address, settings['api.requestRate'], most, now) &&
      (needs === 'open' && request.method === 'GET' ? true : this.#takeOfAll(settings['api.requestRateNode'], now));
    if (isWithin) return;
    counters.apiRequestsLimited++;
    const words = 'too many requests (api.requestRate, api.requestRateNode): try again in a second';
    throw new ApiError(429, 'too-many-requests', words, { retryAfter: 1 });
  }

  #context() {
    const { context } = this.#options;
    return { settings: context.settings, counters: context.counters, now: context.now() };
  }

  #takeOfAll(rate: number, now: number): boolean {
    if (rate === 0) return true;
    if (this.#rateOfAll?.rate !== rate) this.#rateOfAll = new TokenBucket(rate, now);
    return this.#rateOfAll.take(now);
  }

  #isSecure(request: FastifyRequest): boolean {
    if (request.socket instanceof TLSSocket) return true;
    return this.#isProxied(request) && request.headers['x-forwarded-proto'] === 'https';
  }

  #isProxied(request: FastifyRequest): boolean {
    return this.#options.isProxy(plainAddress(request.socket.remoteAddress));
  }

  #setCookie(request: FastifyRequest, reply: FastifyReply, value: string, maximumAge: number): void {
    const parts = [
      `${cookieName(request)}=${value}`,
      'HttpOnly',
      'SameSite=Strict',
      'Path=/',
      `Max-Age=${Math.floor(maximumAge)}`,
      ...(this.#isSecure(request) ? ['Secure'] : []),
    ];
    reply.header('set-cookie', parts.join('; '));
  }
}

/** Cookies know no ports: two brokers of one machine must not take each other's. */
function cookieName(request: FastifyRequest): string {
  return `hawser-session-${request.socket.localPort ?? 0}`;
}

function checkCsrf(request: FastifyRequest, session: Session): void {
  const given = request.headers['x-csrf-token'];
  if (typeof given === 'string' && isSame(given, session.csrfToken)) return;
  throw new ApiError(
    403,
    'csrf-token-required',
    'a change with a session cookie needs the header X-CSRF-Token; its value is csrfToken in the answers to POST /api/v1/login and GET /api/v1/me',
  );
}
