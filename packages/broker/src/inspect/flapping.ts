import { endpoint, type RecordedEvent } from '../recorder/recorded-event.ts';

/** A Client Identifier that several clients take from each other. */
export interface Flapping {
  /** Takeovers in `spanMs`. */
  readonly takeovers: number;
  readonly spanMs: number;
  /** In the minute before the last one. */
  readonly perMinute: number;
  /** From where they come: addresses, with ports where there is but one address. */
  readonly addresses: readonly string[];
}

/** Takeovers that lie further apart are a device that comes back. */
const WINDOW_MS = 5 * 60_000;
const MINUTE_MS = 60_000;

/**
 * Finds flapping: the same Client Identifier from two addresses in turn, or one that is taken over three times in five
 * minutes. A single takeover is a device that came back before its old connection was known to be dead.
 */
export function findFlapping(events: Iterable<RecordedEvent>): Flapping | undefined {
  const all = [...events].filter((event) => event.kind === 'closed' && event.takenOverBy !== undefined);
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const taken = all.filter((event) => last.at - event.at <= WINDOW_MS);
  const first = taken[0] ?? last;
  const hosts = new Set(taken.map((event) => event.remoteAddress ?? ''));
  const lastBy = hostOf(last.takenOverBy ?? '');
  hosts.add(lastBy);
  const inTurn = hosts.size > 1 && taken.length >= 2;
  if (!inTurn && taken.length < 3) return undefined;
  const ends = [endpoint(last.remoteAddress ?? '', last.remotePort ?? 0), last.takenOverBy ?? ''];
  return {
    takeovers: taken.length,
    spanMs: last.at - first.at,
    perMinute: taken.filter((event) => last.at - event.at <= MINUTE_MS).length,
    addresses: hosts.size > 1 ? [...hosts].slice(0, 4) : ends,
  };
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}
