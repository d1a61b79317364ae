import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./faulty-machine.c', import.meta.url));

/** What writing to the disk comes to, as faulty-machine.c has it. */
const DISKS = {
  whole: 0,
  /** Each write takes half of what it is given, and says so. */
  'short writes': 1,
  /** Half of a write, then ENOSPC. */
  'full in the middle of a write': 2,
  /** EIO. */
  'writes fail': 3,
  /** EIO of `fdatasync`; the data may reach the disk later. */
  'syncs fail': 4,
  /** EIO of `fdatasync`, and all that was not synced is gone, as the page cache of Linux does it. */
  'syncs fail and lose': 5,
} as const;

export type Disk = keyof typeof DISKS;

/** Disk and wall clock of a process, in a test's hand: faulty-machine.c, which takes a C compiler. */
export class FaultyMachine implements Disposable {
  readonly #directory: string;
  readonly #control: number;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#control = openSync(join(directory, 'control'), 'w+');
    writeSync(this.#control, Buffer.alloc(24));
  }

  /** The words why not where there is no compiler, or another system. */
  static make(): FaultyMachine | string {
    if (process.platform !== 'linux' || process.arch !== 'x64') return 'it takes Linux on x86-64';
    const directory = mkdtempSync(join(tmpdir(), 'hawser-machine-'));
    const args = ['-shared', '-fPIC', '-O1', '-o', join(directory, 'machine.so'), SOURCE, '-ldl', '-lpthread'];
    const { status, stderr, error } = spawnSync('gcc', args, { encoding: 'utf8' });
    if (status === 0) return new FaultyMachine(directory);
    rmSync(directory, { recursive: true });
    return error?.message ?? stderr;
  }

  /** For the process; `below`: the directory whose files are written faultily. */
  env(below: string): Record<string, string> {
    const [library, control] = [join(this.#directory, 'machine.so'), join(this.#directory, 'control')];
    return { LD_PRELOAD: library, FAULTY_CONTROL: control, FAULTY_BELOW: `${below}/` };
  }

  set disk(disk: Disk) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(DISKS[disk]);
    writeSync(this.#control, bytes, 0, 4, 0);
  }

  /** How far the wall clock is ahead of the real one. */
  set clockMs(ms: number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    writeSync(this.#control, bytes, 0, 8, 8);
  }

  /** Calls that were cut short or failed so far. */
  get injected(): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#control, bytes, 0, 8, 16);
    return Number(bytes.readBigInt64LE());
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
