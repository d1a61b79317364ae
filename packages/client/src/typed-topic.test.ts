import { describe, expect, expectTypeOf, it } from 'vitest';
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

  it.each(['a/+', 'a/{id}x', 'a/{}', '#', 'a/{1}'])('refuses the pattern %s', (pattern) => {
    expect(() => topic(pattern, number)).toThrowError(expect.objectContaining({ code: 'topic-pattern-invalid' }));
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
});
