import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HAWSER } from './broker-process.ts';
import { RunningProgram } from './processes.ts';

/** A line of the broker's log, of those that are of interest here. */
export interface LogLine {
  readonly msg: string;
  readonly cause?: string;
  readonly clientId?: string;
  readonly port?: number;
  readonly listener?: string;
  readonly tls?: string;
  readonly certificate?: string;
  readonly isVerified?: boolean;
}

/** A TLS listener, as it stands in the configuration; `files` are PEM. */
export interface TlsListener {
  readonly scheme?: 'mqtts' | 'wss';
  readonly tls: Readonly<Record<string, unknown>>;
}

/** A `hawser broker` with a configuration of TLS listeners, its files, and what its log says. */
export class TlsBroker implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'hawser-tls-'));
  readonly #names: string[] = [];
  #program: RunningProgram | undefined;
  #urls: readonly string[] = [];

  /** Writes a file whole, in the place of the one there was. Returns its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return path;
  }

  /** Starts it with listeners by name. */
  async start(listeners: Readonly<Record<string, TlsListener>>, args: readonly string[] = []): Promise<void> {
    const lines = Object.values(listeners).map(({ scheme = 'mqtts', tls }) => ({
      url: `${scheme}://127.0.0.1:0`,
      tls,
    }));
    // JSON is YAML.
    await this.startWith(JSON.stringify({ listeners: lines }), Object.keys(listeners), args);
  }

  /** The same with the text of a configuration, and the names that its listeners have here. */
  async startWith(configuration: string, names: readonly string[], args: readonly string[] = []): Promise<void> {
    this.#names.push(...names);
    const config = this.write('hawser.yaml', configuration);
    const flags = ['--config', config, '--data', 'memory', '--no-console', '--log-level', 'debug', ...args];
    this.#program = new RunningProgram(process.execPath, [HAWSER, 'broker', ...flags]);
    await this.program.waitFor(/^ready$/m);
    this.#urls = [...this.program.stdout.matchAll(/listening {2}(\S+)/g)].map(([, url = '']) => url);
  }

  get program(): RunningProgram {
    if (this.#program === undefined) throw new Error('it was not started');
    return this.#program;
  }

  url(name: string): string {
    return this.#urls[this.#names.indexOf(name)] ?? '';
  }

  port(name: string): number {
    return Number(new URL(this.url(name)).port);
  }

  get log(): readonly LogLine[] {
    const whole = this.program.stderr.slice(0, this.program.stderr.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** The first line of the log that fits, if need be later. */
  async logged(fits: (line: LogLine) => boolean, what: string): Promise<LogLine> {
    let found: LogLine | undefined;
    await this.program.until(() => {
      found = this.log.find(fits);
      return found !== undefined;
    }, what);
    if (found === undefined) throw new Error(`nothing in the log of ${what}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
