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

/** Looks at the checksum of every block. Returns what is wrong and where; undefined: nothing. */
export function checkTable(bytes: Buffer): string | undefined {
  const layout = readLayout(bytes);
  if (typeof layout === 'string') return layout;
  for (const block of [...layout.data, ...layout.others]) {
    const damage = checkBlock(bytes, block);
    if (damage !== undefined) return damage;
  }
  return undefined;
}

/** The entries of all blocks whose checksum fits. Tells what is left out. */
export function* salvageTable(bytes: Buffer, onLost: (what: string) => void): IterableIterator<Entry> {
  const layout = readLayout(bytes);
  if (typeof layout === 'string') onLost(layout);
  const blocks = typeof layout === 'string' ? walkBlocks(bytes) : layout.data;
  for (const block of blocks) {
    const damage = checkBlock(bytes, block);
    if (damage === undefined && bytes[block.offset + block.size] === UNCOMPRESSED) {
      const entries = readEntries(bytes.subarray(block.offset, block.offset + block.size));
      for (const { key, value } of entries ?? []) {
        if (key.length < INTERNAL) continue;
        const tail = Number(key.readBigUInt64LE(key.length - INTERNAL));
        const isPut = tail % 256 === 1;
        const sequence = Math.floor(tail / 256);
        yield { key: key.subarray(0, key.length - INTERNAL), sequence, value: isPut ? value : undefined };
      }
    } else {
      onLost(damage ?? `the block at byte ${block.offset} is compressed`);
    }
  }
}

/** Where the blocks are, or what is wrong. */
function readLayout(bytes: Buffer): { readonly data: Handle[]; readonly others: Handle[] } | string {
  if (bytes.length < FOOTER || !bytes.subarray(-8).equals(MAGIC)) return 'its end is not that of a table';
  const footer = new Fields(bytes, bytes.length - FOOTER);
  const meta = readHandle(footer);
  const index = readHandle(footer);
  if (footer.isBroken) return 'its footer makes no sense';
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
    for (const { value } of entries) into.push(readHandle(new Fields(value)));
  }
  return { data, others };
}

interface Handle {
  readonly offset: number;
  readonly size: number;
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
  const fields = new Fields(block.subarray(0, end));
  const entries: { readonly key: Buffer; readonly value: Buffer }[] = [];
  let before = Buffer.alloc(0);
  while (!fields.isAtEnd) {
    const shared = fields.number();
    const own = fields.number();
    const length = fields.number();
    const start = fields.at;
    fields.skip(own + length);
    if (fields.isBroken || shared > before.length) return undefined;
    const key = Buffer.concat([before.subarray(0, shared), block.subarray(start, start + own)]);
    entries.push({ key, value: block.subarray(start + own, start + own + length) });
    before = key;
  }
  return entries;
}
