import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConsoleRole, changePassword } from '@hawser/auth';
import { HAWSER } from './broker-process.ts';
import { RunningProgram } from './processes.ts';
import { portOf } from './security-client.ts';

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In front of the path; `/api/v1`. */
  readonly root?: string;
  /** An address of this machine to ask from. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly json: Record<string, unknown>;
}

/** Asks an API over a connection of its own. */
export function askApi(url: string, path: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, from, root = '/api/v1' } = options;
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: portOf(url),
      path: `${root}${path}`,
      method,
      agent: false,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(from === undefined ? {} : { localAddress: from }),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          json: text === '' ? {} : JSON.parse(text),
        }),
      );
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export function basic(name: string, password: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** `hawser broker --config hawser.yaml` in a directory of its own, with a console. */
export class ConsoleProcess {
  readonly directory = mkdtempSync(join(tmpdir(), 'hawser-console-'));
  program: RunningProgram | undefined;
  /** Of MQTT. */
  port = 0;
  api = '';

  get configFile(): string {
    return join(this.directory, 'hawser.yaml');
  }

  /** Writes the configuration; `listeners`, `data` and `console` are to be in it. */
  configure(yaml: string): void {
    writeFileSync(this.configFile, yaml);
  }

  /** Into the file `users`, all with one password. */
  addUsers(roles: Readonly<Record<string, ConsoleRole>>, password: string): void {
    const file = join(this.directory, 'users');
    for (const [user, role] of Object.entries(roles)) changePassword({ file, user, password, role });
  }

  async start(): Promise<void> {
    const args = [HAWSER, 'broker', '--config', 'hawser.yaml'];
    this.program = new RunningProgram(process.execPath, args, { cwd: this.directory });
    await this.program.waitFor(/^ready$/m);
    this.port = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(this.program.stdout)?.[1]);
    this.api = /http:\/\/[\d.]+:\d+/.exec(this.program.stdout)?.[0] ?? '';
  }

  ask(path: string, options?: AskOptions): Promise<Answer> {
    return askApi(this.api, path, options);
  }

  /** `hawser …` in the same directory, or in another. */
  hawser(
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const { cwd = this.directory, env = {} } = options;
    return new Promise((resolve) => {
      execFile(process.execPath, [HAWSER, ...args], { cwd, env: { ...process.env, ...env } }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err });
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program?.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
