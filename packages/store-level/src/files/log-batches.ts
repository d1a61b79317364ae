import { readBatchNumber } from '../commit/batch-ring.ts';
import { Note, Prefix } from '../records/keys.ts';
import { Fields } from './manifest.ts';

/*
 * A record of LevelDB's log is a batch:
 *
 * batch = sequence (8) count (4) operation*
 * operation = 1 key value | 0 key                       texts with a varint length in front
 */
const BATCH_HEAD = 12;

/** One operation of a batch, or one entry of a table. */
export interface Entry {
  readonly key: Buffer;
  /** Of two entries for a key the one with the higher sequence counts. */
  readonly sequence: number;
  /** Absent: deleted. */
  readonly value: Buffer | undefined;
}

/** The operations of one record. What makes no sense ends it. */
export function* readBatch(record: Buffer): IterableIterator<Entry> {
  if (record.length < BATCH_HEAD) return;
  let sequence = Number(record.readBigUInt64LE(0));
  const fields = new Fields(record, BATCH_HEAD);
  while (!fields.isAtEnd) {
    const type = fields.number();
    const key = fields.text();
    const value = type === 1 ? fields.text() : undefined;
    if (fields.isBroken || type > 1) return;
    yield { key, sequence: sequence++, value };
  }
}

/**
 * Puts that prove themselves whole among bytes that were a batch: looked for everywhere, for nothing says where one begins.
 * They are given sequences from `sequence` on.
 */
export function* provenPuts(
  bytes: Buffer,
  sequence: number,
  isProven: (key: Buffer, value: Buffer) => boolean,
): IterableIterator<Entry> {
  let next = sequence;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 1) continue;
    const fields = new Fields(bytes, at + 1);
    const key = fields.text();
    const value = fields.text();
    if (fields.isBroken || key.length === 0 || !isProven(key, value)) continue;
    yield { key, sequence: next++, value };
    at = fields.at - 1;
  }
}

/** The highest number of a batch of ours in the records of a log; 0: there is none. */
export function highestBatchNumber(records: readonly Buffer[]): number {
  let highest = 0;
  for (const record of records) {
    for (const { key, value } of readBatch(record)) {
      if (value === undefined || key[0] !== Prefix.note || key[1] !== Note.batch) continue;
      highest = Math.max(highest, readBatchNumber(key, value).last);
    }
  }
  return highest;
}
