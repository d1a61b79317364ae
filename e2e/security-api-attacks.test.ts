import { connect } from 'node:net';
import { type Admin, type AdminOptions, createAdmin, type UserStore } from '@hawser/admin';
import { hashPassword, parseConsoleUsers } from '@hawser/auth';
import type { Broker, BrokerOptions } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { askApi, basic } from './support/console-process.ts';
import { portOf, startGuardedBroker } from './support/security-client.ts';

const CHEAP = { memory: 8, passes: 1, parallelism: 1 };
const storeOf = (hash: string): UserStore => ({
  users: parseConsoleUsers(`anna:admin:${hash}`),
  put: async () => {},
  remove: () => false,
});

async function withApi(
  run: (api: Admin, broker: Broker) => Promise<void>,
  options: Partial<AdminOptions> = {},
  settings: BrokerOptions['settings'] = {},
): Promise<void> {
  const broker = await startGuardedBroker({ settings });
  const admin = await createAdmin({
    broker,
    host: '127.0.0.1',
    port: 0,
    users: storeOf(hashPassword('right', CHEAP)),
    ...options,
  });
  try {
    await run(admin, broker);
  } finally {
    await admin.close();
    await broker.close();
  }
}

const login = (api: Admin, password: string, from: string) =>
  askApi(api.url, '/login', { method: 'POST', body: { name: 'anna', password }, from });

describe('guessing passwords of the API', () => {
  it('one address has to wait, is told how long; the right password from elsewhere gets in', () =>
    withApi(
      async (api, broker) => {
        for (let i = 0; i < 5; i++) expect((await login(api, `wrong-${i}`, '127.0.0.2')).status).toBe(401);
        const refused = await login(api, 'right', '127.0.0.2');
        expect(refused).toMatchObject({ status: 429, json: { code: 'too-many-logins' } });
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
        expect((await login(api, 'right', '127.0.0.3')).status).toBe(200);
        expect(broker.counters).toMatchObject({ apiFailedLogins: 5, apiLoginsLimited: 1 });
        const metrics = await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api.token.value}` } });
        expect(await metrics.text()).toMatch(/^hawser_api_failed_logins_total 5$/m);
      },
      {},
      { 'api.firstWait': 60 },
    ));

  it('a user that does not exist takes as long as a wrong password (real argon2id, order of magnitude)', () => {
    const time = async (api: Admin, name: string) => {
      const before = performance.now();
      const { status } = await askApi(api.url, '/me', { headers: basic(name, `wrong-${before}`) });
      expect(status).toBe(401);
      return performance.now() - before;
    };
    return withApi(
      async (api) => {
        // The quickest of each, in turns: what else this machine does makes some slow, and none quick.
        let [known, unknown] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        for (let i = 0; i < 8; i++) {
          known = Math.min(known, await time(api, 'anna'));
          unknown = Math.min(unknown, await time(api, 'nobody'));
        }
        expect(unknown / known).toBeGreaterThan(1 / 3);
        expect(unknown / known).toBeLessThan(3);
      },
      { users: storeOf(hashPassword('right')) },
      { 'api.failedLogins': 100, 'api.loginRate': 0 },
    );
  });
});

describe('floods of the API', () => {
  it('requests over the rate are refused with the time to wait, and others are not', () =>
    withApi(
      async (api, broker) => {
        const many = await Promise.all(
          Array.from({ length: 30 }, () =>
            askApi(api.url, '/me', { headers: basic('anna', 'right'), from: '127.0.0.2' }),
          ),
        );
        const refused = many.filter(({ status }) => status === 429);
        expect(refused.length).toBeGreaterThan(5);
        expect(refused[0]).toMatchObject({ headers: { 'retry-after': '1' }, json: { code: 'too-many-requests' } });
        expect(broker.counters.apiRequestsLimited).toBe(refused.length);
        expect((await askApi(api.url, '/me', { headers: basic('anna', 'right') })).status).toBe(200);
      },
      {},
      { 'api.requestRate': 10, 'api.failedLogins': 100 },
    ));

  it('slowloris: a request that does not come in whole is cut off in time', () =>
    withApi(
      async (api) => {
        for (const begun of [
          'GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\n',
          'POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
        ]) {
          const socket = connect(portOf(api.url), '127.0.0.1');
          socket.on('error', () => {}).resume();
          socket.write(begun);
          await new Promise((resolve) => socket.once('close', resolve));
        }
      },
      {},
      { 'api.requestTimeout': 0.3 },
    ));

  it('connections over the bound are cut off, and counted', () =>
    withApi(
      async (api, broker) => {
        const held = Array.from({ length: 4 }, () => connect(portOf(api.url), '127.0.0.1').on('error', () => {}));
        await expect.poll(() => broker.counters.apiRequestsLimited).toBeGreaterThan(0);
        for (const socket of held) socket.destroy();
        await expect
          .poll(async () => (await askApi(api.url, '/health', { root: '' }).catch(() => undefined))?.status)
          .toBe(200);
      },
      {},
      { 'api.connections': 3 },
    ));

  it('bodies are bounded, and what is no JSON is told', () =>
    withApi(async (api) => {
      const body = { name: 'anna', password: 'x'.repeat(100_000) };
      expect((await askApi(api.url, '/login', { method: 'POST', body })).status).toBe(413);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const form = await askApi(api.url, '/login', { method: 'POST', body: {}, headers });
      expect(form).toMatchObject({ status: 415, json: { code: 'bad-request' } });
      const proto = await askApi(api.url, '/login', { method: 'POST', body: JSON.parse('{"__proto__":{"x":1}}') });
      expect(proto.status).toBe(400);
    }));
});

describe('X-Forwarded-For of the API', () => {
  const forwarded = (api: Admin, address: string, from: string) =>
    askApi(api.url, '/login', {
      method: 'POST',
      body: { name: 'anna', password: 'wrong' },
      headers: { 'x-forwarded-for': address },
      from,
    });

  it('of a trusted proxy says who guesses; of anybody else it is passed over', () =>
    withApi(
      async (api) => {
        for (let i = 0; i < 5; i++) await forwarded(api, '203.0.113.7', '127.0.0.2');
        expect((await forwarded(api, '203.0.113.7', '127.0.0.2')).status).toBe(429);
        expect((await forwarded(api, '203.0.113.8', '127.0.0.2')).status).toBe(401);
        // What the client wrote itself stands left of what the proxy has added.
        expect((await forwarded(api, '203.0.113.9, 203.0.113.7', '127.0.0.2')).status).toBe(429);
        for (let i = 0; i < 5; i++) await forwarded(api, `203.0.113.${100 + i}`, '127.0.0.3');
        expect((await forwarded(api, '203.0.113.200', '127.0.0.3')).status).toBe(429);
      },
      { isProxy: (address) => address === '127.0.0.2' },
      { 'api.firstWait': 60, 'api.loginRate': 0 },
    ));
});
