import { type ChildProcess, spawn } from 'node:child_process';

/** A program that runs, what it has printed so far, and a way to wait for more of it. */
export class RunningProgram {
  readonly child: ChildProcess;
  /** Settles with the exit code (128 + signal number is not made up: a signal gives null). */
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';
  /** How it ended, in words; undefined: it runs. */
  ending: string | undefined;
  readonly #command: string;
  readonly #watchers = new Set<() => void>();
  #hasExited = false;

  constructor(
    command: string,
    args: readonly string[],
    options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
  ) {
    this.#command = [command, ...args].join(' ');
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#notify();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#notify();
    });
    // Who went before it read everything is told by its exit code.
    this.child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.ending = signal === null ? `it ended with ${code}` : `it was ended by ${signal}`;
        this.#hasExited = true;
        this.#notify();
        resolve(code);
      });
    });
    this.exited.catch(() => {});
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Settles when standard output (or error) matches; rejects when the program ends or time runs out before. */
  async waitFor(pattern: RegExp, from: 'stdout' | 'stderr' = 'stdout', withinMs = 15_000): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this[from]) ?? undefined, `${pattern} on ${from}`, withinMs);
  }

  /** Settles once `check` holds; looked at whenever something was printed. */
  async until(check: () => boolean, what: string, withinMs = 15_000): Promise<void> {
    await this.#until(() => check() || undefined, what, withinMs);
  }

  /** Settles with the first `count` lines of standard output. */
  async lines(count: number, withinMs = 15_000): Promise<string[]> {
    const split = () => this.stdout.split('\n').slice(0, -1);
    await this.#until(() => (split().length >= count ? true : undefined), `${count} lines`, withinMs);
    return split();
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.#hasExited) this.child.kill(signal);
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL').catch(() => {});
  }

  #until<T>(check: () => T | undefined, what: string, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        done();
        reject(new Error(`${why} while waiting for ${what}\n$ ${this.#command}\n${this.stdout}\n${this.stderr}`));
      };
      const timer = setTimeout(() => fail(`${withinMs} ms are over`), withinMs);
      const done = () => {
        clearTimeout(timer);
        this.#watchers.delete(look);
      };
      const look = () => {
        const found = check();
        if (found !== undefined) {
          done();
          resolve(found);
        } else if (this.#hasExited) fail(`${this.ending}, it has ended`);
      };
      this.#watchers.add(look);
      look();
    });
  }

  #notify(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** What a program that has ended left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, `input` being its standard input. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string | Uint8Array;
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly withinMs?: number;
  } = {},
): Promise<Outcome> {
  await using program = new RunningProgram(command, args, options);
  program.child.stdin?.end(options.input ?? '');
  const timer = setTimeout(() => program.child.kill('SIGKILL'), options.withinMs ?? 20_000);
  const code = await program.exited;
  clearTimeout(timer);
  return { code, stdout: program.stdout, stderr: program.stderr };
}
