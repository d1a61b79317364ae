import { createHash } from 'node:crypto';
import type { Counters, Settings } from '@hawser/broker';
import type { Session } from './principal.ts';

/** What the parts of the API share of the broker. */
export interface ApiContext {
  readonly settings: Settings;
  readonly counters: Counters;
  /** Milliseconds that only grow. */
  now(): number;
  wallNow(): number;
}

/** Sessions by what their cookies say: bounded in number, idle time and age. Gone when the process ends. */
export class Sessions {
  readonly #context: ApiContext;
  readonly #random: (size: number) => Buffer;
  /** By the digest of the cookie, in the order of their last use. */
  readonly #byDigest = new Map<string, Session>();

  constructor(context: ApiContext, random: (size: number) => Buffer) {
    this.#context = context;
    this.#random = random;
  }

  /** Of a user. */
  countOf(name: string): number {
    this.#sweep();
    return [...this.#byDigest.values()].filter((session) => session.kind === 'user' && session.name === name).length;
  }

  /** A new session, and what its cookie says. */
  open(login: Pick<Session, 'kind' | 'name' | 'proof'>): { readonly cookie: string; readonly session: Session } {
    const { settings } = this.#context;
    this.#sweep();
    const own = [...this.#byDigest].filter(([, { kind, name }]) => kind === login.kind && name === login.name);
    if (own.length >= settings['api.sessionsPerUser']) this.#evict(own[0]?.[0]);
    if (this.#byDigest.size >= settings['api.sessions']) this.#evict(this.#byDigest.keys().next().value);
    const now = this.#context.now();
    const cookie = this.#random(32).toString('base64url');
    const csrfToken = this.#random(32).toString('base64url');
    const session: Session = { ...login, csrfToken, startedAtMs: now, lastUsedAtMs: now };
    this.#byDigest.set(digestOf(cookie), session);
    return { cookie, session };
  }

  /** Undefined: there is none, or it has ended. Looking counts as use. */
  find(cookie: string): Session | undefined {
    const digest = digestOf(cookie);
    const session = this.#byDigest.get(digest);
    if (session === undefined) return undefined;
    this.#byDigest.delete(digest);
    if (this.endsAtMs(session) <= this.#context.now()) return undefined;
    session.lastUsedAtMs = this.#context.now();
    this.#byDigest.set(digest, session);
    return session;
  }

  /** When it ends if it is not used, on the clock of `now`. */
  endsAtMs({ startedAtMs, lastUsedAtMs }: Session): number {
    const { settings } = this.#context;
    const idle = lastUsedAtMs + settings['api.sessionIdle'] * 1000;
    return Math.min(idle, startedAtMs + settings['api.sessionLongest'] * 1000);
  }

  end(session: Session): void {
    for (const [digest, candidate] of this.#byDigest) if (candidate === session) this.#byDigest.delete(digest);
  }

  #sweep(): void {
    const now = this.#context.now();
    for (const [digest, session] of this.#byDigest) if (this.endsAtMs(session) <= now) this.#byDigest.delete(digest);
  }

  #evict(digest: string | undefined): void {
    if (digest === undefined || !this.#byDigest.delete(digest)) return;
    this.#context.counters.apiSessionsEvicted++;
  }
}

/** What is kept is no use to whoever reads the memory of this process. */
function digestOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('base64');
}
