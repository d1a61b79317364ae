/**
 * CRC-32C (Castagnoli) of a stretch of bytes, the checksum LevelDB uses in its files too. In JavaScript, because records
 * are short: a call of zlib's and the view it needs cost more than the sum itself.
 *
 * @param seed The result for the bytes in front, to go on from there.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let crc = ~seed;
  let at = start;
  for (const last = end - 7; at < last; at += 8) {
    crc =
      word(7, byte(bytes, at) ^ crc) ^
      word(6, byte(bytes, at + 1) ^ (crc >>> 8)) ^
      word(5, byte(bytes, at + 2) ^ (crc >>> 16)) ^
      word(4, byte(bytes, at + 3) ^ (crc >>> 24)) ^
      word(3, byte(bytes, at + 4)) ^
      word(2, byte(bytes, at + 5)) ^
      word(1, byte(bytes, at + 6)) ^
      word(0, byte(bytes, at + 7));
  }
  for (; at < end; at++) crc = word(0, byte(bytes, at) ^ crc) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function word(slice: number, index: number): number {
  return table[(slice << 8) | (index & 0xff)] ?? 0;
}

/** Eight tables in one, for eight bytes a step. */
const table: Int32Array = makeTable();

function makeTable(): Int32Array {
  const words = new Int32Array(8 * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    words[index] = crc;
  }
  for (let index = 256; index < words.length; index++) {
    const before = words[index - 256] ?? 0;
    words[index] = (before >>> 8) ^ (words[before & 0xff] ?? 0);
  }
  return words;
}
