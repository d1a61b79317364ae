import { isValidTopicName, topicMatches } from '@hawser/codec';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { Client } from './api.ts';
import { Message } from './inbound/message.ts';
import { PayloadError, type StandardSchema, topic } from './typed-topic.ts';

const number: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number', path: ['a', { key: 'b' }] }] },
  },
};

const text = fc.constantFrom('a', 'b', '', '$SYS', ' ');
const plain = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).map((word) => word.replace(/[/+#\0]/g, '-'));
const hostile = fc.oneof(
  fc.constantFrom('', '/', '+', '#', '$', '\0', '\ud800', '$share', '{a}', '..', '__proto__', 'x'.repeat(65_535), '水'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
/** Names that objects have of their own among them. */
const parameter = fc.uniqueArray(fc.constantFrom('a', 'id', '__proto__', 'constructor', 'toString'), { maxLength: 4 });
const pattern = fc
  .tuple(fc.array(text, { minLength: 1, maxLength: 3 }), parameter, fc.infiniteStream(fc.nat()))
  .map(([texts, names, places]) => {
    const levels: string[] = [...texts];
    for (const name of names) levels.splice((places.next().value as number) % (levels.length + 1), 0, `{${name}}`);
    return levels.join('/');
  })
  .filter((made) => made !== '');

/** What a typed topic uses of a client. */
function fakeClient(): {
  client: Client;
  published: unknown[][];
  receive: (name: string, text: string) => Promise<void>;
} {
  const published: unknown[][] = [];
  let handler: (message: Message) => void | Promise<void> = () => {};
  const client = {
    publish: async (...args: unknown[]) => {
      published.push(args);
      return { qos: 0, reasonCode: 0 };
    },
    subscribe: async () => [],
    onMessage: (given: typeof handler) => {
      handler = given;
      return () => {};
    },
  } as unknown as Client;
  const receive = async (name: string, text: string): Promise<void> => {
    const payload = new TextEncoder().encode(text);
    await handler(
      new Message(
        {
          type: 'publish',
          topic: name,
          payload,
          qos: 0,
          retain: false,
          dup: false,
          packetIdentifier: 0,
          properties: undefined,
        },
        undefined,
      ),
    );
  };
  return { client, published, receive };
}

describe('a typed topic', () => {
  const telemetry = topic('devices/{id}/{what}/now', number);

  it('has the filter and the names of its pattern', () => {
    expect(telemetry.filter).toBe('devices/+/+/now');
    expect(telemetry.nameOf({ id: '7', what: 'heat' })).toBe('devices/7/heat/now');
    expect(telemetry.match('devices/7/heat/now')).toEqual({ id: '7', what: 'heat' });
    expect(telemetry.match('devices/7/heat/then')).toBeUndefined();
    expect(telemetry.match('devices/7/now')).toBeUndefined();
    expectTypeOf(telemetry.nameOf).parameter(0).toExtend<{ id: string; what: string }>();
  });

  it.each(['', 'a/b', '+', '#', undefined])('refuses %s as a parameter', (id) => {
    expect(() => telemetry.nameOf({ id: id as string, what: 'x' })).toThrowError(/id must be text/);
  });

  it.each([
    ...['a/+', 'a/{id}x', 'a/{}', '#', 'a/{1}', '', 'a/{id}/{id}', 'a\0b', 'a\ud800', 'x'.repeat(65_536)],
    ...['$share/', '$share/g', '$share/g/', '$share//a', '$share/{g}/a', '$share/+/a'],
  ])('refuses the pattern %j', (pattern) => {
    expect(() => topic(pattern, number)).toThrowError(expect.objectContaining({ code: 'topic-pattern-invalid' }));
  });

  it('refuses what is no schema', () => {
    for (const schema of [undefined, {}, { '~standard': {} }])
      expect(() => topic('a', schema as typeof number)).toThrowError(/'a': its schema is no Standard Schema/);
  });

  it('refuses parameters that are not there, and a first one that no filter would match', () => {
    expect(() => telemetry.nameOf(undefined as unknown as { id: string; what: string })).toThrowError(/id must be/);
    const first = topic('{root}/b', number);
    expect(() => first.nameOf({ root: '$SYS' })).toThrowError(/root begins the topic/);
    expect(first.match('$SYS/b')).toBeUndefined();
    expect(topic('$SYS/{name}', number).match('$SYS/uptime')).toEqual({ name: 'uptime' });
  });

  it('a name that was made of parameters has them, whatever they are; what is no level is refused', () => {
    const value = fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: hostile });
    const run = fc.property(pattern, fc.func(value), (made, give) => {
      const typed = topic(made, number);
      const names = made.match(/(?<=\{)\w+/g) ?? [];
      const parameters = Object.fromEntries(names.map((name) => [name, give(name)]));
      const wanted = made.replace(/\{(\w+)\}/g, (_, name) => parameters[name] ?? '');
      const isOne =
        Object.values(parameters).every((level) => level !== '' && !level.includes('/')) &&
        isValidTopicName(wanted) &&
        topicMatches(typed.filter, wanted);
      if (!isOne) {
        expect(() => typed.nameOf(parameters)).toThrowError(
          expect.objectContaining({ code: 'topic-parameter-invalid' }),
        );
        return;
      }
      expect(typed.nameOf(parameters)).toBe(wanted);
      expect(Object.entries(typed.match(wanted) ?? {})).toEqual(Object.entries(parameters));
    });
    fc.assert(run, { numRuns: 1000 });
  });

  it('has the topics that its filter matches, and no others', () => {
    const run = fc.property(pattern, fc.array(fc.oneof(text, plain, hostile), { minLength: 1 }), (made, levels) => {
      const typed = topic(made, number);
      const name = levels.join('/');
      expect(typed.match(name) !== undefined).toBe(topicMatches(typed.filter, name));
    });
    fc.assert(run, { numRuns: 1000 });
  });

  it('ends no program that does not wait for what cannot be published', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    void telemetry.publish(fakeClient().client, { id: '7', what: 'heat' }, 'x' as unknown as number);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('publishes what matches, and nothing else', async () => {
    const { client, published } = fakeClient();
    await telemetry.publish(client, { id: '7', what: 'heat' }, 21, { qos: 1 });
    expect(published).toEqual([['devices/7/heat/now', '21', { qos: 1 }]]);
    const wrong = telemetry.publish(client, { id: '7', what: 'heat' }, 'x' as unknown as number);
    await expect(wrong).rejects.toThrowError('a.b: no number');
    expect(published).toHaveLength(1);
  });

  it('gives values with their parameters, and rejects the rest', async () => {
    const { client, receive } = fakeClient();
    const got: unknown[] = [];
    await telemetry.subscribe(client, ({ value, parameters }) => {
      got.push([value, parameters]);
    });
    await receive('devices/7/heat/now', '21');
    await expect(receive('devices/7/heat/now', '"x"')).rejects.toBeInstanceOf(PayloadError);
    await expect(receive('devices/7/heat/now', '{')).rejects.toThrowError(/cannot be read/);
    expect(got).toEqual([[21, { id: '7', what: 'heat' }]]);
  });

  it.each<[string, () => never | Promise<never>, RegExp]>([
    ['throws', () => (null as unknown as { a: never }).a, /the schema failed: TypeError/],
    ['rejects', () => Promise.reject(new Error('no network')), /the schema failed: Error: no network/],
    ['answers nothing', () => undefined as never, /the schema failed: TypeError/],
  ])(
    'a schema that %s makes a PayloadError, of what comes and of what is published',
    async (_what, validate, words) => {
      const typed = topic('a', { '~standard': { version: 1, vendor: 'test', validate } });
      const { client, published, receive } = fakeClient();
      await typed.subscribe(client, () => {});
      const received = await receive('a', '1').catch((error: unknown) => error);
      const refused = await typed.publish(client, {}, 1).catch((error: unknown) => error);
      for (const error of [received, refused]) {
        expect(error).toBeInstanceOf(PayloadError);
        expect((error as PayloadError).message).toMatch(words);
        expect((error as PayloadError).cause).toBeInstanceOf(Error);
      }
      expect((received as PayloadError).received?.text()).toBe('1');
      expect((refused as PayloadError).received).toBeUndefined();
      expect(published).toEqual([]);
    },
  );
});
