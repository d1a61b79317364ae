import { randomBytes } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MiB = 1024 * 1024;
/** What LevelDB takes to open a database, to sort in what was not sorted, and to delete something. */
export const RESERVE_BYTES = 32 * MiB;
/** It is made only where so many times as much is free. */
const WHEN_FREE = 8;

/**
 * Room on the disk that nobody else takes: a file that is given up when the disk is full, so that what then must be written (to start,
 * to clear away what was deleted) has somewhere to go. It is made again once there is room.
 */
export class Reserve {
  readonly #path: string;
  #making: Promise<void> | undefined;
  #isThere = false;

  constructor(directory: string) {
    this.#path = join(directory, 'reserve');
  }

  /** Gives the room back to the disk. False: there was none. */
  async release(): Promise<boolean> {
    await this.#making;
    this.#isThere = false;
    const had = await stat(this.#path).then(
      () => true,
      () => false,
    );
    if (had) await rm(this.#path, { force: true });
    return had;
  }

  /** To be called now and then, with what is free. */
  keep(freeBytes: number): void {
    if (this.#isThere || this.#making !== undefined || freeBytes < WHEN_FREE * RESERVE_BYTES) return;
    this.#isThere = true;
    this.#making = this.#make()
      // There is no room after all, or no right to take it: tried again when it is asked for the next time.
      .catch(() =>
        rm(this.#path, { force: true }).then(
          () => this.#forget(),
          () => this.#forget(),
        ),
      )
      .finally(() => {
        this.#making = undefined;
      });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#making;
  }

  #forget(): void {
    this.#isThere = false;
  }

  async #make(): Promise<void> {
    const known = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    );
    if (known >= RESERVE_BYTES) return;
    const file = await open(this.#path, 'w', 0o600);
    try {
      // Not zeros: a file system may keep those in no room at all.
      const bytes = randomBytes(MiB);
      for (let written = 0; written < RESERVE_BYTES; written += MiB) await file.write(bytes);
    } finally {
      await file.close();
    }
  }
}
