import { type Client, PayloadError, type StandardSchema, type TypedMessage, topic } from '@hawser/client';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { publish, ScriptedServer } from './scripted-server.ts';

// Typed topics of a real client, against a server that does what a test says.

/** Written by hand, and without a thought of null. */
const text: StandardSchema<{ readonly text: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { text } = value as { readonly text?: unknown };
      return typeof text === 'string' ? { value: { text } } : { issues: [{ message: 'no text' }] };
    },
  },
};
const notes = topic('notes/{id}', text);

type Note = TypedMessage<{ readonly text: string }, { readonly id: string }>;

let clock: FakeClock;
let server: ScriptedServer;
let errors: Error[];

beforeEach(() => {
  clock = new FakeClock();
  server = new ScriptedServer(clock);
  errors = [];
});

async function connected(options: Parameters<ScriptedServer['client']>[0] = {}): Promise<Client> {
  const client = await server.client(options);
  client.on('error', (error) => errors.push(error));
  return client;
}

/** The topic's messages are read until they end. */
function read(stream: AsyncIterable<Note>, onNote: (note: Note) => void = () => {}) {
  const read = { texts: [] as string[], end: undefined as unknown };
  const all = async (): Promise<void> => {
    for await (const note of stream) {
      read.texts.push(note.value.text);
      onNote(note);
    }
  };
  all().then(
    () => {
      read.end = 'ended';
    },
    (error: unknown) => {
      read.end = error;
    },
  );
  return read;
}

const good = (word: string, packetIdentifier = 0) =>
  publish('notes/1', `{"text":"${word}"}`, packetIdentifier === 0 ? 0 : 1, packetIdentifier);
const bad = (payload: string, packetIdentifier = 0) =>
  publish('notes/1', payload, packetIdentifier === 0 ? 0 : 1, packetIdentifier);
const acknowledged = () =>
  server.last.of('puback').map(({ packetIdentifier, reasonCode }) => [packetIdentifier, reasonCode]);

describe('payloads that do not match', () => {
  it.each([
    ['a schema that throws', 'null', /the schema failed: TypeError/],
    ['issues', '{"text":1}', /no text/],
    ['no JSON', '{', /cannot be read: SyntaxError/],
  ])('%s: an error tells it with the message, and the stream goes on', async (_what, payload, words) => {
    const client = await connected();
    const got = read(notes.messages(client));
    await clock.settle();
    await server.last.send(good('first'), bad(payload), good('second'));
    expect(got).toEqual({ texts: ['first', 'second'], end: undefined });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(PayloadError);
    expect(errors[0]).toMatchObject({
      code: 'payload-invalid',
      topic: 'notes/1',
      message: expect.stringMatching(words),
    });
    expect((errors[0] as PayloadError).received?.text()).toBe(payload);
  });

  it.each(['messages()', 'subscribe()'])('are left to the program with acknowledge: manual: %s', async (how) => {
    const client = await connected({ acknowledge: 'manual' });
    const onNote = ({ message }: Note): void => message.acknowledge();
    if (how === 'messages()') read(notes.messages(client, { qos: 1 }), onNote);
    else void notes.subscribe(client, onNote, { qos: 1 });
    await clock.settle();
    await server.last.send(good('x', 1), bad('null', 2), good('y', 3));
    expect(acknowledged()).toEqual([[1, 0]]);
    const [error] = errors as PayloadError[];
    error?.received?.acknowledge(0x99);
    await clock.settle();
    expect(acknowledged()).toEqual([
      [1, 0],
      [2, 0x99],
      [3, 0],
    ]);
  });

  it('are acknowledged when the client does it by itself', async () => {
    const client = await connected();
    read(notes.messages(client, { qos: 1 }));
    await clock.settle();
    await server.last.send(bad('null', 1), good('x', 2), good('y', 3));
    expect(acknowledged().slice(0, 2)).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });
});

describe('messages()', () => {
  it('subscribes at once, and keeps what comes before the first is asked for', async () => {
    const client = await connected();
    const stream = notes.messages(client, { qos: 1 });
    await clock.settle();
    expect(server.last.of('subscribe')).toHaveLength(1);
    await server.last.send(good('early'));
    const first = stream.next();
    await clock.settle();
    expect((await first).value?.value).toEqual({ text: 'early' });
  });

  it('leaving the loop unsubscribes, and acknowledges the last one', async () => {
    const client = await connected();
    const loop = (async () => {
      for await (const { value } of notes.messages(client, { qos: 1 })) if (value.text === 'last') break;
    })();
    await clock.settle();
    await server.last.send(good('first', 1), good('last', 2), good('late', 3));
    await loop;
    expect(server.last.of('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([['notes/+']]);
    expect(acknowledged()).toHaveLength(2);
    // What was not read is for the next one.
    await clock.advance(1000);
    expect(acknowledged()).toHaveLength(2);
  });

  it.each([
    ['return()', 'return'],
    ['disposing of it', Symbol.asyncDispose],
  ] as const)('%s ends it, before the first message was asked for and while one is waited for', async (_what, end) => {
    const client = await connected();
    for (const isWaiting of [false, true]) {
      const stream = notes.messages(client);
      const next = isWaiting ? stream.next() : undefined;
      await clock.settle();
      const ended = stream[end]();
      await clock.settle();
      await ended;
      expect(server.last.of('unsubscribe')).toHaveLength(isWaiting ? 2 : 1);
      if (next) expect(await next).toEqual({ done: true, value: undefined });
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    }
  });

  it('rejects when the subscription is refused, and when the client is lost for good', async () => {
    const client = await connected();
    server.intercept = (packet, connection) => {
      if (packet.type !== 'subscribe') return false;
      const { packetIdentifier } = packet;
      connection.write({ type: 'suback', packetIdentifier, properties: undefined, reasonCodes: [0x87] });
      return true;
    };
    const got = read(notes.messages(client));
    await clock.settle();
    expect(got.end).toMatchObject({ code: 'not-authorized' });
    server.intercept = () => false;
    const lost = read(notes.messages(client));
    await clock.settle();
    await server.last.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined });
    expect(lost.end).toBeInstanceOf(Error);
  });

  it('of a Shared Subscription are those of the topic in it', async () => {
    const shared = topic('$share/workers/notes/{id}', text);
    const client = await connected();
    const got = read(shared.messages(client));
    await clock.settle();
    expect(server.last.of('subscribe')[0]?.subscriptions[0]?.topicFilter).toBe('$share/workers/notes/+');
    await server.last.send(good('x'));
    expect(got.texts).toEqual(['x']);
    expect(shared.nameOf({ id: '1' })).toBe('notes/1');
  });
});

describe('a topic with parameters that are fixed', () => {
  it('subscribes to what they name alone, and gets nothing else', async () => {
    const client = await connected();
    const bound = notes.for({ id: '7' });
    expect(bound.filter).toBe('notes/7');
    expect(bound.match('notes/7')).toEqual({ id: '7' });
    expect(bound.match('notes/8')).toBeUndefined();
    expect(bound.nameOf({ id: '8' })).toBe('notes/8');
    const seen = read(bound.messages(client));
    await clock.advance(0);
    expect(server.last.packets.at(-1)).toMatchObject({ subscriptions: [{ topicFilter: 'notes/7' }] });
    await server.last.send(publish('notes/8', '{"text":"not this"}'));
    await server.last.send(publish('notes/7', '{"text":"this"}'));
    await clock.advance(0);
    expect(seen.texts).toEqual(['this']);
  });

  it('refuses a parameter that there is not, or that can be no level', () => {
    expect(() => notes.for({ other: 'x' } as never)).toThrow('it has no parameter other');
    expect(() => notes.for({ id: '+' })).toThrow('id must be text without');
  });
});
