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

/** The highest number of a batch of ours in the records of a log; 0: there is none. */
export function highestBatchNumber(records: readonly Buffer[]): number {
  let highest = 0;
  for (const record of records) {
    const fields = new Fields(record, BATCH_HEAD);
    while (!fields.isAtEnd && !fields.isBroken) {
      const isPut = fields.number() === 1;
      const key = takeText(record, fields);
      const value = isPut ? takeText(record, fields) : undefined;
      if (value === undefined || key[0] !== Prefix.note || key[1] !== Note.batch) continue;
      highest = Math.max(highest, readBatchNumber(key, value).last);
    }
  }
  return highest;
}

function takeText(record: Buffer, fields: Fields): Buffer {
  const length = fields.number();
  const start = fields.at;
  fields.skip(length);
  return record.subarray(start, start + length);
}
