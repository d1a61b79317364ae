import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How the process is started: settings, and where it keeps its data. */
export interface BrokerProcessOptions {
  /** `--set key=value`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Directory of the data; absent: in memory. */
  readonly data?: string;
  /** A broker with the policies of `policy-broker.mjs` instead of `hawser broker`. */
  readonly policies?: boolean;
}

/** A broker in a process of its own. */
export interface BrokerProcess {
  readonly tcp: { readonly host: string; readonly port: number };
  readonly ws: string;
  readonly process: ChildProcess;
  /** Ends it, by default as an operator would. Rejects with its words when it had ended before. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LISTENERS = ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt'];
const READY_WITHIN_MS = 20_000;
/** What is built; with `CONFORMANCE_SOURCE=1` the sources as they are, for who is changing them. */
const PROGRAM =
  process.env.CONFORMANCE_SOURCE === '1'
    ? ['--conditions=hawser-source', 'conformance/harness/hawser-source.mjs']
    : ['packages/cli/bin/hawser.js'];

/** Starts `hawser broker` on free ports and waits until it is ready. */
export async function startBroker(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
  const args =
    options.policies === true
      ? [...PROGRAM.slice(0, -1), 'conformance/harness/policy-broker.mjs']
      : commandLine(options);
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words += String(chunk);
  });
  const output = await untilReady(child);
  const tcp = new URL(find(output, /mqtt:\/\/\S+/).replace('mqtt:', 'http:'));
  return {
    tcp: { host: tcp.hostname, port: Number(tcp.port) },
    ws: find(output, /ws:\/\/\S+/),
    process: child,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null) throw new Error(`the broker ended by itself with ${child.exitCode}:\n${words}`);
      child.kill(signal);
      await ended;
    },
  };
}

function commandLine({ set = {}, data = 'memory' }: BrokerProcessOptions): string[] {
  const args = [...PROGRAM, 'broker', '--no-console', '--data', data];
  for (const url of LISTENERS) args.push('--listen', url);
  for (const [key, value] of Object.entries(set)) args.push('--set', `${key}=${value}`);
  return args;
}

function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => fail(`is not ready after ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
    const fail = (what: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`the broker ${what}:\n${output}`));
    };
    const onOutput = (chunk: Buffer): void => {
      output += String(chunk);
      if (!/^ready$/m.test(output)) return;
      clearTimeout(timer);
      resolve(output);
    };
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('exit', (code) => fail(`has ended with ${code}`));
  });
}

function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[0];
  if (found === undefined) throw new Error(`no ${pattern} in the broker's output:\n${text}`);
  return found;
}
