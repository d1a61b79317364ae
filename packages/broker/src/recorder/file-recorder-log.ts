import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecorderLog } from './recorder-log.ts';

/** What may wait to be written. */
const MOST_PENDING = 8 * 1024 * 1024;
/** From here on it is written at once. */
const WRITE_FROM = 256 * 1024;
const FLUSH_AFTER_MS = 200;

export interface FileRecorderLogOptions {
  /** Made when it is not there. */
  readonly directory: string;
  /** Bytes of both files together (`recorder.fileBytes`). */
  readonly bytes: number;
}

/**
 * A RecorderLog in two files of JSON lines, `events.jsonl` and the one before it, `events.1.jsonl`, each half of the bound.
 * Nothing is forced to the disk: what a power loss takes is the end of a history, never a message.
 */
export class FileRecorderLog implements RecorderLog {
  onRotated: (() => void) | undefined;
  dropped = 0;
  readonly #path: string;
  readonly #olderPath: string;
  readonly #directory: string;
  readonly #bound: number;
  #file: FileHandle | undefined;
  #size = 0;
  #pending: string[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(options: FileRecorderLogOptions) {
    this.#directory = options.directory;
    this.#path = join(options.directory, 'events.jsonl');
    this.#olderPath = join(options.directory, 'events.1.jsonl');
    this.#bound = Math.max(1024, Math.floor(options.bytes / 2));
  }

  async open(): Promise<Iterable<string>> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const lines = [...linesOf(this.#olderPath), ...linesOf(this.#path)];
    this.#file = await open(this.#path, 'a', 0o600);
    this.#size = (await this.#file.stat()).size;
    // What a crash has cut off must not swallow the next line.
    if (this.#size > 0 && !endsWithNewline(this.#path)) {
      await this.#file.write('\n');
      this.#size++;
    }
    return lines;
  }

  append(line: string): void {
    if (this.#closed || this.#pendingBytes + line.length > MOST_PENDING) {
      this.dropped++;
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length + 1;
    if (this.#writing === undefined) this.#flushLater();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    while (this.#pending.length > 0) {
      this.#flush();
      await this.#writing;
    }
    this.#closed = true;
    await this.#file?.close();
    this.#file = undefined;
  }

  #flushLater(): void {
    if (this.#pendingBytes > WRITE_FROM) {
      this.#flush();
      return;
    }
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), FLUSH_AFTER_MS);
    this.#timer.unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#pending.length > 0 && !this.#closed) this.#flushLater();
    });
  }

  async #write(): Promise<void> {
    const lines = this.#pending;
    const text = `${lines.join('\n')}\n`;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      const { bytesWritten } = (await this.#file?.write(text)) ?? { bytesWritten: 0 };
      this.#size += bytesWritten;
      if (this.#size > this.#bound) await this.#rotate();
    } catch {
      // A full disk takes the history, not the broker; the counter tells.
      this.dropped += lines.length;
    }
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rename(this.#path, this.#olderPath);
    this.#file = await open(this.#path, 'a', 0o600);
    this.#size = 0;
    this.onRotated?.();
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function endsWithNewline(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const last = new Uint8Array(1);
    readSync(file, last, 0, 1, fstatSync(file).size - 1);
    return last[0] === 0x0a;
  } finally {
    closeSync(file);
  }
}
