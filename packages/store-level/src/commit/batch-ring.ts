import { StoreError } from '@hawser/broker';
import type { LevelDatabase } from '../database.ts';
import { type KeyRange, keyReader, Note, Prefix } from '../records/keys.ts';
import type { RecordReader } from '../records/record-reader.ts';
import { ADVICE, readRecord } from '../records/sealed-record.ts';
import type { Batch } from './batch.ts';

/**
 * Slots of the ring. More than the batches that LevelDB's log and the one before it can hold (4 MiB each by default),
 * since what LevelDB loses without an error it loses there.
 */
const SLOTS = 65_536;

/** What the newest batch on disk says. */
export interface BatchNumbers {
  /** Its number; 0 when there is none. */
  readonly last: number;
  readonly nextSession: number;
  readonly nextSequence: number;
  /** Drawn by whoever opened the store to write: tells its batches from another process's. */
  readonly writer: number;
}

/**
 * Ends a batch with its number. Batch n overwrites slot n modulo 65,536, so that at opening the ring must hold an unbroken
 * run of numbers: a batch that is missing has left an old number in its slot. The next session number and the next
 * sequence go with it, so that no number is used twice even when all that used it is gone.
 */
export function writeBatchNumber(batch: Batch, numbers: BatchNumbers): void {
  const key = batch.key();
  key.uint8(Prefix.note);
  key.uint8(Note.batch);
  key.uint16(numbers.last % SLOTS);
  const value = batch.value();
  value.uint56(numbers.last);
  value.uint56(numbers.nextSession);
  value.uint56(numbers.nextSequence);
  value.uint32(numbers.writer);
  batch.endPut();
}

/** The key batch `number` is written under. */
export function batchNumberKey(number: number): Buffer {
  const slot = number % SLOTS;
  return Buffer.of(Prefix.note, Note.batch, slot >>> 8, slot & 0xff);
}

/** Begins the ring anew: no batch before this one need be there. */
export function writeFirstBatch(batch: Batch, number: number): void {
  const key = batch.key();
  key.uint8(Prefix.note);
  key.uint8(Note.firstBatch);
  batch.value().uint56(number);
  batch.endPut();
}

/** Number of the first batch that must be there. */
export async function readFirstBatch(database: LevelDatabase): Promise<number> {
  const key = Buffer.of(Prefix.note, Note.firstBatch);
  const value = await database.get(key);
  return value === undefined ? 1 : readRecord(key, value, (reader) => reader.uint56());
}

/** All slots. */
export const batchRing: KeyRange = {
  gte: Buffer.of(Prefix.note, Note.batch),
  lt: Buffer.of(Prefix.note, Note.batch + 1),
};

/** Reads one slot. */
export function readBatchNumber(key: Uint8Array, value: Uint8Array): BatchNumbers {
  return readRecord(key, value, readNumbers);
}

/** Takes the slots of the ring in any order, then says whether a batch is missing. */
export class BatchRingCheck {
  readonly #numbers = new Map<number, number>();
  #newest: BatchNumbers = { last: 0, nextSession: 1, nextSequence: 1, writer: 0 };

  add(key: Uint8Array, value: Uint8Array): void {
    const keys = keyReader(key);
    keys.uint8();
    const numbers = readBatchNumber(key, value);
    this.#numbers.set(keys.uint16(), numbers.last);
    if (numbers.last > this.#newest.last) this.#newest = numbers;
  }

  /**
   * @param atLeast Number of a batch that is known to have been on disk.
   * @param first Number of the first batch that must be there.
   * @throws StoreError `store-damaged`, naming the first batch that is missing.
   */
  finish(atLeast: number, first: number): BatchNumbers {
    const { last } = this.#newest;
    if (last < atLeast) throw missingBatches(last + 1, atLeast);
    for (let number = Math.max(first, last - SLOTS + 1); number < last; number++) {
      if (this.#numbers.get(number % SLOTS) === number) continue;
      let until = number;
      while (until + 1 < last && this.#numbers.get((until + 1) % SLOTS) !== until + 1) until++;
      throw missingBatches(number, until);
    }
    return this.#newest;
  }
}

function readNumbers(reader: RecordReader): BatchNumbers {
  return {
    last: reader.uint56(),
    nextSession: reader.uint56(),
    nextSequence: reader.uint56(),
    writer: reader.uint32(),
  };
}

function missingBatches(from: number, to: number): StoreError {
  const which = from === to ? `batch ${from} is` : `batches ${from} to ${to} are`;
  return new StoreError(
    'store-damaged',
    `The data is damaged: ${which} missing, which had been written and acknowledged. ${ADVICE}`,
  );
}
