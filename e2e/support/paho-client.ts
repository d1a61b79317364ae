import { fileURLToPath } from 'node:url';
import { MessageLog } from './message-log.ts';
import { RunningProgram } from './processes.ts';
import {
  type ClientTransport,
  type ConnectTo,
  type MqttVersion,
  portOf,
  type RealClient,
  type RealClientKind,
} from './real-client.ts';

const DRIVER = fileURLToPath(new URL('paho_driver.py', import.meta.url));

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One Python process with Paho for as many connections as are asked for. Debian's own Python: that is where Debian's Paho is. */
export class PahoDriver {
  readonly #program = new RunningProgram('/usr/bin/python3', ['-u', DRIVER]);
  readonly #waiting = new Map<number, Waiting>();
  readonly #logs = new Map<string, MessageLog>();
  #lastRequest = 0;
  #lastClient = 0;
  #read = 0;

  constructor() {
    this.#program.child.stdout?.on('data', () => this.#readLines());
    const failAll = () => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`Paho's process has ended: ${this.#program.stderr}`));
    };
    this.#program.exited.then(failAll, failAll);
  }

  kind(version: MqttVersion, transport: ClientTransport): RealClientKind {
    return {
      name: `Paho ${version} ${transport}`,
      version,
      connect: async (to: ConnectTo) => {
        const { clientId, will } = to;
        this.#lastClient += 1;
        const client = `c${this.#lastClient}`;
        const messages = new MessageLog();
        this.#logs.set(client, messages);
        const ca = transport === 'tls' || transport === 'wss' ? to.tls?.caFile : undefined;
        const where = { version, transport, port: portOf(to, transport), clientId, ca };
        await this.request({ op: 'connect', client, ...where, will });
        return new PahoClient(this, client, messages);
      },
    };
  }

  request(words: Record<string, unknown>): Promise<void> {
    this.#lastRequest += 1;
    const id = this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#program.child.stdin?.write(`${JSON.stringify({ id, ...words })}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }

  #readLines(): void {
    for (;;) {
      const end = this.#program.stdout.indexOf('\n', this.#read);
      if (end === -1) return;
      const line = JSON.parse(this.#program.stdout.slice(this.#read, end)) as Record<string, unknown>;
      this.#read = end + 1;
      if (typeof line.answer === 'number') this.#settle(line.answer, line.error);
      else {
        const { topic, payload, qos, retain } = line;
        this.#logs.get(String(line.client))?.add({
          topic: String(topic),
          payload: String(payload),
          qos: Number(qos),
          retain: retain === true || retain === 1,
        });
      }
    }
  }

  #settle(id: number, error: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (typeof error === 'string') waiting?.reject(new Error(`Paho: ${error}`));
    else waiting?.resolve();
  }
}

class PahoClient implements RealClient {
  readonly messages: MessageLog;
  readonly #driver: PahoDriver;
  readonly #name: string;

  constructor(driver: PahoDriver, name: string, messages: MessageLog) {
    this.#driver = driver;
    this.#name = name;
    this.messages = messages;
  }

  subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    return this.#driver.request({ op: 'subscribe', client: this.#name, filter, qos });
  }

  publish(
    topic: string,
    payload: string,
    { qos, retain = false }: { readonly qos: 0 | 1 | 2; readonly retain?: boolean },
  ): Promise<void> {
    return this.#driver.request({ op: 'publish', client: this.#name, topic, payload, qos, retain });
  }

  drop(): Promise<void> {
    return this.#driver.request({ op: 'drop', client: this.#name });
  }

  close(): Promise<void> {
    return this.#driver.request({ op: 'close', client: this.#name });
  }
}
