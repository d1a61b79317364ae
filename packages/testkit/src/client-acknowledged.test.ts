import type { Client, Message, MessageStream } from '@hawser/client';
import { encodePacket, type Packet, type QoS } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { connack, publish, ScriptedServer } from './scripted-server.ts';

// What a client acknowledges has been handed to the program: however the bytes come, whenever the program begins to listen.

const TOPICS = ['a', 'b', 'c'] as const;

type Step =
  /** The server sends so many messages, their bytes cut into pieces of this length. */
  | { readonly kind: 'send'; readonly count: number; readonly qos: QoS; readonly topic: number; readonly piece: number }
  | { readonly kind: 'handler'; readonly how: 'sync' | 'slow' | 'throws' | 'stuck'; readonly topic: number }
  | { readonly kind: 'listener' }
  | { readonly kind: 'stream'; readonly topic: number; readonly buffer: number }
  | { readonly kind: 'read'; readonly count: number }
  | { readonly kind: 'leave' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'pass'; readonly ms: number };

const topic = fc.integer({ min: 0, max: TOPICS.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('send' as const),
    count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(1200)),
    qos: fc.constantFrom(0, 1, 2),
    topic,
    piece: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant(65_536)),
  }),
  fc.record({
    kind: fc.constant('handler' as const),
    how: fc.constantFrom('sync', 'slow', 'throws', 'stuck'),
    topic,
  }),
  fc.constant({ kind: 'listener' } as const),
  fc.record({ kind: fc.constant('stream' as const), topic, buffer: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('read' as const), count: fc.integer({ min: 1, max: 30 }) }),
  fc.constantFrom({ kind: 'leave' } as const, { kind: 'stop' } as const, { kind: 'cut' } as const),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 10, 999, 1000, 60_000) }),
);

/** A server that keeps what is not acknowledged and sends it again, and a program that takes what it likes, when it likes. */
class Run {
  readonly clock = new FakeClock();
  readonly server = new ScriptedServer(this.clock);
  readonly isManual: boolean;
  readonly version: 4 | 5;
  /** By Packet Identifier: what is not acknowledged. */
  readonly kept = new Map<number, { readonly packet: Packet; readonly text: string; readonly qos: QoS }>();
  readonly handed = new Set<string>();
  readonly acknowledgedByProgram = new Set<string>();
  readonly violations: string[] = [];
  readonly refused = new Set<string>();
  sent = 0;
  #identifier = 0;
  #streams: MessageStream[] = [];
  #stops: (() => void)[] = [];
  #stuck: (() => void)[] = [];
  #isOver = false;
  client: Client | undefined;

  constructor(isManual: boolean, version: 4 | 5) {
    this.isManual = isManual;
    this.version = version;
    this.server.intercept = (packet, connection) => {
      if (packet.type === 'connect') {
        connection.write(connack({ sessionPresent: this.server.connections.length > 1 }));
        for (const { packet: again } of this.kept.values()) connection.write({ ...again, dup: true } as Packet);
        return true;
      }
      if (packet.type !== 'puback' && packet.type !== 'pubrec') return false;
      const { packetIdentifier, reasonCode } = packet;
      const message = this.kept.get(packetIdentifier);
      // A duplicate of QoS 2 is answered again.
      if (!message) return false;
      this.kept.delete(packetIdentifier);
      if (reasonCode >= 0x80) this.refused.add(message.text);
      else if (!(this.isManual ? this.acknowledgedByProgram : this.handed).has(message.text))
        this.violations.push(`${packet.type} for ${message.text}, which the program has not had`);
      return false;
    };
  }

  async start(): Promise<void> {
    this.client = await this.server.client({
      cleanStart: false,
      keepAlive: 0,
      reconnect: { delay: 0.01, delayMax: 0.01 },
      protocolVersion: this.version,
      acknowledge: this.isManual ? 'manual' : 'auto',
      ...(this.version === 5 && { sessionExpiryInterval: 1000 }),
      on: { error: () => {}, warning: () => {} },
    });
  }

  async take(step: Step): Promise<void> {
    const { client } = this;
    if (!client) throw new Error('not started');
    switch (step.kind) {
      case 'send': {
        const bytes: Uint8Array[] = [];
        for (let i = 0; i < step.count; i++) {
          const text = `${step.qos}:${++this.sent}`;
          const id = step.qos === 0 ? 0 : ++this.#identifier;
          const packet = publish(TOPICS[step.topic] ?? '', text, step.qos, id);
          if (step.qos > 0) this.kept.set(id, { packet, text, qos: step.qos });
          bytes.push(encodePacket(packet, this.version));
        }
        const all = Buffer.concat(bytes);
        // So many pieces would take long for nothing.
        const piece = Math.max(step.piece, all.length / 50);
        const { last } = this.server;
        for (let at = 0; at < all.length; at += piece)
          if (!last.isClosed) last.writeBytes(all.subarray(at, at + piece));
        return;
      }
      case 'handler':
        this.#stops.push(client.onMessage((message) => this.#handle(message, step.how), TOPICS[step.topic]));
        return;
      case 'listener':
        this.#stops.push(client.on('message', (message) => this.#take(message)));
        return;
      case 'stream':
        this.#streams.push(client.messages(TOPICS[step.topic] ?? '', { qos: 2, buffer: step.buffer }));
        return;
      case 'read': {
        const [stream] = this.#streams;
        for (let i = 0; i < step.count && stream && stream.buffered > 0; i++) {
          const { value } = await stream.next();
          if (value) this.#take(value);
        }
        return;
      }
      case 'leave':
        void this.#streams.shift()?.return();
        return;
      case 'stop':
        this.#stops.shift()?.();
        return;
      case 'cut':
        return this.server.last.cut();
      case 'pass':
        return this.clock.advance(step.ms);
    }
  }

  /** Whatever has happened: to a program that takes all, all comes. */
  async end(): Promise<void> {
    for (const stream of this.#streams) void stream.return();
    this.client?.onMessage((message) => this.#take(message));
    this.#isOver = true;
    for (const resolve of this.#stuck) resolve();
    await this.server.last.cut();
    await this.clock.advance(120_000);
    this.client?.disconnect({ drain: 0 });
    await this.clock.advance(10_000);
  }

  #take(message: Message): void {
    this.handed.add(message.text());
    if (!this.isManual) return;
    this.acknowledgedByProgram.add(message.text());
    message.acknowledge();
  }

  #handle(message: Message, how: 'sync' | 'slow' | 'throws' | 'stuck'): void | Promise<void> {
    this.handed.add(message.text());
    if (how === 'throws') throw new Error('a handler that throws');
    if (how === 'stuck' && !this.#isOver) return new Promise((resolve) => this.#stuck.push(resolve));
    if (how === 'sync') this.#take(message);
    else return new Promise((resolve) => this.clock.setTimer(this.clock.now() + 50, resolve));
  }
}

describe.each([
  ['auto', 5],
  ['auto', 4],
  ['manual', 5],
  ['manual', 4],
] as const)('acknowledge: %s, version %i', (mode, version) => {
  it('what is acknowledged was handed to the program, and nothing of QoS 1 and 2 is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const run = new Run(mode === 'manual', version);
        await run.start();
        // 3.x cannot refuse what the program has unsubscribed from: it is acknowledged, and told.
        for (const one of steps) if (version === 5 || one.kind !== 'leave') await run.take(one);
        await run.clock.settle();
        if (version === 5) await run.end();
        expect(run.violations).toEqual([]);
        if (version !== 5) return;
        for (const { text } of run.kept.values()) expect(run.handed, `${text} never came`).toContain(text);
        if (mode === 'manual') expect([...run.refused]).toEqual([]);
      }),
      { numRuns: Number(process.env.HAWSER_RUNS ?? 60) },
    );
  });
});

describe('3,000 messages of QoS 1 in one segment with the CONNACK', () => {
  const texts = Array.from({ length: 3000 }, (_, i) => `${i}`);

  const started = async (
    acknowledge: 'auto' | 'manual',
  ): Promise<{ clock: FakeClock; server: ScriptedServer; client: Client }> => {
    const clock = new FakeClock();
    const server = new ScriptedServer(clock);
    server.intercept = (packet, connection) => {
      if (packet.type !== 'connect') return false;
      const packets = [connack({ sessionPresent: true }), ...texts.map((text, i) => publish('a', text, 1, i + 1))];
      connection.writeBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, 5))));
      return true;
    };
    const client = await server.client({ clientId: 'x', cleanStart: false, sessionExpiryInterval: 60, acknowledge });
    return { clock, server, client };
  };

  it('all come to a listener that is attached after connect()', async () => {
    const { clock, server, client } = await started('auto');
    const got: string[] = [];
    client.on('message', (message) => got.push(message.text()));
    await clock.settle();
    expect(got).toEqual(texts);
    expect(server.last.of('puback')).toHaveLength(3000);
    expect(client.dropped).toBe(0);
  });

  it('are acknowledged by nothing but the program with acknowledge: manual', async () => {
    const { clock, server, client } = await started('manual');
    await clock.advance(60_000);
    const got: Message[] = [];
    client.on('message', (message) => got.push(message));
    await clock.advance(60_000);
    expect(got).toHaveLength(3000);
    expect(server.last.of('puback')).toHaveLength(0);
    for (const message of got.slice(0, 7)) message.acknowledge();
    await clock.settle();
    expect(server.last.of('puback')).toHaveLength(7);
    expect(client.dropped).toBe(0);
  });

  it('stop reading until somebody takes them, and the connection is kept alive', async () => {
    const { clock, server, client } = await started('auto');
    await server.last.send(publish('a', 'later', 0));
    await clock.advance(600_000);
    expect(client.state).toBe('connected');
    expect(server.connections).toHaveLength(1);
    expect(server.last.of('pingreq').length).toBeGreaterThan(5);
    expect(server.last.of('puback')).toHaveLength(0);
    const got: string[] = [];
    client.onMessage((message) => void got.push(message.text()));
    await clock.settle();
    expect(got).toEqual([...texts, 'later']);
  });

  it('do not keep disconnect() waiting, and stay with the server', async () => {
    const { clock, server, client } = await started('auto');
    const closed = client.disconnect();
    await clock.advance(3000);
    await closed;
    expect(server.last.of('disconnect')).toHaveLength(1);
    expect(server.last.of('puback')).toHaveLength(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('come once, though the connection is lost before anybody takes them', async () => {
    const { clock, server, client } = await started('auto');
    await server.last.cut();
    await clock.advance(1000);
    expect(server.connections).toHaveLength(2);
    const got: string[] = [];
    client.onMessage((message) => void got.push(message.text()));
    await clock.settle();
    expect(got).toEqual(texts);
    expect(server.last.of('puback')).toHaveLength(3000);
  });
});

describe('a loop in which another stream of the same client is read', () => {
  it('goes on, though its own buffer is full', async () => {
    const clock = new FakeClock();
    const server = new ScriptedServer(clock);
    const client = await server.client();
    const orders = client.messages('orders', { qos: 1, buffer: 2 });
    const prices = client.messages('prices', { qos: 1 });
    await clock.settle();
    const pairs: string[] = [];
    const loop = (async () => {
      for await (const order of orders) {
        const { value } = await prices.next();
        pairs.push(`${order.text()} ${value?.text()}`);
        if (pairs.length === 5) return;
      }
    })();
    for (let i = 1; i <= 5; i++) await server.last.send(publish('orders', `${i}`, 1, i));
    for (let i = 1; i <= 5; i++) await server.last.send(publish('prices', `${i}`, 1, 10 + i));
    await loop;
    expect(pairs).toEqual(['1 1', '2 2', '3 3', '4 4', '5 5']);
  });
});

describe('leaving a loop while the server is away', () => {
  it.each(['break', 'throw', 'await using'])('by %s is done at once; UNSUBSCRIBE follows', async (how) => {
    const clock = new FakeClock();
    const server = new ScriptedServer(clock);
    const client = await server.client({ reconnect: { delay: 100, delayMax: 100 } });
    const stream = client.messages('a');
    await clock.settle();
    await server.last.send(publish('a', '1'));
    await server.last.cut();
    expect(client.state).toBe('waiting');
    const leave = async (): Promise<void> => {
      await using _left = how === 'await using' ? stream : undefined;
      for await (const _message of stream) {
        if (how === 'throw') throw new Error('left');
        if (how === 'break') break;
        return;
      }
    };
    let isLeft = false;
    leave()
      .catch(() => {})
      .finally(() => {
        isLeft = true;
      });
    await clock.settle();
    expect(isLeft).toBe(true);
    await clock.advance(100_000);
    expect(server.last.of('unsubscribe')).toHaveLength(1);
  });
});

describe('a server that sends without end what nobody takes', () => {
  it.each([4, 5] as const)(
    'is cut off when all Packet Identifiers are used up, though the program waits: version %i',
    async (version) => {
      const clock = new FakeClock();
      const server = new ScriptedServer(clock);
      const client = await server.client({ protocolVersion: version, keepAlive: 0, reconnect: false });
      const ends: string[] = [];
      client.on('disconnected', ({ code }) => ends.push(code));
      void client.messages('awaited').next();
      await clock.settle();
      const one = Buffer.concat(Array.from({ length: 1000 }, () => encodePacket(publish('nobody', '', 1, 7), version)));
      for (let i = 0; i < 66; i++) {
        if (!server.last.isClosed) server.last.writeBytes(one);
        await clock.settle();
      }
      expect(ends).toEqual(['receive-maximum-exceeded']);
    },
  );
});
