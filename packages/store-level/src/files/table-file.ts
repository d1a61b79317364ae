import { crc32c } from '../records/crc32c.ts';
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
 * The index has a handle for each data block, the metaindex one for the filter.
 */
const FOOTER = 48;
const TRAILER = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const UNCOMPRESSED = 0;

/** Looks at the checksum of every block. Returns what is wrong and where; undefined: nothing. */
export function checkTable(bytes: Buffer): string | undefined {
  if (bytes.length < FOOTER || !bytes.subarray(-8).equals(MAGIC)) return 'its end is not that of a table';
  const footer = new Fields(bytes, bytes.length - FOOTER);
  const meta = { offset: footer.number(), size: footer.number() };
  const index = { offset: footer.number(), size: footer.number() };
  if (footer.isBroken) return 'its footer makes no sense';
  const blocks: Handle[] = [];
  for (const list of [meta, index]) {
    const damage = checkBlock(bytes, list);
    if (damage !== undefined) return damage;
    // Ours are never compressed; those of another writer can be looked at only as far as their index.
    if (bytes[list.offset + list.size] !== UNCOMPRESSED) continue;
    if (!readHandles(bytes.subarray(list.offset, list.offset + list.size), blocks)) {
      return `the block at byte ${list.offset} makes no sense`;
    }
  }
  for (const block of blocks) {
    const damage = checkBlock(bytes, block);
    if (damage !== undefined) return damage;
  }
  return undefined;
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

/** Entries: shared, own and value length, own part of the key, value; then the restart points and their number. */
function readHandles(block: Buffer, into: Handle[]): boolean {
  if (block.length < 4) return false;
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  if (end < 0) return false;
  const fields = new Fields(block.subarray(0, end));
  while (!fields.isAtEnd) {
    fields.number();
    const own = fields.number();
    const length = fields.number();
    fields.skip(own);
    const valueEnd = fields.at + length;
    into.push({ offset: fields.number(), size: fields.number() });
    if (fields.isBroken || fields.at > valueEnd) return false;
    fields.skip(valueEnd - fields.at);
  }
  return !fields.isBroken;
}
