import { StoreError } from '@hawser/broker';
import { crc32c } from './crc32c.ts';
import { describeKey } from './keys.ts';
import { RecordError, RecordReader } from './record-reader.ts';

/** First byte of every value. A reader that meets a higher one says that a newer version wrote it. */
export const RECORD_VERSION = 1;

/*
 * value = version body checksum
 *
 * The checksum is the CRC-32C of key and value, so that a value under another's key is found too. LevelDB has checksums
 * of its own, but reads without looking at them.
 */
const CHECKSUM_BYTES = 4;

/** Opens a value: looks at version and checksum, then `read` gets its body. Throws StoreError, naming what it was. */
export function readRecord<T>(key: Uint8Array, value: Uint8Array, read: (reader: RecordReader) => T): T {
  const end = value.byteLength - CHECKSUM_BYTES;
  if (end < 1) throw damagedRecord(key, 'it is too short');
  const sum = crc32c(value, 0, end, crc32c(key, 0, key.byteLength));
  if (sum !== new RecordReader(value, end).uint32()) throw damagedRecord(key, 'its checksum does not fit');
  const version = value[0] ?? 0;
  if (version !== RECORD_VERSION) {
    throw new StoreError(
      'store-format',
      `The data was written by a newer version of Hawser (${describeKey(key)}: record version ${version}). Use that version.`,
    );
  }
  try {
    return read(new RecordReader(value, 1, end));
  } catch (error) {
    if (error instanceof RecordError) throw damagedRecord(key, error.message);
    throw error;
  }
}

/** The error for a record that is not what was written. */
export function damagedRecord(key: Uint8Array, what: string): StoreError {
  return new StoreError('store-damaged', `The data is damaged (${describeKey(key)}: ${what}). ${ADVICE}`);
}

/** What to do about damage, the end of every such message. */
export const ADVICE = 'Run "hawser data check" to see how much, then restore a backup or run "hawser data repair".';
