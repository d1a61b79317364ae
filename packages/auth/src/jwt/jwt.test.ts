import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthenticationDecision } from '@hawser/broker';
import { exportJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { login, NEVER, wants } from '../testing/requests.ts';
import { tokenPermissions } from './acl-claim.ts';
import { type JwtOptions, jwt } from './jwt-authenticator.ts';

const SECRET = 'a secret of more than thirty-two bytes';
const NOW = 1_700_000_000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'alice', exp: NOW + 60 };

async function sign(
  key: KeyObject | Uint8Array,
  alg: string,
  payload: Record<string, unknown> = claims,
  header = {},
): Promise<string> {
  return await new SignJWT(payload).setProtectedHeader({ alg, ...header }).sign(key);
}

async function decide(
  options: Partial<JwtOptions> & Pick<JwtOptions, 'keys'>,
  token: string,
): Promise<AuthenticationDecision | undefined> {
  return await jwt({ now: () => NOW * 1000, ...options })(login('', token), NEVER);
}

const secret = { kind: 'secret', secret: SECRET } as const;
const secretBytes = new TextEncoder().encode(SECRET);
const rsaKeys = { kind: 'public-key', pem: pem(rsa.publicKey) } as const;

describe('tokens', () => {
  it.each([
    ['HS256', secret, secretBytes],
    ['HS512', secret, secretBytes],
    ['RS256', rsaKeys, rsa.privateKey],
    ['PS384', rsaKeys, rsa.privateKey],
    ['ES256', { kind: 'public-key', pem: pem(ec.publicKey) }, ec.privateKey],
    ['EdDSA', { kind: 'public-key', pem: pem(ed.publicKey) }, ed.privateKey],
  ] as const)('signed with %s let in, until they expire', async (alg, keys, key) => {
    const decision = await decide({ keys }, await sign(key, alg));
    expect(decision).toMatchObject({ kind: 'allow', username: 'alice', expiresAt: (NOW + 60) * 1000 });
  });

  it('bind a Client Identifier when the claim says so', async () => {
    const options = { keys: secret, clientIdClaim: 'cid' };
    expect(await decide(options, await sign(secretBytes, 'HS256', { ...claims, cid: 'd1' }))).toMatchObject({
      clientId: 'd1',
    });
    expect(await decide(options, await sign(secretBytes, 'HS256'))).toMatchObject({ kind: 'deny' });
  });

  it('must have the claims that are asked for', async () => {
    const options = { keys: secret, claims: { device: '%c' } };
    expect(await decide(options, await sign(secretBytes, 'HS256', { ...claims, device: 'device-7' }))).toMatchObject({
      kind: 'allow',
    });
    expect(await decide(options, await sign(secretBytes, 'HS256', { ...claims, device: 'other' }))).toMatchObject({
      kind: 'deny',
    });
    expect(await decide(options, await sign(secretBytes, 'HS256'))).toMatchObject({ kind: 'deny' });
  });

  it('of another issuer, and what is no token, go to the next link', async () => {
    const options = { keys: secret, issuer: 'us' };
    expect(await decide(options, await sign(secretBytes, 'HS256', { ...claims, iss: 'them' }))).toBeUndefined();
    expect(await decide(options, await sign(secretBytes, 'HS256', { ...claims, iss: 'us' }))).toMatchObject({
      kind: 'allow',
    });
    expect(await decide({ keys: secret }, 'hunter2')).toBeUndefined();
  });
});

describe('tricks with tokens', () => {
  const none = `${encode({ alg: 'none' })}.${encode(claims)}.`;

  it.each([
    ['no signature', async () => none],
    ['alg None', async () => none.replace(encode({ alg: 'none' }), encode({ alg: 'None' }))],
    ['no alg', async () => `${encode({})}.${encode(claims)}.AAAA`],
    ['a signature cut off', async () => (await sign(secretBytes, 'HS256')).replace(/\.[^.]+$/, '.')],
    ['another secret', async () => await sign(new TextEncoder().encode('x'.repeat(40)), 'HS256')],
    [
      'claims changed',
      async () => (await sign(secretBytes, 'HS256')).replace(encode(claims), encode({ ...claims, sub: 'admin' })),
    ],
    ['expired', async () => await sign(secretBytes, 'HS256', { sub: 'alice', exp: NOW - 1 })],
    ['not yet good', async () => await sign(secretBytes, 'HS256', { ...claims, nbf: NOW + 10 })],
    ['without an end', async () => await sign(secretBytes, 'HS256', { sub: 'alice' })],
    ['without a name', async () => await sign(secretBytes, 'HS256', { exp: NOW + 60 })],
    ['a name that is no text', async () => await sign(secretBytes, 'HS256', { ...claims, sub: undefined, name: 1 })],
    ['an algorithm that is not on the list', async () => await sign(secretBytes, 'HS384')],
    ['crit', async () => `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${encode(claims)}.AAAA`],
  ])('a token with %s is refused', async (_, make) => {
    const decision = await decide({ keys: secret, algorithms: ['HS256'] }, await make());
    expect(decision).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
  });

  it.each([
    [
      'another secret',
      'signed with another key',
      async () => await sign(new TextEncoder().encode('x'.repeat(40)), 'HS256'),
    ],
    ['no end', 'no `exp`', async () => await sign(secretBytes, 'HS256', { sub: 'alice', aud: 'us' })],
    [
      'no name',
      'no `sub`',
      async () => await sign(secretBytes, 'HS256', { exp: NOW + 60, aud: 'us', device: 'device-7' }),
    ],
    [
      'another audience',
      '`aud` of the token is not',
      async () => await sign(secretBytes, 'HS256', { ...claims, aud: 'them' }),
    ],
    ['no audience', 'no `aud`', async () => await sign(secretBytes, 'HS256', claims)],
    [
      'a time to come',
      'not valid yet',
      async () => await sign(secretBytes, 'HS256', { ...claims, nbf: NOW + 9, aud: 'us' }),
    ],
    ['a past', 'has expired', async () => await sign(secretBytes, 'HS256', { ...claims, exp: NOW - 1, aud: 'us' })],
    [
      'another algorithm',
      'algorithm of the token',
      async () => await sign(secretBytes, 'HS384', { ...claims, aud: 'us' }),
    ],
    [
      'another device',
      '`device` of the token is not',
      async () => await sign(secretBytes, 'HS256', { ...claims, aud: 'us', device: 'x' }),
    ],
    ['no device', 'no `device`', async () => await sign(secretBytes, 'HS256', { ...claims, aud: 'us' })],
    ['rubbish in it', 'none that can be read', async () => `${encode({ alg: 'HS256', crit: ['x'] })}.e30.AAAA`],
  ])('of %s is refused with its reason', async (_, reason, make) => {
    const options = { keys: secret, algorithms: ['HS256'], audience: 'us', claims: { device: '%c' } };
    const decision = await decide(options, await make());
    expect(decision).toMatchObject({ kind: 'deny', reasonCode: 0x86, reason: expect.stringContaining(reason) });
  });

  it('a password with two dots in it is no token: the next link may know it', async () => {
    expect(await decide({ keys: secret }, 'correct.horse.battery')).toBeUndefined();
  });

  it('a public key used as the secret of an HMAC is refused', async () => {
    const head = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    const forged = `${head}.${createHmac('sha256', rsaKeys.pem).update(head).digest('base64url')}`;
    expect(await decide({ keys: rsaKeys }, forged)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
  });

  it('a key brought along in the header is not used', async () => {
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await sign(own.privateKey, 'RS256', claims, { jwk: await exportJWK(own.publicKey) });
    expect(await decide({ keys: rsaKeys }, forged)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    const byUrl = await sign(own.privateKey, 'RS256', claims, {
      jku: 'http://127.0.0.1:1/keys',
      x5u: 'http://127.0.0.1:1/',
    });
    expect(await decide({ keys: rsaKeys }, byUrl)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
  });

  it('a set of keys: kid chooses among them, and nothing else', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hawser-jwks-'));
    try {
      const path = join(directory, 'jwks.json');
      const keys = [
        { ...(await exportJWK(rsa.publicKey)), kid: 'a', use: 'sig' },
        { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'shared' },
      ];
      writeFileSync(path, JSON.stringify({ keys }));
      const source = { keys: { kind: 'jwks-file', path } } as const;
      expect(await decide(source, await sign(rsa.privateKey, 'RS256', claims, { kid: 'a' }))).toMatchObject({
        kind: 'allow',
      });
      for (const kid of ['../../../../dev/null', '/dev/null', 'http://127.0.0.1:1/', "' OR 1=1", 'b']) {
        const forged = await sign(rsa.privateKey, 'RS256', claims, { kid });
        expect(await decide(source, forged), kid).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
      }
      const shared = await sign(secretBytes, 'HS256', claims, { kid: 'shared' });
      expect(await decide(source, shared)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
      const empty = `${encode({ alg: 'HS256', kid: '/dev/null' })}.${encode(claims)}`;
      const signed = `${empty}.${createHmac('sha256', '').update(empty).digest('base64url')}`;
      expect(await decide(source, signed)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('a configuration that would allow confusion is refused', () => {
    expect(() => jwt({ keys: rsaKeys, algorithms: ['HS256'] })).toThrow(RangeError);
    expect(() => jwt({ keys: secret, algorithms: ['RS256'] })).toThrow(RangeError);
    expect(() => jwt({ keys: secret, algorithms: ['none'] })).toThrow(RangeError);
    expect(() => jwt({ keys: { kind: 'secret', secret: 'short' } })).toThrow(/32 bytes/);
    expect(() => jwt({ keys: { kind: 'jwks-url', url: 'http://keys.example/jwks' } })).toThrow(/https/);
  });

  it('a set of keys at a URL is fetched once, and not anew for each kid that somebody makes up', async () => {
    let fetched = 0;
    const body = JSON.stringify({ keys: [{ ...(await exportJWK(rsa.publicKey)), kid: 'a', use: 'sig' }] });
    const server = createServer((_request, response) => {
      fetched += 1;
      response.setHeader('content-type', 'application/json').end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const link = jwt({ now: () => NOW * 1000, keys: { kind: 'jwks-url', url: `http://127.0.0.1:${port}/jwks` } });
      const enter = async (kid: string) => link(login('', await sign(rsa.privateKey, 'RS256', claims, { kid })), NEVER);
      for (let i = 0; i < 5; i++) expect(await enter('a')).toMatchObject({ kind: 'allow', username: 'alice' });
      for (let i = 0; i < 20; i++) expect(await enter(`b-${i}`)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
      expect(fetched).toBe(1);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('keys that cannot be had are not the fault of the client', async () => {
    const faults: string[] = [];
    const keys = { kind: 'jwks-url', url: 'http://127.0.0.1:1/jwks', timeoutMs: 500 } as const;
    const token = await sign(rsa.privateKey, 'RS256', claims, { kid: 'a' });
    expect(await decide({ keys, onFault: (text) => faults.push(text) }, token)).toMatchObject({
      kind: 'deny',
      reasonCode: 0x88,
    });
    expect(faults).toHaveLength(1);
  });
});

describe('permissions in tokens', () => {
  const link = tokenPermissions();

  async function attributesOf(acl: unknown) {
    const decision = await decide({ keys: secret }, await sign(secretBytes, 'HS256', { ...claims, acl }));
    return decision?.kind === 'allow' ? decision.attributes : undefined;
  }

  it('are all there are', async () => {
    const client = { attributes: await attributesOf({ publish: ['up/%c'], sub: ['down/%c/#', 'news'] }) };
    expect(link(wants('publish', 'up/device-7', { client }), NEVER)).toBe('allow');
    expect(link(wants('publish', 'up/device-8', { client }), NEVER)).toBe('deny');
    expect(link(wants('subscribe', 'down/device-7/+', { client }), NEVER)).toBe('allow');
    expect(link(wants('subscribe', '#', { client }), NEVER)).toBe('deny');
    expect(link(wants('publish', 'news', { client }), NEVER)).toBe('deny');
  });

  it('that cannot be read let nobody in', async () => {
    for (const acl of ['#', 7, ['a'], { publish: ['a/#/b'] }, { admin: ['#'] }, { publish: [7] }]) {
      expect(await attributesOf(acl), JSON.stringify(acl)).toBeUndefined();
    }
  });

  it('are no opinion about clients without a token', () => {
    expect(link(wants('publish', 'a'), NEVER)).toBeUndefined();
  });
});
