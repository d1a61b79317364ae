import { type FileHandle, open } from 'node:fs/promises';
import { StoreError } from '@hawser/broker';
import { crc32c } from '../records/crc32c.ts';
import { ADVICE } from '../records/sealed-record.ts';

const MAGIC = 0x48_41_57_53;
const BYTES = 16;

/**
 * A small file beside LevelDB's that says which batch was committed last, so that a log whose end was cut off, which looks
 * like one that a crash ended, is found. It is written after each commit and not synced: after power loss it may
 * be old, which is harmless, and it never runs ahead.
 */
export class CommitMarker {
  readonly #file: FileHandle;
  readonly #bytes = Buffer.alloc(BYTES);
  #wanted = 0;
  #isWriting = false;
  #idle: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The batch a marker file names; undefined: there is no file. Throws StoreError when it is damaged. */
  static async read(path: string): Promise<number | undefined> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const bytes = Buffer.alloc(BYTES + 1);
      const { bytesRead } = await file.read(bytes, 0, BYTES + 1, 0);
      const isWhole = bytesRead === BYTES && bytes.readUInt32BE(0) === MAGIC;
      if (!isWhole || bytes.readUInt32BE(12) !== crc32c(bytes, 0, 12)) {
        throw new StoreError('store-damaged', `The data is damaged: ${path} is not what was written. ${ADVICE}`);
      }
      return bytes.readUInt32BE(4) * 2 ** 32 + bytes.readUInt32BE(8);
    } finally {
      await file.close();
    }
  }

  /** Opens the file to write on, made with `number` in it (and synced) when it is not there. */
  static async open(path: string, number: number, isNew: boolean): Promise<CommitMarker> {
    const marker = new CommitMarker(await open(path, isNew ? 'w' : 'r+', 0o600));
    marker.#wanted = number;
    try {
      await marker.#write();
      if (isNew) await marker.#file.sync();
    } catch (error) {
      await marker.#file.close();
      throw error;
    }
    return marker;
  }

  /** Takes down a number that has been committed; the newest counts when several come while one is being written. */
  set(number: number): void {
    this.#wanted = number;
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#idle = this.#writeAll();
  }

  async close(): Promise<void> {
    await this.#idle;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    try {
      let written: number;
      do {
        written = this.#wanted;
        await this.#write();
      } while (written !== this.#wanted);
    } catch {
      // An old number is harmless, and a disk that fails is seen and told where it matters: in the batches.
    } finally {
      this.#isWriting = false;
    }
  }

  async #write(): Promise<void> {
    const bytes = this.#bytes;
    bytes.writeUInt32BE(MAGIC, 0);
    bytes.writeUInt32BE(Math.floor(this.#wanted / 2 ** 32), 4);
    bytes.writeUInt32BE(this.#wanted >>> 0, 8);
    bytes.writeUInt32BE(crc32c(bytes, 0, 12), 12);
    await this.#file.write(bytes, 0, BYTES, 0);
  }
}
