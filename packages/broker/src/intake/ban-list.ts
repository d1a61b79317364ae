import type { Settings } from '../settings.ts';

/** Somebody who is kept out for a while. */
export interface Ban {
  /** An IPv4 address, the first half of an IPv6 address (`…::/64`), or `client ID@address`. */
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** For people. */
  readonly reason: string;
  /** How often in a row; each time is twice as long. */
  readonly times: number;
}

/** The clock and the settings of a broker. */
export interface BanContext {
  readonly settings: Settings;
  wallNow(): number;
}

interface Offences {
  count: number;
  windowEndsAt: number;
}

/** Who has offended how often, and who is kept out for it: with growing time, forgotten when it has been good for long. */
export class BanList {
  readonly #context: BanContext;
  readonly #bans = new Map<string, Ban>();
  readonly #offences = new Map<string, Offences>();
  /** Bans since the start. */
  total = 0;

  constructor(context: BanContext) {
    this.#context = context;
  }

  /** Those in force. */
  list(): readonly Ban[] {
    const now = this.#context.wallNow();
    return [...this.#bans.values()].filter(({ until }) => until > now);
  }

  find(target: string): Ban | undefined {
    const ban = this.#bans.get(target);
    return ban !== undefined && ban.until > this.#context.wallNow() ? ban : undefined;
  }

  /** Keeps somebody out; without a time as long as it is its turn. */
  add(target: string, reason: string, seconds?: number): Ban {
    const { settings } = this.#context;
    const now = this.#context.wallNow();
    const before = this.#bans.get(target);
    const isForgiven = before === undefined || now > before.until + settings['bans.longest'] * 1000;
    const times = isForgiven ? 1 : before.times + 1;
    const own = Math.min(settings['bans.longest'], settings['bans.first'] * 2 ** Math.min(30, times - 1));
    const ban: Ban = { target, reason, times, until: now + (seconds ?? own) * 1000 };
    remember(this.#bans, target, ban, settings['bans.remembered']);
    this.#offences.delete(target);
    this.total++;
    return ban;
  }

  /** False: it was not kept out. */
  remove(target: string): boolean {
    this.#offences.delete(target);
    return this.#bans.delete(target);
  }

  /** One more; over `most` within the window there is a ban. */
  countOffence(target: string, most: number, reason: string): Ban | undefined {
    if (most === 0) return undefined;
    const { settings } = this.#context;
    const now = this.#context.wallNow();
    let offences = this.#offences.get(target);
    if (offences === undefined || now >= offences.windowEndsAt) {
      offences = { count: 0, windowEndsAt: now + settings['bans.window'] * 1000 };
      remember(this.#offences, target, offences, settings['bans.remembered']);
    }
    offences.count++;
    return offences.count >= most ? this.add(target, reason) : undefined;
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  if (map.size >= most) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  map.set(key, value);
}
