import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

/** The committed bin file of the command line. */
export const HAWSER = fileURLToPath(new URL('../../packages/cli/bin/hawser.js', import.meta.url));

export interface BrokerProcessOptions {
  /** Arguments after `hawser broker`, besides listeners and data. */
  readonly args?: readonly string[];
  /** Before `node`, such as `['strace', '-f']`. */
  readonly wrapper?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A temporary one unless given; removed at the end either way. */
  readonly dataDirectory?: string;
}

/** A `hawser broker` of its own: free ports, a temporary data directory, the same of both after every restart. */
export class BrokerProcess {
  readonly dataDirectory: string;
  program: RunningProgram;
  port = 0;
  wsPort = 0;
  readonly #options: BrokerProcessOptions;

  /** Use `startBroker`. */
  constructor(dataDirectory: string, options: BrokerProcessOptions) {
    this.dataDirectory = dataDirectory;
    this.#options = options;
    this.program = this.#spawn();
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.wsPort}/mqtt`;
  }

  /** Settles when the broker has said `ready`. */
  async ready(withinMs?: number): Promise<void> {
    await this.program.waitFor(/^ready$/m, 'stdout', withinMs);
    this.port = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(this.program.stdout)?.[1]);
    this.wsPort = Number(/ws:\/\/127\.0\.0\.1:(\d+)/.exec(this.program.stdout)?.[1]);
  }

  /** The broker's own process, also below a wrapper: the only child of the wrapper's. */
  pidOfBroker(): number {
    const { pid } = this.program;
    if (this.#options.wrapper === undefined) return pid;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  }

  /** SIGKILL, at once: what it had in memory is gone. */
  async kill(): Promise<void> {
    await this.program.end('SIGKILL');
  }

  /** Starts it again, on the same ports and data. */
  async restart(withinMs?: number): Promise<void> {
    this.program = this.#spawn();
    await this.ready(withinMs);
  }

  /** Starts it, and kills it so soon that it may not be ready yet. */
  async startAndKill(afterMs: number): Promise<void> {
    this.program = this.#spawn();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.end('SIGKILL');
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  #spawn(): RunningProgram {
    const listen = ['--listen', `mqtt://127.0.0.1:${this.port}`, '--listen', `ws://127.0.0.1:${this.wsPort}/mqtt`];
    const command = [...(this.#options.wrapper ?? []), process.execPath, HAWSER, 'broker', ...listen];
    const [file = '', ...args] = [
      ...command,
      '--data',
      this.dataDirectory,
      '--no-console',
      ...(this.#options.args ?? []),
    ];
    const { env } = this.#options;
    return new RunningProgram(file, args, env === undefined ? {} : { env });
  }
}

/** A broker that is ready. `await using` ends it and removes its data. */
export async function startBroker(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const broker = new BrokerProcess(options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'hawser-e2e-'))), options);
  try {
    await broker.ready();
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
  return broker;
}
