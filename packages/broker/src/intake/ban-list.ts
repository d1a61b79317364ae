import type { CloseDetail } from '@hawser/protocol';
import { BAN_REASONS } from '../causes/admission-sentences.ts';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import type { Settings } from '../settings.ts';
import { parseBanTarget } from './ban-target.ts';

/** What is counted against an address or a client until it is banned. */
export type Offence = 'failed-logins' | 'connects';

/** Somebody who is banned until some time. */
export interface Ban {
  /** An address (of IPv6 its /64), `client:ID`, `user:NAME` or `pair:ID@ADDRESS`: see `parseBanTarget`. */
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** For people, in English. */
  readonly reason: string;
  /** What was counted; absent: `reason` is what an operator wrote. */
  readonly offence?: Offence;
  /** How often in a row; each time is twice as long. */
  readonly times: number;
  /** Who has offended too often, or whom a person has banned. */
  readonly by: 'offence' | 'operator';
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

/** What a log is given at once when it forgets its oldest lines; it has more room than this. */
const MOST_SNAPSHOT = 4 * 1024 * 1024;
const MOST_REASON = 300;

/** Who has offended how often, and who is kept out for it: with growing time, forgotten when it has been good for long. */
export class BanList {
  readonly #context: BanContext;
  readonly #log: RecorderLog | undefined;
  /** Those of people do not make room for those of attackers, who can have any number of addresses. */
  readonly #byOperator = new Map<string, Ban>();
  readonly #byOffence = new Map<string, Ban>();
  readonly #offences = new Map<string, Offences>();
  /** Bans since the start. */
  total = 0;

  constructor(context: BanContext, log?: RecorderLog) {
    this.#context = context;
    this.#log = log;
  }

  /** Reads what earlier runs have left. Never fails: a broker without its past is better than none. */
  async open(): Promise<void> {
    const log = this.#log;
    if (log === undefined) return;
    const lines = await log.open().catch((): readonly string[] => []);
    for (const line of lines) {
      const read = parseLine(line);
      if (read === undefined) continue;
      this.#forget(read.target);
      if ('until' in read && !this.#isForgiven(read)) this.#remember(read);
    }
    log.onRotated = () => this.#writeAll();
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }

  /** Those in force. */
  list(): readonly Ban[] {
    const now = this.#context.wallNow();
    return [...this.#byOperator.values(), ...this.#byOffence.values()].filter(({ until }) => until > now);
  }

  find(target: string): Ban | undefined {
    if (this.#byOffence.size === 0 && this.#byOperator.size === 0) return undefined;
    const ban = this.#known(target);
    return ban !== undefined && ban.until > this.#context.wallNow() ? ban : undefined;
  }

  /**
   * Keeps somebody out; without a time as long as it is its turn. `whom`: an address, `client:ID`, `user:NAME` or
   * `pair:ID@ADDRESS`. Throws RangeError, with words, for what is none of these.
   */
  add(whom: string, reason: string, seconds?: number, offence?: Offence): Ban {
    const by = offence === undefined ? 'operator' : 'offence';
    const target = by === 'operator' ? parseBanTarget(whom) : whom;
    const { settings } = this.#context;
    const now = this.#context.wallNow();
    const before = this.#known(target);
    const times = before === undefined || this.#isForgiven(before) ? 1 : before.times + 1;
    const own = Math.min(settings['bans.longest'], settings['bans.first'] * 2 ** Math.min(30, times - 1));
    const until = now + (seconds ?? own) * 1000;
    const ban: Ban = { target, until, reason: reason.slice(0, MOST_REASON), times, by, ...(offence && { offence }) };
    this.#forget(target);
    this.#remember(ban);
    this.#offences.delete(target);
    this.#log?.append(JSON.stringify(ban));
    this.total++;
    return ban;
  }

  /** False: it was not kept out. */
  remove(target: string): boolean {
    this.#offences.delete(target);
    const isKept = this.find(target) !== undefined;
    this.#forget(target);
    if (isKept) this.#log?.append(JSON.stringify({ target, lifted: true }));
    return isKept;
  }

  /** One more; over `most` within the window there is a ban. */
  countOffence(target: string, most: number, offence: Offence): Ban | undefined {
    if (most === 0) return undefined;
    const { settings } = this.#context;
    const now = this.#context.wallNow();
    let offences = this.#offences.get(target);
    if (offences === undefined || now >= offences.windowEndsAt) {
      offences = { count: 0, windowEndsAt: now + settings['bans.window'] * 1000 };
      remember(this.#offences, target, offences, settings['bans.remembered']);
    }
    offences.count++;
    return offences.count >= most ? this.add(target, BAN_REASONS.en({ is: offence }), undefined, offence) : undefined;
  }

  #known(target: string): Ban | undefined {
    return this.#byOperator.get(target) ?? this.#byOffence.get(target);
  }

  #remember(ban: Ban): void {
    const bans = ban.by === 'operator' ? this.#byOperator : this.#byOffence;
    remember(bans, ban.target, ban, this.#context.settings['bans.remembered']);
  }

  #forget(target: string): void {
    this.#byOperator.delete(target);
    this.#byOffence.delete(target);
  }

  /** It has been good for so long that the next ban is its first. */
  #isForgiven({ until }: Ban): boolean {
    return this.#context.wallNow() > until + this.#context.settings['bans.longest'] * 1000;
  }

  /** The log is about to forget: those that last longest are written anew, as far as there is room. */
  #writeAll(): void {
    let room = Math.min(MOST_SNAPSHOT, this.#context.settings['bans.fileBytes'] / 4);
    for (const ban of this.list().toSorted((a, b) => b.until - a.until)) {
      const line = JSON.stringify(ban);
      room -= line.length;
      if (room < 0) return;
      this.#log?.append(line);
    }
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

/** Why somebody who is banned is refused, and until when. */
export function bannedFor({ offence, reason, until }: Ban): CloseDetail {
  return {
    is: 'banned-for',
    until,
    reason: offence === undefined ? { is: 'said', text: reason } : { is: offence },
  };
}

/** Undefined: it is no line, or a crash has cut it off. */
function parseLine(line: string): Ban | { readonly target: string } | undefined {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null || !('target' in read) || typeof read.target !== 'string')
    return undefined;
  if ('lifted' in read) return { target: read.target };
  const isBan =
    'until' in read &&
    typeof read.until === 'number' &&
    'times' in read &&
    typeof read.times === 'number' &&
    'by' in read;
  return isBan ? (read as Ban) : undefined;
}
