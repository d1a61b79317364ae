import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import type { TlsListenOptions } from './tls.ts';
import type { TlsFiles } from './tls-files.ts';

/** Who is told of changed files, and when they are looked at. */
export interface TlsWatchOptions {
  /** Takes the new ones; may throw a ListenError, which is told by `onFault`. */
  apply(options: TlsListenOptions): void;
  /** They are in use. */
  onReloaded?: ((text: string) => void) | undefined;
  /** Files have changed and can't be used; what they said before stays in force. Once for each change. */
  onFault?: ((text: string) => void) | undefined;
  readonly clock: Clock;
  /** How often files are looked at where the system tells of no changes (network drives); 5,000. */
  readonly pollMs?: number | undefined;
  /** Quiet time after a change before the files are read; 200. */
  readonly debounceMs?: number | undefined;
  /** How long files may fit badly together, as when the key is written after the certificate; 2,000. */
  readonly settleMs?: number | undefined;
}

/** Looks after PEM files until it is disposed of. */
export interface TlsWatch extends Disposable {
  /** Reads the files now, whatever their times say. False: they can't be used, and `onFault` was told why. */
  reload(): boolean;
}

/** Reads files again whenever they change. Directories are watched, so that files may be replaced by renaming. */
export function watchTls(files: TlsFiles, options: TlsWatchOptions): TlsWatch {
  return new FileWatch(files, options);
}

class FileWatch implements TlsWatch {
  readonly #files: TlsFiles;
  readonly #options: TlsWatchOptions;
  readonly #watchers: FSWatcher[] = [];
  #cancelPoll: () => void = () => {};
  #cancelLook: () => void = () => {};
  #isDisposed = false;

  constructor(files: TlsFiles, options: TlsWatchOptions) {
    this.#files = files;
    this.#options = options;
    for (const directory of new Set(files.files.map((file) => dirname(file)))) this.#watchDirectory(directory);
    this.#poll();
  }

  reload(): boolean {
    this.#cancelLook();
    return this.#read(0);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#cancelPoll();
    this.#cancelLook();
    for (const watcher of this.#watchers) watcher.close();
  }

  /** Where the system cannot watch, looking now and then is enough. */
  #watchDirectory(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#lookAfter(this.#options.debounceMs ?? 200));
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {}
  }

  #poll(): void {
    const { clock, pollMs = 5000 } = this.#options;
    this.#cancelPoll = clock.setTimer(clock.now() + pollMs, () => {
      this.#poll();
      this.#look();
    });
  }

  #lookAfter(ms: number): void {
    if (this.#isDisposed) return;
    const { clock } = this.#options;
    this.#cancelLook();
    this.#cancelLook = clock.setTimer(clock.now() + ms, () => this.#look());
  }

  #look(): void {
    if (this.#files.hasChanged) this.#read(this.#options.settleMs ?? 2000);
  }

  /** `patienceMs`: when files can't be used, they are read once more after this time before anybody is told. */
  #read(patienceMs: number): boolean {
    const { apply, onReloaded, onFault, clock } = this.#options;
    try {
      if (this.#files.reload(clock.wallNow())) {
        apply(this.#files.options);
        onReloaded?.(this.#files.summary);
      }
      return true;
    } catch (error) {
      if (patienceMs > 0) {
        this.#cancelLook();
        this.#cancelLook = clock.setTimer(clock.now() + patienceMs, () => this.#read(0));
      } else {
        const text = error instanceof Error ? error.message : String(error);
        onFault?.(`the new TLS files can't be used, those before stay in force: ${text}`);
      }
      return false;
    }
  }
}
