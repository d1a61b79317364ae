import * as crypto from 'node:crypto';
import * as net from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockList, Buffer, createHash, isIP, isIPv6, randomBytes, readFileSync, setImmediate } from './node.ts';

describe('what a page has in the place of Node', () => {
  it('knows addresses as Node does', () => {
    const texts = ['127.0.0.1', '256.0.0.1', '1.2.3', '::1', '::', 'fe80::1', '2001:db8:0:0:0:0:0:1', 'localhost', ''];
    for (const text of texts) expect([text, isIP(text)]).toEqual([text, net.isIP(text)]);
    const nearly = fc.string({ unit: fc.constantFrom(':', '::', '1', 'ffff', '.', '0', 'g'), maxLength: 12 });
    // An IPv4 address at the end of one of IPv6 is not for a page.
    fc.assert(
      fc.property(
        nearly.filter((text) => !(text.includes('.') && text.includes(':'))),
        (text) => isIP(text) === net.isIP(text),
      ),
    );
    fc.assert(fc.property(fc.ipV4(), (text) => isIP(text) === 4));
    fc.assert(
      fc.property(
        fc.ipV6().filter((text) => !text.includes('.')),
        (text) => isIPv6(text),
      ),
    );
  });

  it('knows networks as Node does', () => {
    const networks = fc.oneof(
      fc.tuple(fc.constant('ipv4' as const), fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4()),
      fc.tuple(
        fc.constant('ipv6' as const),
        fc.ipV6().filter((text) => !text.includes('.')),
        fc.integer({ min: 0, max: 128 }),
        fc.ipV6().filter((text) => !text.includes('.')),
      ),
    );
    fc.assert(
      fc.property(networks, ([family, network, prefix, address]) => {
        const [ours, nodes] = [new BlockList(), new net.BlockList()];
        ours.addSubnet(network, prefix);
        nodes.addSubnet(network, prefix, family);
        for (const one of [address, network]) expect(ours.check(one)).toBe(nodes.check(one, family));
      }),
    );
  });

  it('makes bytes, names and turns', async () => {
    expect(randomBytes(8)).toHaveLength(crypto.randomBytes(8).length);
    expect(createHash().update('x').digest()).toMatch(/^[\da-f]{64}$/);
    expect(createHash().update('x').digest()).not.toBe(createHash().update('y').digest());
    expect(Buffer.from('é')).toEqual(new Uint8Array([0xc3, 0xa9]));
    await new Promise<void>((resolve) => setImmediate(resolve));
  });

  it('says what a page has not', () => {
    expect(readFileSync).toThrow('a page has no files');
  });
});
