import { readFileSync, statSync } from 'node:fs';

/** What a file has been read into. */
export interface WatchedFileOptions<T> {
  /** Throws when the text is no good. */
  readonly parse: (text: string) => T;
  /** A changed file could not be read, and what was read before stays. */
  readonly onFault?: ((text: string) => void) | undefined;
  /** Milliseconds of any clock that only grows. */
  readonly now?: (() => number) | undefined;
}

const LOOK_EVERY_MS = 1000;

/**
 * A file that is read again when it has changed: its time, size or inode, looked at once a second when somebody asks.
 * A version that is no good is told once and the one before stays in force.
 */
export class WatchedFile<T> {
  readonly path: string;
  readonly #options: WatchedFileOptions<T>;
  readonly #now: () => number;
  #value: T;
  #stamp: string;
  #lookAgainAt: number;

  /** Throws when the file cannot be read. */
  constructor(path: string, options: WatchedFileOptions<T>) {
    this.path = path;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#stamp = stampOf(path);
    this.#value = options.parse(readFileSync(path, 'utf8'));
    this.#lookAgainAt = this.#now() + LOOK_EVERY_MS;
  }

  get value(): T {
    if (this.#now() >= this.#lookAgainAt) this.reload();
    return this.#value;
  }

  /** Looks now. False: it has changed and is no good. */
  reload(): boolean {
    this.#lookAgainAt = this.#now() + LOOK_EVERY_MS;
    try {
      const stamp = stampOf(this.path);
      if (stamp === this.#stamp) return true;
      this.#stamp = stamp;
      this.#value = this.#options.parse(readFileSync(this.path, 'utf8'));
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#options.onFault?.(`${this.path} has changed and cannot be used, what it said before stays: ${text}`);
      return false;
    }
  }
}

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path, { bigint: false });
  return `${mtimeMs} ${size} ${ino}`;
}
