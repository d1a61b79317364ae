import { crc32c } from '../records/crc32c.ts';
import type { Entry } from './log-batches.ts';
import { unmaskChecksum } from './log-file.ts';
import { Fields } from './manifest.ts';

/*
 * LevelDB's table:
 *
 * table  = data-block* filter-block? metaindex-block index-block footer
 * block  = contents compression (1) checksum (4)
 * footer = handle of the metaindex, handle of the index, zeros up to 40, magic (8)
 * handle = offset size                                 varints
 *
 * Data, metaindex and index blocks are entries of key and value; a filter is not. The index has a handle for each data block, the metaindex one for the filter.
 */
const FOOTER = 48;
const TRAILER = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const UNCOMPRESSED = 0;
/** Behind each key: sequence (7) and type (1), as one number. */
const INTERNAL = 8;

/**
 * Looks at the checksum of every block, and whether it begins and ends with the keys it was made with: it may be another's, or from
 * another time. Returns what is wrong and where; undefined: nothing.
 */
export function checkTable(bytes: Buffer, smallest: Buffer, largest: Buffer): string | undefined {
  const layout = readLayout(bytes);
  if (typeof layout === 'string') return layout;
  for (const block of [...layout.data, ...layout.others]) {
    const damage = checkBlock(bytes, block);
    if (damage !== undefined) return damage;
  }
  const entriesOf = (block: Handle | undefined) =>
    block === undefined ? [] : (readEntries(bytes.subarray(block.offset, block.offset + block.size)) ?? []);
  const first = entriesOf(layout.data[0])[0];
  const last = entriesOf(layout.data.at(-1)).at(-1);
  const isIts = first?.key.equals(smallest) === true && last?.key.equals(largest) === true;
  return isIts ? undefined : 'it is another table than the one that was written';
}

/**
 * The entries of all blocks whose checksum fits, and of the others those that prove themselves whole (`isProven`). Tells what is
 * left out.
 */
export function* salvageTable(
  bytes: Buffer,
  isProven: (key: Buffer, value: Buffer) => boolean,
  onLost: (lost: LostBlock) => void,
): IterableIterator<Entry> {
  const layout = readLayout(bytes);
  if (typeof layout === 'string') onLost({ what: layout });
  let end = 0;
  let lastKey: Buffer | undefined;
  const blocks = typeof layout === 'string' ? walkBlocks(bytes) : layout.data;
  for (const block of blocks) {
    const contents = bytes.subarray(block.offset, block.offset + block.size);
    end = block.offset + block.size + TRAILER;
    const what = checkBlock(bytes, block);
    const entries = what === undefined && bytes[end - TRAILER] === UNCOMPRESSED ? readEntries(contents) : undefined;
    for (const entry of entries ?? []) yield* toEntry(entry);
    if (entries === undefined) {
      let saved = 0;
      for (const entry of provenEntries(contents, isProven)) {
        saved++;
        yield entry;
      }
      onLost({
        what: what ?? `the block at byte ${block.offset} makes no sense`,
        saved,
        from: lastKey,
        to: block.last,
      });
    }
    lastKey = block.last;
  }
  // A file that was cut off ends in the middle of a block.
  if (typeof layout === 'string') yield* provenEntries(bytes.subarray(end), isProven);
}

/** A block that could not be read, or could in part. */
export interface LostBlock {
  readonly what: string;
  /** Records of it that were good all the same. */
  readonly saved?: number;
  /** The keys it lies between, where that is known. */
  readonly from?: Buffer | undefined;
  readonly to?: Buffer | undefined;
}

/** What proves itself whole in a damaged block: its entries are read from each place where a whole key stands. */
function* provenEntries(block: Buffer, isProven: (key: Buffer, value: Buffer) => boolean): IterableIterator<Entry> {
  const starts = restartPoints(block);
  for (const [index, start] of starts.entries()) {
    for (const pair of parseEntries(block.subarray(start, starts[index + 1]))) {
      for (const entry of toEntry(pair)) {
        if (entry.value !== undefined && isProven(entry.key, entry.value)) yield entry;
      }
    }
  }
}

/** Where entries do not share a key with the one in front, as far as that makes sense. */
function restartPoints(block: Buffer): readonly number[] {
  const count = block.length < 4 ? 0 : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * count;
  const points = new Set([0]);
  for (let at = Math.max(end, 0); end >= 0 && at + 8 <= block.length; at += 4) {
    const point = block.readUInt32LE(at);
    if (point < end) points.add(point);
  }
  return [...points].sort((a, b) => a - b);
}

function* toEntry({ key, value }: { readonly key: Buffer; readonly value: Buffer }): IterableIterator<Entry> {
  if (key.length < INTERNAL) return;
  const tail = Number(key.readBigUInt64LE(key.length - INTERNAL));
  const isPut = tail % 256 === 1;
  const sequence = Math.floor(tail / 256);
  yield { key: userKey(key), sequence, value: isPut ? value : undefined };
}

/** Without sequence and type. */
function userKey(key: Buffer): Buffer {
  return key.subarray(0, Math.max(0, key.length - INTERNAL));
}

/** Where the blocks are, or what is wrong. */
export function readLayout(bytes: Buffer): { readonly data: Handle[]; readonly others: Handle[] } | string {
  if (bytes.length < FOOTER || !bytes.subarray(-8).equals(MAGIC)) return 'its end is not that of a table';
  const footer = new Fields(bytes, bytes.length - FOOTER);
  const meta = readHandle(footer);
  const index = readHandle(footer);
  const isPadded = bytes.subarray(footer.at, -MAGIC.length).every((byte) => byte === 0);
  if (footer.isBroken || !isPadded) return 'its footer makes no sense';
  const data: Handle[] = [];
  const others: Handle[] = [];
  for (const [list, into] of [
    [meta, others],
    [index, data],
  ] as const) {
    const damage = checkBlock(bytes, list);
    if (damage !== undefined) return damage;
    const isReadable = bytes[list.offset + list.size] === UNCOMPRESSED;
    const entries = isReadable ? readEntries(bytes.subarray(list.offset, list.offset + list.size)) : undefined;
    if (entries === undefined) return `the block at byte ${list.offset} makes no sense`;
    for (const { key, value } of entries) into.push({ ...readHandle(new Fields(value)), last: userKey(key) });
  }
  return { data, others };
}

interface Handle {
  readonly offset: number;
  readonly size: number;
  /** No key in it is higher. */
  readonly last?: Buffer;
}

function checkBlock(bytes: Buffer, { offset, size }: Handle): string | undefined {
  const end = offset + size + 1;
  if (end + TRAILER - 1 > bytes.length - FOOTER) return `a block at byte ${offset} would go beyond its end`;
  if (crc32c(bytes, offset, end) === unmaskChecksum(bytes.readUInt32LE(end))) return undefined;
  return `the checksum of the block at byte ${offset} (${size + TRAILER} bytes) does not fit`;
}

function readHandle(fields: Fields): Handle {
  return { offset: fields.number(), size: fields.number() };
}

/** Finds blocks without an index, one behind the other, by where a checksum fits. Ends where none does. */
function* walkBlocks(bytes: Buffer): IterableIterator<Handle> {
  for (let offset = 0; offset < bytes.length; ) {
    let sum = 0;
    let size = -1;
    for (let end = offset; end + TRAILER <= bytes.length; end++) {
      sum = crc32c(bytes, end, end + 1, sum);
      if (end > offset + 4 && sum === unmaskChecksum(bytes.readUInt32LE(end + 1))) {
        size = end - offset;
        break;
      }
    }
    if (size < 0) return;
    yield { offset, size };
    offset += size + TRAILER;
  }
}

/** Entries: shared, own and value length, own part of the key, value; then the restart points and their number. */
function readEntries(block: Buffer): { readonly key: Buffer; readonly value: Buffer }[] | undefined {
  if (block.length < 4) return undefined;
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  if (end < 0) return undefined;
  const entries: { readonly key: Buffer; readonly value: Buffer }[] = [];
  let isWhole = true;
  for (const entry of parseEntries(block.subarray(0, end), () => {
    isWhole = false;
  }))
    entries.push(entry);
  return isWhole ? entries : undefined;
}

/** Entries up to one that makes no sense. */
function* parseEntries(
  block: Buffer,
  onBroken?: () => void,
): IterableIterator<{ readonly key: Buffer; readonly value: Buffer }> {
  const fields = new Fields(block);
  let previous = Buffer.alloc(0);
  while (!fields.isAtEnd) {
    const shared = fields.number();
    const rest = fields.number();
    const length = fields.number();
    const start = fields.at;
    fields.skip(rest + length);
    if (fields.isBroken || shared > previous.length) {
      onBroken?.();
      return;
    }
    const key = Buffer.concat([previous.subarray(0, shared), block.subarray(start, start + rest)]);
    yield { key, value: block.subarray(start + rest, start + rest + length) };
    previous = key;
  }
}
