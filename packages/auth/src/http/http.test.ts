import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { login, NEVER, wants } from '../testing/requests.ts';
import { httpAuthenticator, httpAuthorizer } from './http-policies.ts';

let server: Server | undefined;
let seen: Record<string, unknown>[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(
  answer: () => { status?: number; body?: string; hang?: boolean; location?: string },
): Promise<string> {
  seen = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      seen.push(JSON.parse(text));
      const { status = 200, body = '{}', hang = false, location } = answer();
      if (hang) return;
      response.writeHead(status, location === undefined ? {} : { location });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`;
}

describe('a service that authenticates', () => {
  it('sees who it is and decides', async () => {
    const url = await serve(() => ({
      body: '{"result":"allow","username":"alice","clientId":"device-7","expiresAt":1700000000}',
    }));
    const decision = await httpAuthenticator({ url })(login('a', 'pw'), NEVER);
    expect(decision).toEqual({ kind: 'allow', username: 'alice', clientId: 'device-7', expiresAt: 1_700_000_000_000 });
    expect(seen[0]).toMatchObject({ clientId: 'device-7', username: 'a', password: 'pw', protocolVersion: 5 });
  });

  it('is asked once for the same credentials, and again for others or when the answer is old', async () => {
    let now = 0;
    const url = await serve(() => ({ body: '{"result":"deny"}' }));
    const link = httpAuthenticator({ url, cacheMs: 1000, now: () => now });
    for (const password of ['x', 'x', 'y'])
      expect(await link(login('a', password), NEVER)).toMatchObject({ kind: 'deny' });
    expect(seen).toHaveLength(2);
    now = 1000;
    await link(login('a', 'x'), NEVER);
    expect(seen).toHaveLength(3);
  });

  it('passes over with "ignore"', async () => {
    const url = await serve(() => ({ body: '{"result":"ignore"}' }));
    expect(await httpAuthenticator({ url })(login('a', 'x'), NEVER)).toBeUndefined();
  });

  it.each([
    ['a status that is not 200', { status: 500, body: '{"result":"allow"}' }],
    ['a redirect', { status: 302, location: 'http://127.0.0.1:1/' }],
    ['no JSON', { body: 'allow' }],
    ['no result', { body: '{"ok":true}' }],
    ['an answer without end', { body: `{"result":"allow","x":"${'x'.repeat(70_000)}"}` }],
    ['permissions that cannot be read', { body: '{"result":"allow","acl":"#"}' }],
    ['no answer in time', { hang: true }],
  ])('fails closed on %s', async (_, answer) => {
    const url = await serve(() => answer);
    await expect(httpAuthenticator({ url, timeoutMs: 200 })(login('a', 'x'), NEVER)).rejects.toThrow();
  });

  it('is not asked more than it can bear', async () => {
    const url = await serve(() => ({ hang: true }));
    const link = httpAuthenticator({ url, atOnce: 1, maximumWaiting: 0, timeoutMs: 200 });
    const first = link(login('a', '1'), NEVER);
    await expect(link(login('a', '2'), NEVER)).rejects.toThrow('too many requests');
    await expect(first).rejects.toThrow();
  });

  it('is shared out by address, and a client that has hung up frees its place', async () => {
    const url = await serve(() =>
      seen.at(-1)?.username === 'flood' ? { hang: true } : { body: '{"result":"allow"}' },
    );
    const link = httpAuthenticator({ url, atOnce: 8, timeoutMs: 60_000 });
    const gone = new AbortController();
    const flood = Array.from({ length: 70 }, (_, i) =>
      Promise.resolve(link(login('flood', `${i}`, { remoteAddress: '203.0.113.9' }), gone.signal)),
    );
    const settled = Promise.allSettled(flood);
    const honest = login('bob', 'x', { remoteAddress: '198.51.100.1' });
    expect(await link(honest, NEVER)).toMatchObject({ kind: 'allow' });
    gone.abort();
    await settled;
    expect(await link(login('carol', 'x', { remoteAddress: '203.0.113.9' }), NEVER)).toMatchObject({ kind: 'allow' });
    expect(seen.filter(({ username }) => username === 'flood').length).toBeLessThanOrEqual(4);
  });

  it('must have a URL', () => {
    expect(() => httpAuthenticator({ url: 'file:///etc/passwd' })).toThrow(RangeError);
  });
});

describe('a service that authorizes', () => {
  it('sees what is asked for and decides', async () => {
    const url = await serve(() => ({ body: '{"result":"allow"}' }));
    const link = httpAuthorizer({ url });
    for (let i = 0; i < 2; i++) {
      expect(await link(wants('publish', 'a', { qos: 1, retain: true }), NEVER)).toMatchObject({ decision: 'allow' });
    }
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ action: 'publish', topic: 'a', qos: 1, retain: true, clientId: 'device-7' });
  });

  it('says how long its answer holds, and the time does not begin anew when it is remembered', async () => {
    let now = 0;
    const url = await serve(() => ({ body: '{"result":"allow"}' }));
    const link = httpAuthorizer({ url, cacheMs: 1_000_000, now: () => now });
    const left = async (): Promise<number> => {
      const answer = await link(wants('publish', 'a'), NEVER);
      return typeof answer === 'object' ? answer.expiresAt - Date.now() : Number.NaN;
    };
    expect(await left()).toBeGreaterThan(900_000);
    now = 600_000;
    expect(await left()).toBeLessThan(500_000);
  });

  it('is shared out by client: one SUBSCRIBE with a hundred filters does not take all requests', async () => {
    const url = await serve(() =>
      seen.at(-1)?.clientId === 'greedy' ? { hang: true } : { body: '{"result":"allow"}' },
    );
    const link = httpAuthorizer({ url, timeoutMs: 60_000 });
    const gone = new AbortController();
    const greedy = { client: { clientId: 'greedy' } };
    const filters = Array.from({ length: 100 }, (_, i) =>
      Promise.resolve(link(wants('subscribe', `t/${i}`, greedy), gone.signal)),
    );
    const settled = Promise.allSettled(filters);
    expect(await link(wants('publish', 'a'), NEVER)).toMatchObject({ decision: 'allow' });
    gone.abort();
    await settled;
  });

  it('fails closed', async () => {
    const url = await serve(() => ({ status: 503 }));
    await expect(httpAuthorizer({ url })(wants('publish', 'a'), NEVER)).rejects.toThrow('503');
  });
});
