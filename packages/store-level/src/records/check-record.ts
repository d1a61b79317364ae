import { StoreError } from '@hawser/broker';
import type { StoreDamage } from '../files/store-damage.ts';
import { describeKey, keyReader, Note, Prefix } from './keys.ts';
import { readMessage } from './message-record.ts';
import type { RecordReader } from './record-reader.ts';
import { readLosses, readOutbound, readQueued, readSession, readSubscription } from './records.ts';
import { readRecord } from './sealed-record.ts';

/** Reads a record to its end, message and all. Returns what is wrong with it. */
export function checkRecord(key: Uint8Array, value: Uint8Array): StoreDamage | undefined {
  const where = describeKey(key);
  try {
    const read = readerOf(key);
    if (read === undefined) return { where, what: 'no such record is known' };
    const left = readRecord(key, value, (reader) => {
      read(reader);
      return reader.left;
    });
    return left === 0 ? undefined : { where, what: `${left} bytes too many` };
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store-format') throw error;
    return { where, what: error instanceof Error ? error.message : String(error) };
  }
}

/** How the value under a key is read; undefined: no key of ours. */
function readerOf(key: Uint8Array): ((reader: RecordReader) => unknown) | undefined {
  const keys = keyReader(key);
  switch (key[0]) {
    case Prefix.session: {
      const clientId = keys.utf8();
      return (reader) => readSession(clientId, reader);
    }
    case Prefix.subscription: {
      keys.uint56();
      const filter = keys.utf8();
      return (reader) => readSubscription(filter, reader);
    }
    case Prefix.queued: {
      keys.uint56();
      const sequence = keys.uint56();
      return keys.left === 0 ? (reader) => readQueued(sequence, reader) : undefined;
    }
    case Prefix.outbound: {
      keys.uint56();
      const packetIdentifier = keys.uint16();
      return keys.left === 0 ? (reader) => readOutbound(packetIdentifier, reader) : undefined;
    }
    case Prefix.inbound:
      keys.uint56();
      keys.uint16();
      return keys.left === 0 ? () => undefined : undefined;
    case Prefix.lost:
      keys.uint56();
      return keys.left === 0 ? readLosses : undefined;
    case Prefix.message:
      keys.uint56();
      return keys.left === 0 ? readMessage : undefined;
    case Prefix.retained:
      return readMessage;
    case Prefix.note:
      return noteReader(keys.uint8());
    default:
      return undefined;
  }
}

function noteReader(note: number): ((reader: RecordReader) => unknown) | undefined {
  switch (note) {
    case Note.format:
      return (reader) => reader.uint16();
    case Note.firstBatch:
      return (reader) => reader.uint56();
    case Note.batch:
      return (reader) => [reader.uint56(), reader.uint56(), reader.uint56(), reader.uint32()];
    default:
      return undefined;
  }
}
