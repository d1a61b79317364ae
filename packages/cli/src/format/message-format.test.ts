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

function print(format: string, of: Message, verbose = false, isTerminal = false): string {
  return Buffer.from(chooseFormat(format, verbose, isTerminal)(of, AT)).toString('latin1');
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

  it('on a terminal nothing of a message is obeyed, but for raw', () => {
    const hostile = message('\u001b[2J\nx\u009by', {
      topic: 'a\u001b]0;t\u0007',
      properties: { contentType: '\u202etext', userProperties: [['k', '\u001b[1m']] },
    });
    const shown = (format: string): string => print(format, hostile, true, true);
    expect(shown('text')).toBe(`${String.raw`a\x1b]0;t\x07 \x1b[2J`}\n${String.raw`x\x9by`}`);
    expect(shown(String.raw`%t\n%p %C %P`)).toBe(
      `${String.raw`a\x1b]0;t\x07`}\n${String.raw`\x1b[2J`}\n${String.raw`x\x9by \u202etext k:\x1b[1m`}`,
    );
    expect(shown('hex')).toMatch(/^a\\x1b/);
    expect(JSON.parse(shown('json'))).toMatchObject({ payload: '\u001b[2J\nx\u009by' });
    expect(print('json', hostile)).not.toContain(Buffer.from('\u009b').toString('latin1'));
    expect(Buffer.from(shown('raw'), 'latin1').toString()).toBe('a\u001b]0;t\u0007 \u001b[2J\nx\u009by');
  });

  it('names the nearest format, and the letters there are', () => {
    expect(() => chooseFormat('jsn', false, false)).toThrow("not 'jsn'; did you mean json?");
    expect(() => chooseFormat('%t %Z', false, false)).toThrow('there is no %Z');
  });
});
