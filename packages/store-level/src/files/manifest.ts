/** A table as it was when it was made. */
export interface LiveTable {
  /** Bytes. */
  readonly size: number;
  /** First and last key, with sequence and type. */
  readonly smallest: Buffer;
  readonly largest: Buffer;
}

/** Which files make up the database, as LevelDB's MANIFEST has it. */
export interface LiveFiles {
  readonly tables: ReadonlyMap<number, LiveTable>;
  /** The oldest log that is still needed; 0: none was ever begun. */
  readonly log: number;
}

/*
 * A MANIFEST is a log of edits, an edit a list of (tag, fields):
 *   1 comparator name, 2 log number, 3 next file number, 4 last sequence, 5 compact pointer: level key,
 *   6 deleted file: level number, 7 new file: level number size smallest largest, 9 previous log number
 */

/** Plays the edits of a MANIFEST. Undefined: they make no sense. */
export function playManifest(edits: readonly Buffer[]): LiveFiles | undefined {
  const tables = new Map<number, LiveTable>();
  let log = 0;
  for (const edit of edits) {
    const fields = new Fields(edit);
    while (!fields.isAtEnd) {
      switch (fields.number()) {
        case 1:
          fields.text();
          break;
        case 2:
          log = fields.number();
          break;
        case 3:
        case 4:
        case 9:
          fields.number();
          break;
        case 5:
          fields.number();
          fields.text();
          break;
        case 6:
          fields.number();
          tables.delete(fields.number());
          break;
        case 7: {
          fields.number();
          const file = fields.number();
          tables.set(file, { size: fields.number(), smallest: fields.text(), largest: fields.text() });
          break;
        }
        default:
          return undefined;
      }
      if (fields.isBroken) return undefined;
    }
  }
  return { tables, log };
}

/** Reads LevelDB's varints: 64 bits, of which a double holds enough. */
export class Fields {
  readonly #bytes: Buffer;
  #at: number;
  isBroken = false;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      // A last byte of 0 would say nothing, so that nobody writes one: it has been altered.
      if (byte === undefined || (byte === 0 && shift > 0)) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    this.isBroken = true;
    return 0;
  }

  /** Bytes with their length in front. */
  text(): Buffer {
    const length = this.number();
    const start = this.#at;
    this.skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) this.isBroken = true;
  }
}
