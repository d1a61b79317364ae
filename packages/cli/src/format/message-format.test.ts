import { Message } from '@hawser/client';
import type { PublishPacket } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import { chooseFormat } from './message-format.ts';

const AT = new Date('2026-01-02T03:04:05.678Z');

function message(payload: string | Uint8Array, more: Partial<PublishPacket> = {}): Message {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return new Message(
    {
      type: 'publish',
      topic: 'a/b',
      payload: bytes,
      qos: 1,
      retain: true,
      dup: false,
      packetIdentifier: 1,
      properties: undefined,
      ...more,
    },
    undefined,
  );
}

function print(format: string, of: Message, verbose = false): string {
  return Buffer.from(chooseFormat(format, verbose)(of, AT)).toString('latin1');
}

describe('chooseFormat', () => {
  const bytes = message(new Uint8Array([0xff, 0, 0x41]));

  it.each([
    ['text', false, '\xff\0A'],
    ['text', true, 'a/b \xff\0A'],
    ['hex', false, 'ff0041'],
    ['hex', true, 'a/b ff0041'],
    ['base64', false, '/wBB'],
  ])('%s, verbose %s', (format, verbose, wanted) => {
    expect(print(format, bytes, verbose)).toBe(wanted);
  });

  it('json: text where the payload is UTF-8, base64 where it is not', () => {
    const properties = {
      contentType: 'text/plain',
      correlationData: new Uint8Array([1, 2]),
      userProperties: [
        ['k', 'v'],
        ['k', 'w'],
      ] as const,
    };
    expect(JSON.parse(print('json', message('{"x":1}', { properties })))).toEqual({
      topic: 'a/b',
      payload: '{"x":1}',
      encoding: 'utf8',
      qos: 1,
      retain: true,
      dup: false,
      properties: {
        contentType: 'text/plain',
        correlationData: 'AQI=',
        userProperties: [
          ['k', 'v'],
          ['k', 'w'],
        ],
      },
      at: '2026-01-02T03:04:05.678Z',
    });
    expect(JSON.parse(print('json', bytes))).toMatchObject({ payload: '/wBB', encoding: 'base64' });
    expect(JSON.parse(print('json', message('\ufeffx')))).toMatchObject({ encoding: 'utf8' });
  });

  it.each([
    ['%t|%p|%q|%r|%l|%d|%%', 'a/b|hi|1|1|2|0|%'],
    ['%x %X', '6869 6869'],
    ['%I %U', '2026-01-02T03:04:05.678Z 1767323045.678'],
    [String.raw`%t\t%p\n`, 'a/b\thi\n'],
    [String.raw`%p\z`, String.raw`hi\z`],
    ['%C;%R;%P', ';;'],
  ])('template %j', (template, wanted) => {
    expect(print(template, message('hi'))).toBe(wanted);
  });

  it('names the nearest format, and the letters there are', () => {
    expect(() => chooseFormat('jsn', false)).toThrow("not 'jsn'; did you mean json?");
    expect(() => chooseFormat('%t %w', false)).toThrow('there is no %w');
  });
});
