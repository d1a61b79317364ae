import { type Broker, type BrokerOptions, createBroker, type Decision } from '@hawser/broker';
import { encodeUtf8 } from '@hawser/codec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { HeldStore } from './held-store.ts';
import { publishOf, Wire } from './testing/wire.ts';

let clock: FakeClock;
let store: HeldStore;
let broker: Broker;
let warnings: string[];

async function start(options: BrokerOptions = {}): Promise<void> {
  warnings = [];
  broker = await createBroker({
    clock,
    store,
    observe: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
    ...options,
  });
}

beforeEach(() => {
  clock = new FakeClock();
  store = new HeldStore();
});

const rejections: unknown[] = [];
const onRejection = (error: unknown): void => {
  rejections.push(error);
};
beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', onRejection);
});
afterEach(() => {
  process.off('unhandledRejection', onRejection);
});

async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await clock.settle();
    store.commitAll();
  }
  await clock.settle();
}

async function connect(clientId: string, kept = true, options: Parameters<Wire['connect']>[2] = {}): Promise<Wire> {
  const wire = await new Wire(broker, clock).connect(clientId, kept, options);
  await settle();
  return wire;
}

const texts = (wire: Wire): string[] => wire.published.map(({ payload }) => new TextDecoder().decode(payload));

describe('a policy that is slow', () => {
  test('what waits for it is not overwritten by what is read later', async () => {
    let answer: (decision: Decision) => void = () => {};
    await start({
      intercept: () =>
        new Promise<Decision>((resolve) => {
          answer = resolve;
        }),
    });
    const subscriber = await connect('subscriber');
    await subscriber.subscribe('t', 0);
    await settle();
    const publisher = await connect('publisher');
    await publisher.send(publishOf('t', 'text', 0, 0));
    answer('allow');
    await settle();
    expect(texts(subscriber)).toEqual(['text']);
  });

  test('a QoS 2 message whose connection is lost meanwhile is taken when it is sent again', async () => {
    const answers: ((decision: Decision) => void)[] = [];
    await start({ intercept: () => new Promise<Decision>((resolve) => answers.push(resolve)) });
    const subscriber = (await connect('subscriber')).answerAll();
    await subscriber.subscribe('t', 1);
    await settle();
    const publisher = await connect('publisher');
    await publisher.send(publishOf('t', 'text', 2, 1));
    await publisher.cut();
    answers[0]?.('allow');
    await settle();
    const again = await connect('publisher');
    await again.send({ ...publishOf('t', 'text', 2, 1), dup: true });
    answers[1]?.('allow');
    await settle();
    expect(again.last('pubrec')).toMatchObject({ packetIdentifier: 1, reasonCode: 0 });
    expect(texts(subscriber)).toEqual(['text']);
  });

  test('and answers nonsense costs one connection, not the process', async () => {
    await start({ authenticate: async () => undefined as never });
    const wire = await connect('a');
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejections).toEqual([]);
    expect(warnings).toMatchObject([expect.stringMatching('^authenticator-failed.*it answered undefined')]);
    expect(wire.closed).toBe(true);
  });
});

describe("the broker's own process", () => {
  test('a subscriber of its own that publishes does not make an acknowledgement leave early', async () => {
    await start();
    const subscriber = await connect('subscriber');
    await subscriber.subscribe('t', 1);
    await settle();
    broker.subscribe('t', () => {
      broker.publish('other', 'x');
    });
    const publisher = await connect('publisher');
    await publisher.send(publishOf('t', 'text', 1, 1));
    expect(publisher.last('puback'), 'before the commit').toBeUndefined();
    await settle();
    expect(publisher.last('puback')).toMatchObject({ reasonCode: 0 });
  });

  test('one of its own that throws at a Will leaves no group of the store open', async () => {
    await start();
    broker.subscribe('will', () => {
      throw new Error('a bug of an embedder');
    });
    const will = { topic: 'will', payload: encodeUtf8('gone'), qos: 0 as const, retain: false, properties: undefined };
    const wire = await connect('a', true, { will });
    await wire.cut().catch(() => {});
    await settle();
    const before = store.appended;
    const subscriber = await connect('subscriber');
    await subscriber.subscribe('t', 1);
    await settle();
    expect(store.appended).toBeGreaterThan(before + 1);
  });
});

describe('a session that is being read', () => {
  test('a connection that was never accepted leaves no Will', async () => {
    await start();
    const watcher = (await connect('watcher')).answerAll();
    await watcher.subscribe('will', 1);
    await settle();
    const will = { topic: 'will', payload: encodeUtf8('gone'), qos: 0 as const, retain: false, properties: undefined };
    const first = await new Wire(broker, clock).connect('a', true, { will });
    expect(first.last('connack'), 'waits for the disk').toBeUndefined();
    const second = await connect('a');
    expect(first.last('connack')).toMatchObject({ reasonCode: 0x80 });
    expect(second.last('connack')).toMatchObject({ reasonCode: 0 });
    expect(texts(watcher)).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('the broker stops while a connection is being let in', async () => {
    await start();
    const wire = await new Wire(broker, clock).connect('a', true);
    const closing = broker.close();
    await clock.settle();
    await closing;
    expect(wire.last('connack')).toMatchObject({ reasonCode: 0x88 });
  });
});
