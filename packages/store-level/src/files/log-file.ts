import { crc32c } from '../records/crc32c.ts';

/*
 * LevelDB's log format, also that of its MANIFEST: blocks of 32 KiB, in them pieces of records.
 *
 * piece = checksum (4) length (2) type (1) data      all numbers little-endian
 * type  = FULL | FIRST | MIDDLE | LAST
 *
 * A piece never crosses the border of a block; where no head fits any more there are zeros.
 */
const BLOCK = 32_768;
const HEAD = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** What a walk through a log found. */
export interface LogWalk {
  /** The records that are whole, in order. */
  readonly records: readonly Buffer[];
  /** Where the log stops making sense; absent: it ends well. */
  readonly brokenAt?: number;
  /** Only with `brokenAt`: records follow that are whole. A crash cannot do that, since each is synced before the next. */
  readonly isFollowed?: boolean;
}

/** Reads a log, looking at every checksum, which LevelDB looks at too, but without an error for what it then leaves out. */
export function walkLog(bytes: Buffer): LogWalk {
  const records: Buffer[] = [];
  let pieces: Buffer[] = [];
  let at = 0;
  let recordAt = 0;
  while (at < bytes.length) {
    const left = BLOCK - (at % BLOCK);
    if (left < HEAD) {
      at += left;
      continue;
    }
    const piece = readPiece(bytes, at);
    if (piece === undefined) return broken(records, bytes, at, recordAt);
    const isStart = piece.type === FULL || piece.type === FIRST;
    if (isStart !== (pieces.length === 0)) return broken(records, bytes, at, recordAt);
    if (isStart) recordAt = at;
    pieces.push(piece.data);
    at += HEAD + piece.data.length;
    if (piece.type === FULL || piece.type === LAST) {
      records.push(pieces.length === 1 ? piece.data : Buffer.concat(pieces));
      pieces = [];
    }
  }
  return pieces.length === 0 ? { records } : { records, brokenAt: recordAt, isFollowed: false };
}

/** A record of a log, or bytes between two that were records once. */
export interface LogPiece {
  readonly bytes: Buffer;
  /** Set: it is damaged, and begins here. */
  readonly brokenAt?: number;
}

/** The records that are whole, also those behind broken places, and what lies at those. */
export function* salvageLog(bytes: Buffer): IterableIterator<LogPiece> {
  let pieces: Buffer[] = [];
  let recordAt = 0;
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK - (at % BLOCK);
    if (left < HEAD) {
      at += left;
      continue;
    }
    const piece = readPiece(bytes, at);
    const isFirst = piece?.type === FULL || piece?.type === FIRST;
    if (piece === undefined || (!isFirst && pieces.length === 0)) {
      const brokenAt = pieces.length === 0 ? at : recordAt;
      pieces = [];
      for (at++; at < bytes.length && !isStart(bytes, at); ) at++;
      yield { bytes: bytes.subarray(brokenAt, at), brokenAt };
      continue;
    }
    if (isFirst) {
      pieces = [];
      recordAt = at;
    }
    pieces.push(piece.data);
    at += HEAD + piece.data.length;
    if (piece.type !== FULL && piece.type !== LAST) continue;
    yield { bytes: Buffer.concat(pieces) };
    pieces = [];
  }
  if (pieces.length > 0) yield { bytes: bytes.subarray(recordAt), brokenAt: recordAt };
}

/** LevelDB stores checksums of data that may hold checksums in a changed form. */
export function unmaskChecksum(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

function readPiece(bytes: Buffer, at: number): { readonly type: number; readonly data: Buffer } | undefined {
  if (at + HEAD > bytes.length) return undefined;
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes[at + 6] ?? 0;
  const end = at + HEAD + length;
  if (type < FULL || type > LAST || end > bytes.length || (at % BLOCK) + HEAD + length > BLOCK) return undefined;
  if (crc32c(bytes, at + 6, end) !== unmaskChecksum(bytes.readUInt32LE(at))) return undefined;
  return { type, data: bytes.subarray(at + HEAD, end) };
}

function broken(records: readonly Buffer[], bytes: Buffer, at: number, recordAt: number): LogWalk {
  const isInRecord = readPiece(bytes, recordAt)?.type === FIRST;
  const brokenAt = isInRecord ? recordAt : at;
  return { records, brokenAt, isFollowed: isWholeButForItsHead(bytes, at) || isRecordBehind(bytes, at) };
}

/** The beginning of another record behind a broken place: anywhere in its block, then at the start of each block. */
function isRecordBehind(bytes: Buffer, brokenAt: number): boolean {
  const blockEnd = brokenAt - (brokenAt % BLOCK) + BLOCK;
  for (let at = brokenAt + 1; at < Math.min(blockEnd, bytes.length); at++) if (isStart(bytes, at)) return true;
  for (let block = blockEnd; block < bytes.length; block += BLOCK) {
    for (let at = block; at < block + BLOCK; ) {
      const piece = readPiece(bytes, at);
      if (piece === undefined) break;
      if (piece.type === FULL || piece.type === FIRST) return true;
      at += HEAD + piece.data.length;
    }
  }
  return false;
}

function isStart(bytes: Buffer, at: number): boolean {
  const type = readPiece(bytes, at)?.type;
  return type === FULL || type === FIRST;
}

/** The last piece, there to its end, with a length that is wrong: altered, not torn. */
function isWholeButForItsHead(bytes: Buffer, at: number): boolean {
  const length = bytes.length - at - HEAD;
  if (length < 0 || length > BLOCK) return false;
  const checksum = unmaskChecksum(bytes.readUInt32LE(at));
  if (length !== bytes.readUInt16LE(at + 4)) return crc32c(bytes, at + 6, bytes.length) === checksum;
  for (const type of [FULL, FIRST, MIDDLE, LAST]) {
    if (crc32c(bytes, at + HEAD, bytes.length, crc32c(Buffer.of(type), 0, 1)) === checksum) return true;
  }
  return false;
}
