import { type Broker, createBroker } from '@hawser/broker';
import { type Client, type ClientOptions, connectWith, type SessionStore, sessionStore } from '@hawser/client';
import { MemoryNetwork, Random, type Transport } from '@hawser/transport';
import { expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';

// The client itself, at both ends of a broker that crashes, over links that delay, split and break; the clients' programs are killed too,
// between any two writes of their stores.

const MESSAGES = 60;
/** Of each program. */
const KILLS = 5;

/** A client's disk: what is written gets there late, and a kill of the program leaves what is there. */
class Disk {
  readonly entries = new Map<string, Uint8Array>();
  readonly #clock: FakeClock;
  readonly #random: Random;
  #run = 0;

  constructor(clock: FakeClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** For one run of the program. */
  store(): SessionStore {
    const run = ++this.#run;
    return sessionStore({
      load: async () => [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1)),
      write: (_clientId, changes) =>
        new Promise((resolve) => {
          this.#clock.setTimer(this.#clock.now() + this.#random.integer(0, 30), () => {
            if (run !== this.#run) return;
            for (const { key, value } of changes) {
              if (value === undefined) this.entries.delete(key);
              else this.entries.set(key, value.slice());
            }
            resolve();
          });
        }),
    });
  }

  /** The program is gone: nothing more of it gets here. */
  kill(): void {
    this.#run++;
  }

  /** Payloads of the messages that are kept and not known to be with the server. */
  kept(): string[] {
    return [...this.entries].flatMap(([key, value]) => {
      if (!key.startsWith('m')) return [];
      const length = new DataView(value.buffer, value.byteOffset).getUint32(0);
      return [new TextDecoder().decode(value.subarray(4 + length))];
    });
  }
}

/** One run of a program with a client, on its own links: it can be killed. */
class Program {
  client: Client | undefined;
  isDead = false;
  readonly #transports: Transport[] = [];

  constructor(
    clock: FakeClock,
    random: Random,
    dial: () => Transport,
    options: ClientOptions,
    onConnected: (client: Client) => void,
  ) {
    const connecting = connectWith(
      {
        name: 'node',
        clock,
        random: () => random.next(),
        generateClientId: () => 'generated',
        dial: async () => {
          if (this.isDead) return new Promise<Transport>(() => {});
          const transport = dial();
          this.#transports.push(transport);
          return transport;
        },
      },
      {
        url: 'mqtt://broker',
        cleanStart: false,
        // Links that break at once are no takeover: each connection counts as a good one.
        reconnect: { initial: true, delay: 0.05, delayMax: 0.2, resetAfter: 0 },
        onTakenOver: 'retry',
        ...options,
      },
    );
    connecting.then((client) => {
      this.client = client;
      onConnected(client);
    });
  }

  kill(): void {
    this.isDead = true;
    for (const transport of this.#transports) transport.destroy();
  }
}

interface Received {
  readonly topic: string;
  readonly text: string;
}

interface Sent {
  readonly qos: 0 | 1 | 2;
  outcome: 'waiting' | 'taken' | 'rejected';
}

async function run(seed: number, protocolVersion: 4 | 5): Promise<void> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const network = new MemoryNetwork({
    clock,
    seed: seed ^ 0x5eed,
    delayMs: [0, 5],
    lossPerChunk: 0.02,
    splitting: true,
  });
  const settings = { 'limits.receiveMaximum': 4, 'limits.inflight3': 4 };
  let store = new HeldStore();
  let broker: Broker = await createBroker({ clock, store, settings, random: (size) => random.bytes(size) });
  const dial = (): Transport => {
    const [near, far] = network.connect();
    broker.attach(far);
    return near;
  };
  const session: ClientOptions =
    protocolVersion === 5 ? { sessionExpiryInterval: 0xffff_ffff, topicAliasMaximum: 5, receiveMaximum: 5 } : {};
  const disks = { publisher: new Disk(clock, random), subscriber: new Disk(clock, random) };
  const start = (clientId: keyof typeof disks, onConnected: (client: Client) => void = () => {}): Program => {
    const options = { ...session, protocolVersion, clientId, store: disks[clientId].store() };
    return new Program(clock, random, dial, options, onConnected);
  };
  /** By run of the subscriber's program: what a killed one had not acknowledged comes again. */
  const received: Received[][] = [];
  const receive = (client: Client): void => {
    const run: Received[] = [];
    received.push(run);
    client.onMessage(async (message) => {
      run.push({ topic: message.topic, text: message.text() });
      await new Promise<void>((resolve) => clock.setTimer(clock.now() + random.integer(0, 20), resolve));
    });
  };
  let publisher = start('publisher');
  let subscriber = start('subscriber', receive);
  const turn = async (ms: number): Promise<void> => {
    if (store.appended > store.committed) store.commit(random.integer(store.committed + 1, store.appended));
    await clock.advance(ms);
  };
  network.lossPerChunk = 0;
  while (subscriber.client === undefined || publisher.client === undefined) await turn(10);
  let isSubscribed = false;
  subscriber.client.subscribe('t/#', { qos: 2 }).then(() => {
    isSubscribed = true;
  });
  while (!isSubscribed) await turn(10);
  network.lossPerChunk = 0.02;

  const sent: Sent[] = [];
  /** What must arrive: the server has said so, or it was on disk when the program was killed. */
  const promised = new Set<string>();
  let kills = 0;
  for (let step = 0; step < 6000; step++) {
    if (sent.length < MESSAGES && random.chance(0.4)) {
      const { client } = publisher;
      const qos = random.pick([0, 1, 2, 2] as const);
      const number = sent.length;
      if (client !== undefined) {
        const one: Sent = { qos, outcome: 'waiting' };
        sent.push(one);
        const abort = random.chance(0.1) ? AbortSignal.abort.bind(AbortSignal) : undefined;
        const controller = new AbortController();
        const expiry = protocolVersion === 5 && random.chance(0.1) ? { messageExpiryInterval: 1000 } : {};
        client
          .publish(`t/${qos}/${random.integer(0, 2)}`, `${number}`, { qos, signal: controller.signal, ...expiry })
          .then(
            () => {
              one.outcome = 'taken';
            },
            () => {
              if (one.outcome === 'waiting') one.outcome = 'rejected';
            },
          );
        if (abort !== undefined) controller.abort();
      }
    }
    await turn(random.integer(0, 20));
    if (random.chance(0.01)) {
      store = store.crash({ survives: random.integer(0, 3) });
      network.cutAll();
      broker = await createBroker({ clock, store, settings, random: (size) => random.bytes(size) });
    }
    if (kills < KILLS && random.chance(0.02)) {
      kills++;
      publisher.kill();
      disks.publisher.kill();
      for (const text of disks.publisher.kept()) if (text !== '') promised.add(text);
      for (const one of sent) if (one.outcome === 'waiting') one.outcome = 'rejected';
      await clock.advance(random.integer(0, 100));
      publisher = start('publisher');
      // The other one lives longer: it has more to do.
    } else if (received.length <= KILLS && random.chance(0.01)) {
      subscriber.kill();
      disks.subscriber.kill();
      await clock.advance(random.integer(0, 100));
      subscriber = start('subscriber', receive);
    }
    if (sent.length < MESSAGES || step < 1000) continue;
    network.lossPerChunk = 0;
    store.commitAll();
    if (publisher.client?.pending === 0 && step > 1300) break;
  }
  await clock.advance(60_000);
  store.commitAll();
  await clock.advance(60_000);
  expect(publisher.client?.pending, 'messages the publisher still waits for').toBe(0);
  sent.forEach(({ outcome, qos }, number) => {
    if (outcome === 'taken' && qos > 0) promised.add(`${number}`);
  });
  const last = new Map<string, number>();
  const first = new Set<string>();
  for (const run of received) {
    const twice = run.filter(({ text }, i) => run.findIndex((other) => other.text === text) < i);
    expect(twice.filter(({ topic }) => !topic.startsWith('t/1/'))).toEqual([]);
    for (const { topic, text } of run) {
      if (first.has(text)) continue;
      first.add(text);
      expect(Number(text), `order on ${topic}`).toBeGreaterThan(last.get(topic) ?? -1);
      last.set(topic, Number(text));
    }
  }
  expect(
    [...promised].filter((text) => !first.has(text)),
    'messages that were promised and did not come',
  ).toEqual([]);
  expect(promised.size).toBeGreaterThan(MESSAGES / 4);
  expect(kills).toBeGreaterThan(0);
  for (const { entries } of Object.values(disks)) expect([...entries.keys()]).toEqual(['s']);
}

const SEEDS = Number(process.env.HAWSER_SEEDS ?? 20);

test.each(
  ([4, 5] as const).flatMap((version) =>
    process.env.HAWSER_SEED
      ? [[version, Number(process.env.HAWSER_SEED)] as const]
      : Array.from({ length: SEEDS }, (_, i) => [version, 1000 * version + i] as const),
  ),
)('version %i, seed %i: what was promised arrives, QoS 2 once, in order, through every kill', (version, seed) =>
  run(seed, version),
);
