import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Settings } from '@hawser/broker';
import { encodePacket, PacketReader, PacketType, type QoS } from '@hawser/codec';

/** How a broker is. */
export interface BrokerState {
  readonly rss: number;
  readonly connected: number;
  readonly waitingBytes: number;
  readonly waitingOutputs: number;
  readonly pendingBytes: number;
  readonly slow: number;
  readonly lost: Readonly<Partial<Record<string, number>>>;
  readonly pauses: number;
  readonly slowConsumers: number;
  readonly readingPauses: number;
}

const start = (file: string, args: readonly string[]): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: ['--conditions=hawser-source'] });

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
};

/** A broker in a process of its own that can be asked how it is. */
export class ScaleBroker implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(settings: Partial<Settings> = {}): Promise<ScaleBroker> {
    const child = start('scale-broker.ts', [JSON.stringify(settings)]);
    const [message] = (await once(child, 'message')) as [{ readonly port: number }];
    return new ScaleBroker(child, message.port);
  }

  async state(): Promise<BrokerState> {
    const answer = once(this.#child, 'message');
    this.#child.send('state');
    return ((await answer) as [BrokerState])[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return ended(this.#child);
  }
}

/** Many clients in a process of their own. */
export class Crowd implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Settles when all are connected. With `filter` they subscribe and never read again. */
  static async join(port: number, count: number, name: string, filter?: string, qos: QoS = 0): Promise<Crowd> {
    const child = start('scale-crowd.ts', [
      String(port),
      String(count),
      name,
      ...(filter === undefined ? [] : [filter, String(qos)]),
    ]);
    const [message] = (await once(child, 'message')) as [string];
    if (message === 'ready') return new Crowd(child);
    await ended(child);
    throw new Error(message);
  }

  /** They read from now on. */
  read(): void {
    this.#child.send('read');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return ended(this.#child);
  }
}

/** A client that publishes to itself and keeps count, a window at a time. */
export class Pair implements AsyncDisposable {
  /** Numbers of the messages that came back, as they came. */
  readonly received: number[] = [];
  readonly #publisher: Socket;
  readonly #subscriber: Socket;
  readonly #topic: string;
  #acknowledged = 0;
  #sent = 0;
  #watch: () => void = () => {};

  private constructor(publisher: Socket, subscriber: Socket, topic: string) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#topic = topic;
    read(publisher, (reader) => {
      if (reader.firstByte >> 4 === PacketType.PUBACK) this.#acknowledged++;
    });
    read(subscriber, (reader) => {
      if (reader.firstByte >> 4 !== PacketType.PUBLISH) return;
      const { bytes, bodyStart, end } = reader;
      const at = bodyStart + 2 + topic.length;
      subscriber.write(Uint8Array.of(0x40, 2, bytes[at] ?? 0, bytes[at + 1] ?? 0));
      this.received.push(
        Number(
          Buffer.from(bytes.subarray(at + 2, end))
            .toString()
            .split(':', 1)[0],
        ),
      );
      this.#watch();
    });
  }

  static async join(port: number, topic: string): Promise<Pair> {
    const publisher = await hello(port, `publisher of ${topic}`);
    const subscriber = await hello(port, `subscriber of ${topic}`);
    const subscription = {
      topicFilter: topic,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    subscriber.write(
      encodePacket({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] }, 4),
    );
    await once(subscriber, 'data');
    return new Pair(publisher, subscriber, topic);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Publishes at QoS 1, `window` at a time, and waits for all to come back; rejects when nothing comes for long. */
  async run(messages: number, size: number, window = 20): Promise<void> {
    const until = this.#sent + messages;
    const filler = '.'.repeat(size);
    const publish = (): void => {
      while (this.#sent < until && this.#sent - this.received.length < window) {
        const number = this.#sent++;
        const payload = Buffer.from(`${number}:${filler}`);
        const packetIdentifier = (number % 60_000) + 1;
        this.#publisher.write(
          encodePacket(
            {
              type: 'publish',
              topic: this.#topic,
              payload,
              qos: 1,
              retain: false,
              dup: false,
              packetIdentifier,
              properties: undefined,
            },
            4,
          ),
        );
      }
    };
    await new Promise<void>((resolve, reject) => {
      const fail = (): void =>
        reject(new Error(`${this.#topic}: nothing came for 20 s after ${this.received.length} messages`));
      let timer = setTimeout(fail, 20_000);
      this.#watch = () => {
        clearTimeout(timer);
        if (this.received.length >= until) resolve();
        else {
          timer = setTimeout(fail, 20_000);
          publish();
        }
      };
      publish();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher.destroy();
    this.#subscriber.destroy();
  }
}

/** A connected client; the CONNACK has come. */
export async function hello(port: number, clientId: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  socket.write(
    encodePacket(
      {
        type: 'connect',
        protocolVersion: 4,
        cleanStart: true,
        keepAlive: 0,
        clientId,
        username: undefined,
        password: undefined,
        will: undefined,
        properties: undefined,
        bridge: false,
      },
      4,
    ),
  );
  await once(socket, 'data');
  return socket;
}

function read(socket: Socket, onPacket: (reader: PacketReader) => void): void {
  const reader = new PacketReader();
  socket.on('data', (chunk: Buffer) => {
    reader.push(new Uint8Array(chunk));
    while (reader.next()) onPacket(reader);
  });
}
