import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { plain, type SystemCall } from './system-calls.ts';

const PAGE = 4096;

/** How much of what was not synced the disk has all the same when the power goes. */
export type Unsynced = 'nothing' | 'some pages' | 'everything';

class Inode {
  /** As it is on disk for certain. */
  synced: Buffer = Buffer.alloc(0);
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;

  /** As every process sees it. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  write(bytes: Buffer, at: number): void {
    const end = at + bytes.length;
    if (end > this.#bytes.length) this.#bytes = resized(this.#bytes, Math.max(end, 2 * this.#bytes.length));
    bytes.copy(this.#bytes, at);
    this.#size = Math.max(this.#size, end);
  }

  truncate(size: number): void {
    this.#bytes = resized(this.bytes, size);
    this.#size = size;
  }

  sync(): void {
    this.synced = Buffer.from(this.bytes);
  }
}

/** A change of names, in the order of the file system's journal. */
interface NameChange {
  readonly apply: (names: Map<string, Inode>) => void;
}

/** What a process did to a directory and what it said, up to some moment. */
export interface Moment {
  /** Text it had written to its standard output, or was about to. */
  readonly said: string;
  /** What file is being synced there; for messages. */
  readonly after: string;
}

/**
 * Plays the trace of a process again and leaves the files as they would be after the power went: what was not synced is gone, or
 * there in part. Names (files made, renamed, removed) are kept in order, as journals of file systems do: those before the last
 * sync of anything are there, later ones are or are not.
 */
export class PowerLossReplay {
  readonly #root: string;
  readonly #calls: readonly SystemCall[];
  readonly #names = new Map<string, Inode>();
  readonly #journal: NameChange[] = [];
  #journalSynced = 0;
  /** By file descriptor: the file, and where the next write goes. */
  readonly #open = new Map<number, { readonly inode: Inode; at: number; readonly appends: boolean }>();
  #next = 0;
  #said = '';

  /** @param root The directory that counts; all else is left alone. */
  constructor(root: string, calls: readonly SystemCall[]) {
    this.#root = root;
    this.#calls = calls;
  }

  /** Goes on to the next moment that matters: a sync has ended, or something was said. False: the trace is over. */
  step(): Moment | undefined {
    while (this.#next < this.#calls.length) {
      const call = this.#calls[this.#next++] as SystemCall;
      const matters = this.#play(call);
      if (matters) return { said: this.#said, after: `${call.name} ${basename(call.path)}` };
    }
    return undefined;
  }

  /** Writes the files as they would be found, into an empty directory. */
  async build(directory: string, unsynced: Unsynced, lateNames: boolean, random: () => number): Promise<void> {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const names = new Map<string, Inode>();
    const upTo = lateNames ? this.#journal.length : this.#journalSynced;
    for (const change of this.#journal.slice(0, upTo)) change.apply(names);
    for (const [path, inode] of names) {
      const target = join(directory, relative(this.#root, path));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, contentOf(inode, unsynced, random));
    }
  }

  #play(call: SystemCall): boolean {
    const { name, path, text } = call;
    const result = Number(/\)\s+= (\d+)[^)"]*$/.exec(text.slice(-400))?.[1] ?? -1);
    if (result < 0) return false;
    if (name === 'write' && /^write\(1</.test(text)) {
      this.#said += Buffer.from(call.data, 'hex').toString();
      return true;
    }
    if (name === 'openat') this.#openFile(text, result);
    else if (name === 'rename') this.#rename(text);
    else if (name === 'unlink') this.#unlink(text);
    else if (this.#isOurs(path)) return this.#playOnFile(call);
    return false;
  }

  #playOnFile({ name, path, text, data }: SystemCall): boolean {
    const descriptor = Number(/^\w+\((\d+)</.exec(text)?.[1]);
    const file = this.#open.get(descriptor);
    if (name === 'fsync' || name === 'fdatasync') {
      // A file, or the directory itself.
      file?.inode.sync();
      this.#journalSynced = this.#journal.length;
      return true;
    }
    if (name === 'close') this.#open.delete(descriptor);
    if (file === undefined) return false;
    if (name === 'ftruncate') {
      file.inode.truncate(Number(/, (\d+)\)/.exec(text)?.[1]));
    } else if (name === 'write' || name === 'pwrite64') {
      const bytes = Buffer.from(data, 'hex');
      const at =
        name === 'pwrite64'
          ? Number(/, (\d+)\s*\)\s+= \d+$/.exec(text)?.[1])
          : file.appends
            ? file.inode.bytes.length
            : file.at;
      if (name === 'write') file.at = at + bytes.length;
      file.inode.write(bytes, at);
    } else if (name !== 'close') throw new Error(`${name} of ${path} is not played`);
    return false;
  }

  #openFile(text: string, descriptor: number): void {
    const [path = ''] = stringsOf(text);
    if (!this.#isOurs(path)) return;
    let inode = this.#names.get(path);
    if (inode === undefined) {
      if (!text.includes('O_CREAT')) return;
      const made = new Inode();
      this.#change((names) => names.set(path, made));
      inode = made;
    } else if (text.includes('O_TRUNC')) {
      inode.truncate(0);
    }
    this.#open.set(descriptor, { inode, at: 0, appends: text.includes('O_APPEND') });
  }

  #rename(text: string): void {
    const [from = '', to = ''] = stringsOf(text);
    const inode = this.#names.get(from);
    if (inode === undefined) return;
    this.#change((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  #unlink(text: string): void {
    const [path = ''] = stringsOf(text);
    if (this.#names.has(path)) this.#change((names) => names.delete(path));
  }

  #change(apply: (names: Map<string, Inode>) => void): void {
    apply(this.#names);
    this.#journal.push({ apply });
  }

  #isOurs(path: string): boolean {
    return path.startsWith(this.#root);
  }
}

function contentOf(inode: Inode, unsynced: Unsynced, random: () => number): Buffer {
  const { bytes, synced } = inode;
  if (unsynced === 'everything') return bytes;
  if (unsynced === 'nothing') return synced;
  // The file has grown, and of the pages that were written some have reached the disk.
  const size =
    random() < 0.5 ? bytes.length : synced.length + Math.floor(random() * (bytes.length - synced.length + 1));
  const mixed = resized(synced, Math.max(0, size));
  for (let at = 0; at < mixed.length; at += PAGE) {
    const end = Math.min(at + PAGE, mixed.length);
    if (random() < 0.5) bytes.copy(mixed, at, at, Math.min(end, bytes.length));
  }
  return mixed;
}

function resized(bytes: Buffer, size: number): Buffer {
  if (size <= bytes.length) return Buffer.from(bytes.subarray(0, size));
  return Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
}

function stringsOf(text: string): string[] {
  return [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, escaped = '']) => plain(escaped));
}
