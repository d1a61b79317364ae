import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedProxyHeader, parseProxyHeader } from './proxy-protocol.ts';

const text = (line: string): Uint8Array => Buffer.from(line, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const field = (type: number, value: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(type, value.length >> 8, value.length & 255), value]);

function v2(command: string, family: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([Buffer.from(`${SIGNATURE}${command}${family}`, 'hex'), length, body]);
}

const IPV4 = Buffer.from('cb007107c000020122b8075b', 'hex');
const IPV6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.alloc(16),
  Buffer.from('22b8075b', 'hex'),
]);
const ssl = (flags: number, verify: number, ...below: readonly Uint8Array[]): Uint8Array =>
  field(0x20, Buffer.concat([Uint8Array.of(flags, 0, 0, 0, verify), ...below]));

describe('the PROXY protocol', () => {
  it.each([
    ['PROXY TCP4 203.0.113.7 192.0.2.1 8888 1883\r\n', { address: '203.0.113.7', port: 8888 }],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 8888 1883\r\n', { address: '2001:db8::7', port: 8888 }],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', undefined],
  ])('version 1: %j', (line, source) => {
    expect(parseProxyHeader(text(`${line}rest`))).toEqual({ length: line.length, source, tls: undefined });
  });

  it.each([
    [v2('21', '11', IPV4), { address: '203.0.113.7', port: 8888 }],
    [v2('21', '21', IPV6), { address: '2001:db8:0:0:0:0:0:7', port: 8888 }],
    [v2('20', '00'), undefined],
    [v2('21', '31', new Uint8Array(216)), undefined],
  ])('version 2', (bytes, source) => {
    const whole = Buffer.concat([bytes, text('rest')]);
    expect(parseProxyHeader(whole)).toEqual({ length: bytes.length, source, tls: undefined });
  });

  it('takes over what the balancer knows of TLS, and trusts a name only when it was verified', () => {
    const parts = [field(0x21, text('TLSv1.3')), field(0x22, text('device-7')), field(0x23, text('AES'))];
    const read = (flags: number, verify: number) => {
      const header = parseProxyHeader(
        v2('21', '11', IPV4, field(2, text('mqtt.example')), ssl(flags, verify, ...parts)),
      );
      return typeof header === 'object' && 'tls' in header ? header.tls : undefined;
    };
    expect(read(0x03, 0)).toMatchObject({
      protocol: 'TLSv1.3',
      authorized: true,
      peerCommonName: 'device-7',
      serverName: 'mqtt.example',
    });
    expect(read(0x05, 0)).toMatchObject({ authorized: true });
    expect(read(0x03, 1)).toMatchObject({ authorized: false });
    expect(read(0x01, 0)).toMatchObject({ authorized: false });
    expect(read(0x02, 0)).toBeUndefined();
  });

  it.each([
    text('GET / HTTP/1.1\r\n\r\n'),
    Uint8Array.of(0x10, 0x0c),
    text('PROXY TCP4 203.0.113.777 192.0.2.1 1 2\r\n'),
    text('PROXY TCP4 example.com 192.0.2.1 1 2\r\n'),
    text('PROXY TCP4 203.0.113.7 192.0.2.1 99999 2\r\n'),
    text(`PROXY TCP4 ${'1'.repeat(200)}`),
    v2('31', '11', IPV4),
    v2('21', '11', IPV4.subarray(0, 8)),
    v2('21', '11', IPV4, Uint8Array.of(2, 0, 200)),
    v2('21', '11', new Uint8Array(5000)),
  ])('refuses what is none', (bytes) => {
    expect(parseProxyHeader(bytes)).toHaveProperty('invalid');
  });

  it('asks for more until it is whole, however it comes, and never throws', () => {
    const whole = v2('21', '11', IPV4, ssl(3, 0, field(0x22, text('d'))));
    for (let cut = 0; cut < whole.length; cut++) expect(parseProxyHeader(whole.subarray(0, cut))).toBe('more');
    const line = text('PROXY TCP4 203.0.113.7 192.0.2.1 8888 1883\r\n');
    for (let cut = 0; cut < line.length; cut++) expect(parseProxyHeader(line.subarray(0, cut))).toBe('more');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, signed) => {
        const bytes = signed ? Buffer.concat([Buffer.from(SIGNATURE, 'hex'), tail]) : tail;
        const parsed: ParsedProxyHeader = parseProxyHeader(bytes);
        if (typeof parsed === 'object' && 'length' in parsed) expect(parsed.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
