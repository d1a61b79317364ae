import type { StoredOutbound, StoredQueueSummary } from '@hawser/broker';
import type { LevelDatabase } from './database.ts';
import { scan } from './load-contents.ts';
import { keyReader, messageKey, Prefix, rangeOf } from './records/keys.ts';
import { readQueuedHead } from './records/records.ts';
import { damagedRecord, readRecord } from './records/sealed-record.ts';
import type { StoreIndex } from './store-index.ts';

/** A picture of a database. */
export type Snapshot = ReturnType<LevelDatabase['snapshot']>;

/** What the queues of a store hold. */
export interface CountedQueues {
  readonly queues: readonly StoredQueueSummary[];
  /** Session numbers that have a queue and no session. */
  readonly orphans: ReadonlySet<number>;
  /** Shared messages that nobody waits for. */
  readonly unreferenced: readonly number[];
}

/**
 * Looks at every queue entry, its checksum and whether its message is there, and counts. The store may be in use meanwhile:
 * what is added is not looked at, and what the index was told of is not told to it again. Throws StoreError `store-damaged`.
 *
 * @param live For a store in use: what there was when it was opened; closed at the end. When `isStopped` says so nothing more is
 * done, and nothing returned. `flush` resolves when all that was appended is on disk.
 */
export async function countQueues(
  database: LevelDatabase,
  index: StoreIndex,
  outbound: ReadonlyMap<number, readonly StoredOutbound[]>,
  live?: { readonly snapshot: Snapshot; isStopped(): boolean; flush(): Promise<void> },
): Promise<CountedQueues | undefined> {
  const snapshot = live?.snapshot ?? database.snapshot();
  try {
    const tally = new Tally(index, outbound);
    let stopped = false;
    const goOn = async (): Promise<void> => {
      stopped ||= live?.isStopped() === true;
      if (stopped) throw new Stopped();
    };
    await scan(database, { ...rangeOf(Prefix.queued), snapshot }, (key, value) => tally.add(key, value), goOn);
    const unreferenced: number[] = [];
    const missing = new Set<number>();
    for (const sequence of index.references.sequences()) if (index.isOld(sequence)) missing.add(sequence);
    const visit = (key: Buffer): void => {
      const sequence = keyReader(key).uint56();
      if (!missing.delete(sequence) && index.isOld(sequence) && !index.references.has(sequence))
        unreferenced.push(sequence);
    };
    await scan(database, { ...rangeOf(Prefix.message), snapshot }, visit, goOn);
    if (missing.size > 0) await live?.flush();
    for (const sequence of missing) {
      // It may have been written since.
      const key = messageKey(sequence);
      if (index.references.has(sequence) && (await database.get(key)) === undefined) {
        throw damagedRecord(key, 'it is missing, though it is waited for');
      }
    }
    return { queues: tally.queues, orphans: tally.orphans, unreferenced };
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  } finally {
    await snapshot.close();
  }
}

/** Ends a scan from within. */
class Stopped extends Error {}

class Tally {
  readonly queues: { readonly session: number; messages: number; bytes: number }[] = [];
  readonly orphans = new Set<number>();
  readonly #index: StoreIndex;
  readonly #outbound: ReadonlyMap<number, readonly StoredOutbound[]>;
  #session = 0;
  #underWay: ReadonlySet<number> | undefined;

  constructor(index: StoreIndex, outbound: ReadonlyMap<number, readonly StoredOutbound[]>) {
    this.#index = index;
    this.#outbound = outbound;
  }

  add(key: Buffer, value: Buffer): void {
    const keys = keyReader(key);
    const session = keys.uint56();
    const sequence = keys.uint56();
    const { size, messageSequence } = readRecord(key, value, readQueuedHead);
    const index = this.#index;
    if (!index.isOld(sequence)) return;
    const isKnown = index.wasTouched(session, sequence);
    // Orphans hold on to their messages too, until they are cleared: one way to count.
    if (messageSequence !== 0 && !isKnown) index.references.add(session, sequence, messageSequence);
    if (!index.isLive(session)) {
      this.orphans.add(session);
      return;
    }
    if (!isKnown) index.queued(session, sequence);
    if (session !== this.#session) {
      this.#session = session;
      const handshakes = this.#outbound.get(session);
      this.#underWay =
        handshakes === undefined ? undefined : new Set(handshakes.map((handshake) => handshake.sequence));
    }
    if (this.#underWay?.has(sequence) === true) return;
    const last = this.queues.at(-1);
    if (last?.session === session) {
      last.messages++;
      last.bytes += size;
    } else this.queues.push({ session, messages: 1, bytes: size });
  }
}
