import { runInNewContext } from 'node:vm';
import { type Client, connectWith, UsageError } from '@hawser/client';
import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker, type TestBroker } from './test-broker.ts';
import { connectTestClient, testPlatform } from './test-client.ts';

// What a program without types may give a client, and what programs bring along from MQTT.js.

async function setUp(): Promise<{ clock: FakeClock; broker: TestBroker; client: Client }> {
  const clock = new FakeClock();
  const broker = await startTestBroker({ clock });
  return { clock, broker, client: await connectTestClient(broker) };
}

/** The client as a program without types has it. */
type Untyped = Record<string, (...given: unknown[]) => unknown>;

const callback = (): void => {};

it.each<[string, (client: Untyped) => unknown, string]>([
  ['publish(t, p, callback)', ({ publish }) => publish?.('a', 'b', callback), 'publish() takes no callback'],
  ['publish(t, p, o, callback)', ({ publish }) => publish?.('a', 'b', { qos: 1 }, callback), 'takes no callback'],
  ['publish(t, callback)', ({ publish }) => publish?.('a', callback), 'it returns a promise'],
  ['publish(t, p, 1)', ({ publish }) => publish?.('a', 'b', 1), 'takes { qos: 1 }, not 1'],
  ['publish(t, p, null)', ({ publish }) => publish?.('a', 'b', null), 'takes an object of options, not null'],
  ['publish(t, null)', ({ publish }) => publish?.('a', null), 'leave it out for an empty message'],
  [
    'publish(t, 5)',
    ({ publish }) => publish?.('a', 5),
    'the payload is 5, and not text or bytes: use JSON.stringify()',
  ],
  [
    'publish(t, Blob)',
    ({ publish }) => publish?.('a', new Blob(['x'])),
    'is a Blob, and not text or bytes: give await payload.arrayBuffer()',
  ],
  [
    'publish(t, promise)',
    ({ publish }) => publish?.('a', Promise.resolve('x')),
    'is a Promise, and not text or bytes: await it',
  ],
  ['publish retain: 1', ({ publish }) => publish?.('a', 'b', { retain: 1 }), 'retain: takes true or false, not 1'],
  ['publish signal', ({ publish }) => publish?.('a', 'b', { signal: 5 }), 'signal: takes an AbortSignal, not 5'],
  [
    'publish userProperties: 5',
    ({ publish }) => publish?.('a', 'b', { userProperties: 5 }),
    "{ name: 'value' }, not 5",
  ],
  ['publish userProperties: Map', ({ publish }) => publish?.('a', 'b', { userProperties: new Map() }), 'not a Map'],
  ['subscribe(f, callback)', ({ subscribe }) => subscribe?.('a', callback), 'subscribe() takes no callback'],
  ['subscribe(f, o, callback)', ({ subscribe }) => subscribe?.('a', {}, callback), 'subscribe() takes no callback'],
  ['subscribe(f, 1)', ({ subscribe }) => subscribe?.('a', 1), 'takes { qos: 1 }, not 1'],
  ['subscribe(f, null)', ({ subscribe }) => subscribe?.('a', null), 'takes an object of options, not null'],
  ['subscribe({ a: … })', ({ subscribe }) => subscribe?.({ a: { qos: 1 } }), 'is no Topic Filter: it is not text'],
  ['unsubscribe(f, callback)', ({ unsubscribe }) => unsubscribe?.('a', callback), 'unsubscribe() takes no callback'],
  ['messages(f, null)', async ({ messages }) => messages?.('a', null), 'takes an object of options, not null'],
  ['messages(f, callback)', async ({ messages }) => messages?.('a', callback), 'messages() takes no callback'],
  ['onMessage(f, handler)', async ({ onMessage }) => onMessage?.('a', callback), "takes a function, not 'a'"],
  ['onMessage(h, bad filter)', async ({ onMessage }) => onMessage?.(callback, 'a/#/b'), 'is no Topic Filter'],
  ['request(t, p, callback)', ({ request }) => request?.('a', 'b', callback), 'request() takes no callback'],
  ['request timeout', ({ request }) => request?.('a', 'b', { timeout: 'x' }), "takes seconds, more than 0, not 'x'"],
  ['disconnect(true)', ({ disconnect }) => disconnect?.(true), 'takes an object of options, not true'],
  ['disconnect(callback)', ({ disconnect }) => disconnect?.(callback), 'disconnect() takes no callback'],
  ["on('connect')", async ({ on }) => on?.('connect', callback), "did you mean 'connected'?"],
  ["on('close')", async ({ on }) => on?.('close', callback), "did you mean 'disconnected'?"],
  ["on('end')", async ({ on }) => on?.('end', callback), 'did you mean the promise client.closed?'],
  ["once('mesage')", async ({ once }) => once?.('mesage', callback), "did you mean 'message'?"],
  ["on('toString')", async ({ on }) => on?.('toString', callback), "on('toString'): no such event"],
  ["on('message', 5)", async ({ on }) => on?.('message', 5), "the listener of 'message': takes a function, not 5"],
])('%s is refused in words', async (_what, misuse, words) => {
  const { client } = await setUp();
  const failure = (async () => misuse(client as unknown as Untyped))();
  await expect(failure).rejects.toThrowError(UsageError);
  await expect(failure).rejects.toThrowError(words);
  expect(client.state).toBe('connected');
});

it.each<[string, unknown, string]>([
  ['null', null, 'url: takes text, not null'],
  ['a number', 5, 'url: takes text, not 5'],
  ['on: a function', { on: callback }, 'on: takes an object of listeners'],
  ['on: an unknown event', { on: { connect: callback } }, "did you mean 'connected'?"],
  ['on: no listener', { on: { message: 5 } }, 'takes a function, not 5'],
  ['servers as objects', { servers: [{ host: 'a', port: 1 }] }, 'servers: takes a list of addresses'],
  ['a signal that is none', { signal: {} }, 'signal: takes an AbortSignal, not an object'],
  ['will: null', { will: null }, 'will'],
])('connect with %s is refused in words', async (_what, given, words) => {
  const { broker } = await setUp();
  const options = typeof given === 'object' && given !== null ? given : { url: given };
  const connecting = connectWith(testPlatform(broker), options as never);
  await expect(connecting).rejects.toThrowError(UsageError);
  await expect(connecting).rejects.toThrowError(words);
});

it('takes bytes of any kind and realm, and User Properties by their names', async () => {
  const { clock, client } = await setUp();
  const messages = client.messages('bytes/#');
  const foreign = runInNewContext('new Uint8Array([104, 111, 105])') as Uint8Array;
  expect(foreign instanceof Uint8Array).toBe(false);
  const payloads = [
    foreign,
    foreign.buffer,
    new DataView(foreign.buffer as ArrayBuffer, 1, 2),
    new Uint16Array([0x6f68]),
    runInNewContext('new DataView(new Uint8Array([104]).buffer)') as DataView,
  ];
  for (const payload of payloads) {
    const userProperties = { a: 'b', c: ['d', 'e'] };
    void client.publish('bytes/1', payload as Uint8Array, { userProperties, correlationData: foreign });
  }
  const texts: string[] = [];
  for (const _payload of payloads) {
    const { value } = await clock.waitFor(messages.next());
    texts.push(value?.text() ?? '');
    expect(value?.correlationData).toEqual(new Uint8Array([104, 111, 105]));
    expect(value?.userProperties).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'e'],
    ]);
  }
  expect(texts).toEqual(['hoi', 'hoi', 'oi', 'ho', 'h']);
});
