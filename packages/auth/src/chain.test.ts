import { ALLOW_CONNECT, BAD_CREDENTIALS } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { anonymous } from './anonymous.ts';
import { authorizers, chain } from './chain.ts';
import { enhanced, login, NEVER, wants } from './testing/requests.ts';

describe('a chain of authenticators', () => {
  it('asks the next when one has nothing to say, with and without a promise', async () => {
    const both = chain(
      () => undefined,
      async () => undefined,
      () => ALLOW_CONNECT,
    );
    expect(await both(login('a', 'b'), NEVER)).toBe(ALLOW_CONNECT);
  });

  it('takes the first decision, even when it is a refusal', () => {
    const refused = chain(
      () => BAD_CREDENTIALS,
      () => ALLOW_CONNECT,
    );
    expect(refused(login('a', 'b'), NEVER)).toBe(BAD_CREDENTIALS);
  });

  it('refuses what nobody has decided: 0x86 with credentials, 0x87 without, 0x8C with a method nobody knows', () => {
    const empty = chain();
    expect(empty(login('a', 'b'), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    expect(empty(login(undefined, undefined), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x87 });
    expect(empty(enhanced('GS2-KRB5', undefined), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x8c });
  });
});

describe('anonymous', () => {
  const remote = { remoteAddress: '203.0.113.9' };

  it('lets in from loopback only, unless it is switched on', () => {
    const here = chain(anonymous({ from: 'loopback' }));
    expect(here(login(undefined, undefined), NEVER)).toMatchObject({ kind: 'allow' });
    expect(here(login(undefined, undefined, { remoteAddress: '::1' }), NEVER)).toMatchObject({ kind: 'allow' });
    expect(here(login(undefined, undefined, remote), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x87 });
    const anywhere = chain(anonymous({ from: 'anywhere' }));
    expect(anywhere(login(undefined, undefined, remote), NEVER)).toMatchObject({ kind: 'allow' });
  });

  it('is not for who has credentials: wrong ones are refused', () => {
    expect(chain(anonymous())(login('eve', 'guess'), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
  });

  it('takes an empty user name with an empty password for none', () => {
    expect(chain(anonymous())(login('', ''), NEVER)).toMatchObject({ kind: 'allow' });
  });
});

describe('a chain of authorizers', () => {
  it('gives an answer the end of whoever had no opinion for a while', async () => {
    const pass = { decision: 'ignore', expiresAt: 5 } as const;
    const ask = (...links: Parameters<typeof authorizers>[0]) =>
      authorizers(links, 'allow')(wants('publish', 'a'), NEVER);
    expect(ask(() => pass)).toEqual({ decision: 'allow', expiresAt: 5 });
    expect(
      await ask(
        async () => pass,
        () => 'deny',
      ),
    ).toEqual({ decision: 'deny', expiresAt: 5 });
    expect(
      await ask(
        () => pass,
        async () => ({ decision: 'allow', expiresAt: 9 }),
      ),
    ).toEqual({ decision: 'allow', expiresAt: 5 });
    expect(
      await ask(
        async () => pass,
        () => ({ decision: 'allow', expiresAt: 3 }),
      ),
    ).toEqual({ decision: 'allow', expiresAt: 3 });
    expect(
      await ask(
        async () => undefined,
        () => 'deny',
      ),
    ).toBe('deny');
  });

  it("lets a default permit no topic of the server's own, but for what bridges say of themselves", () => {
    const open = authorizers([], 'allow');
    expect(open(wants('publish', 'a'), NEVER)).toBe('allow');
    expect(open(wants('subscribe', '$SYS/#'), NEVER)).toBe('allow');
    expect(open(wants('publish', '$SYS/broker/version', { retain: true }), NEVER)).toBe('deny');
    expect(open(wants('publish', '$SYS/broker/connection/bridge/state'), NEVER)).toBe('allow');
    const explicit = authorizers([() => 'allow'], 'deny');
    expect(explicit(wants('publish', '$SYS/mine'), NEVER)).toBe('allow');
  });

  it('falls back on the default', async () => {
    expect(authorizers([], 'deny')(wants('publish', 'a'), NEVER)).toBe('deny');
    expect(await authorizers([async () => undefined], 'allow')(wants('publish', 'a'), NEVER)).toBe('allow');
    expect(authorizers([() => undefined, () => 'allow'], 'deny')(wants('publish', 'a'), NEVER)).toBe('allow');
  });
});
