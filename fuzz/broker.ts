import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Via } from './case.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM =
  process.env.HAWSER_SOURCE === '1'
    ? ['--conditions=hawser-source', 'conformance/harness/hawser-source.mjs']
    : ['packages/cli/bin/hawser.js'];
/** Small bounds, so that they are reached within a minute and what grows beyond them shows. */
const SETTINGS = {
  'limits.connectTimeout': 2,
  'limits.retainedMessages': 5000,
  'limits.retainedBytes': 16 * 1024 * 1024,
  'limits.outputBytesNode': 64 * 1024 * 1024,
  'limits.routes': 2000,
  'limits.routeBytes': 16 * 1024 * 1024,
  'limits.subscriptions': 1000,
  'queue.bytes': 1024 * 1024,
  'queues.memoryBytes': 32 * 1024 * 1024,
  'sessions.bytes': 32 * 1024 * 1024,
  'limits.inputBytesNode': 32 * 1024 * 1024,
  'sessions.expiryMax': 10,
  'sessions.expiry3': 10,
};

/** What is not garbage must fit into this: a leak is a crash, and garbage is not mistaken for one. */
const HEAP_MIB = 256;

/** Variables that begin with HAWSER_ are the broker's configuration: none of a test's own may reach it. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HAWSER_'));
  return { ...Object.fromEntries(own), NO_COLOR: '1', NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` };
}

/** The broker under fire: `hawser broker` in a process of its own, on all four kinds of listener. */
export class FuzzedBroker {
  readonly ports = new Map<Via, number>();
  output = '';
  exit: string | undefined;
  readonly #child: ChildProcess;
  readonly #directory = mkdtempSync(join(tmpdir(), 'hawser-fuzz-'));

  constructor(more: readonly string[] = []) {
    const args = [...PROGRAM, 'broker', '--no-console', '--data', join(this.#directory, 'data')];
    for (const scheme of ['mqtt', 'mqtts']) args.push('--listen', `${scheme}://127.0.0.1:0`);
    for (const scheme of ['ws', 'wss']) args.push('--listen', `${scheme}://127.0.0.1:0/mqtt`);
    for (const [key, value] of Object.entries(SETTINGS)) args.push('--set', `${key}=${value}`);
    for (const setting of more) args.push('--set', setting);
    this.#child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
    });
    const keep = (chunk: Buffer): void => {
      // The end of it is what tells why it died.
      this.output = (this.output + String(chunk)).slice(-20_000);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.once('exit', (code, signal) => {
      this.exit = `${signal ?? `code ${code}`}`;
    });
  }

  /** Settles when it listens. */
  async ready(withinMs = 30_000): Promise<void> {
    const until = performance.now() + withinMs;
    while (!/^ready$/m.test(this.output)) {
      if (this.exit !== undefined || performance.now() > until)
        throw new Error(`the broker did not start:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const [via, scheme] of [
      ['tcp', 'mqtt'],
      ['tls', 'mqtts'],
      ['ws', 'ws'],
      ['wss', 'wss'],
    ] as const) {
      this.ports.set(via, Number(new RegExp(`\\b${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(this.output)?.[1]));
    }
  }

  /** Resident memory in MiB; 0 where the system does not say. */
  rss(): number {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    } catch {
      return 0;
    }
  }

  async stop(): Promise<void> {
    if (this.exit === undefined) {
      const gone = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), 8000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
