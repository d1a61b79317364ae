import { type ConsoleUsers, hashPassword, parseConsoleUsers } from '@hawser/auth';
import { type Broker, Counters, createBroker, settingsWith } from '@hawser/broker';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog } from '../audit-log.ts';
import { type AppOptions, buildApp } from '../build-app.ts';
import type { UserStore } from './identify.ts';

const CHEAP = { memory: 8, passes: 1, parallelism: 1 };
const TOKEN = 'a-token-of-this-test-that-is-long-enough';
const line = (name: string, role: string, password: string): string =>
  `${name}:${role}:${hashPassword(password, CHEAP)}`;

let broker: Broker;
let app: FastifyInstance;
let users: ConsoleUsers;
const store: UserStore = {
  get users() {
    return users;
  },
  async put() {},
  remove: () => false,
};
let time: { now: number };
let counters: Counters;

beforeAll(async () => {
  broker = await createBroker();
});
afterAll(() => broker.close());

beforeEach(async () => {
  users = parseConsoleUsers(['vera', 'otto', 'anna'].map((name, i) => line(name, ROLES[i] ?? '', 'right')).join('\n'));
  await start({ users: store });
});
afterEach(() => app.close());

const ROLES = ['viewer', 'operator', 'admin'];

async function start(options: Partial<AppOptions>, settings: Parameters<typeof settingsWith>[0] = {}): Promise<void> {
  await app?.close();
  time = { now: 1000 };
  counters = new Counters();
  const context = { settings: settingsWith(settings), counters, now: () => time.now, wallNow: () => time.now };
  const audit = new AuditLog({ context });
  app = await buildApp({ broker, context, audit, host: '127.0.0.1', token: TOKEN, ...options });
}

interface Asked {
  readonly method?: InjectOptions['method'];
  readonly from?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
}

async function ask(path: string, { method = 'GET', from = '127.0.0.1', headers = {}, body }: Asked = {}) {
  const url = path.startsWith('/health') ? path : `/api/v1${path}`;
  const response = await app.inject({
    method,
    url,
    remoteAddress: from,
    headers: { host: '127.0.0.1', ...headers },
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: response.statusCode, headers: response.headers, json: response.json() as Record<string, unknown> };
}

const basic = (name: string, password = 'right') => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const bearer = { authorization: `Bearer ${TOKEN}` };

async function logIn(name: string, password = 'right', from = '127.0.0.1') {
  const answer = await ask('/login', { method: 'POST', body: { name, password }, from });
  const cookie = String(answer.headers['set-cookie'] ?? '');
  return { ...answer, cookie, headers: { cookie: cookie.split(';')[0] ?? '' }, csrf: String(answer.json.csrfToken) };
}

describe('roles', () => {
  const DO: readonly (readonly [method: 'GET' | 'DELETE' | 'POST', path: string, least: number])[] = [
    ['GET', '/overview', 0],
    ['GET', '/me', 0],
    ['GET', '/clients', 0],
    ['GET', '/bans', 0],
    ['DELETE', '/bans/client:none', 1],
    ['DELETE', '/retained/none', 1],
    ['DELETE', '/clients/none', 1],
    ['DELETE', '/sessions/none', 1],
    ['GET', '/users', 2],
    ['DELETE', '/users/none', 2],
    ['GET', '/audit', 2],
    ['GET', '/configuration', 2],
    ['POST', '/reload', 2],
    ['POST', '/backup', 2],
  ];

  it.each(DO)('%s %s', async (method, path, least) => {
    for (const [index, name] of ['vera', 'otto', 'anna'].entries()) {
      const { status } = await ask(path, { method, headers: basic(name) });
      expect(status === 403, name).toBe(index < least);
      // There is nobody to be cut off here, nothing to be copied, and no configuration.
      if (index >= least) expect([200, 404, 409, 501], name).toContain(status);
    }
    expect((await ask(path, { method })).status).toBe(401);
    expect((await ask(path, { method, headers: bearer })).status).not.toBe(403);
  });

  it('are those of the file, at the next request', async () => {
    expect((await ask('/audit', { headers: basic('vera') })).status).toBe(403);
    users = parseConsoleUsers(line('vera', 'admin', 'right'));
    expect((await ask('/audit', { headers: basic('vera') })).status).toBe(200);
    expect((await ask('/audit', { headers: basic('anna') })).status).toBe(401);
  });

  it('without users and password everybody reads, and changes are for who has the token', async () => {
    await start({});
    expect((await ask('/overview')).status).toBe(200);
    expect((await ask('/me')).json).toMatchObject({ kind: 'nobody', role: 'viewer' });
    expect((await ask('/users')).json).toMatchObject({ code: 'token-required' });
    expect((await ask('/clients/x', { method: 'DELETE' })).status).toBe(401);
    expect((await ask('/clients/x', { method: 'DELETE', headers: bearer })).status).toBe(404);
    expect((await ask('/overview', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });
});

describe('sessions', () => {
  it('open with a cookie that pages cannot read and other sites do not send', async () => {
    const { status, json, cookie, headers } = await logIn('otto');
    expect(status).toBe(200);
    expect(json).toMatchObject({ name: 'otto', role: 'operator', kind: 'user' });
    expect(cookie).toMatch(/^hawser-session-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/);
    expect((await ask('/me', { headers })).json).toMatchObject({ name: 'otto', csrfToken: json.csrfToken });
  });

  it('a change needs the X-CSRF-Token, a password or token does not', async () => {
    const { headers, csrf } = await logIn('otto');
    const change = { method: 'DELETE', headers } as const;
    expect((await ask('/clients/x', change)).json).toMatchObject({ code: 'csrf-token-required' });
    expect((await ask('/clients/x', { ...change, headers: { ...headers, 'x-csrf-token': 'no' } })).status).toBe(403);
    const other = await logIn('otto');
    expect((await ask('/clients/x', { ...change, headers: { ...headers, 'x-csrf-token': other.csrf } })).status).toBe(
      403,
    );
    expect((await ask('/clients/x', { ...change, headers: { ...headers, 'x-csrf-token': csrf } })).status).toBe(404);
    expect((await ask('/clients/x', { method: 'DELETE', headers: basic('otto') })).status).toBe(404);
  });

  it('end by logout, idle time, age, another password, and without their user', async () => {
    const isIn = async (headers: Record<string, string>) => (await ask('/me', { headers })).status === 200;
    const out = await logIn('otto');
    await ask('/logout', { method: 'POST', headers: { ...out.headers, 'x-csrf-token': out.csrf } });
    expect(await isIn(out.headers)).toBe(false);

    const idle = await logIn('otto');
    time.now += 1_799_000;
    expect(await isIn(idle.headers)).toBe(true);
    time.now += 1_800_000;
    expect(await isIn(idle.headers)).toBe(false);

    const old = await logIn('otto');
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      time.now += 20 * 60_000;
      expect(await isIn(old.headers)).toBe(true);
    }
    time.now += 20 * 60_000;
    expect(await isIn(old.headers)).toBe(false);

    const changed = await logIn('otto');
    users = parseConsoleUsers(line('otto', 'operator', 'another'));
    expect(await isIn(changed.headers)).toBe(false);
    const gone = await logIn('otto', 'another');
    expect(await isIn(gone.headers)).toBe(true);
    users = parseConsoleUsers(line('anna', 'admin', 'right'));
    expect(await isIn(gone.headers)).toBe(false);
  });

  it('are bounded, for one user and in all: the longest idle one makes room', async () => {
    await start({ users: store }, { 'api.sessionsPerUser': 2, 'api.sessions': 3, 'api.loginRate': 0 });
    const [first, second, third] = [await logIn('otto'), await logIn('otto'), await logIn('otto')];
    const [vera, anna] = [await logIn('vera'), await logIn('anna')];
    const ins = [first, second, third, vera, anna].map(async ({ headers }) => (await ask('/me', { headers })).status);
    expect(await Promise.all(ins)).toEqual([401, 401, 200, 200, 200]);
    expect(counters.apiSessionsEvicted).toBe(2);
  });

  it('a cookie of nobody is nobody', async () => {
    expect((await ask('/me', { headers: { cookie: 'hawser-session-0=; hawser-session-80=x' } })).status).toBe(401);
  });
});

describe('guessing', () => {
  const wrong = (from: string) => ask('/login', { method: 'POST', body: { name: 'otto', password: 'wrong' }, from });

  it('a wrong user and a wrong password are answered alike', async () => {
    const [one, other] = [await wrong('10.0.0.1'), await logIn('nobody', 'wrong', '10.0.0.1')];
    expect(one.status).toBe(401);
    expect(other.json).toEqual(one.json);
  });

  it('an address waits longer each time, is told how long, and all others do not', async () => {
    for (let i = 0; i < 5; i++) expect((await wrong('10.0.0.1')).status).toBe(401);
    for (const wait of [1, 2, 4, 8]) {
      const answer = await wrong('10.0.0.1');
      expect(answer.status).toBe(429);
      expect(answer.headers['retry-after']).toBe(String(wait));
      // The right password makes no difference: else it would be no wait.
      expect((await logIn('otto', 'right', '10.0.0.1')).status).toBe(429);
      expect((await logIn('otto', 'right', `10.0.1.${wait}`)).status).toBe(200);
      time.now += wait * 1000;
      expect((await wrong('10.0.0.1')).status).toBe(401);
    }
    expect(counters.apiFailedLogins).toBe(9);
    time.now += 16_000;
    expect((await logIn('otto', 'right', '10.0.0.1')).status).toBe(200);
    expect((await wrong('10.0.0.1')).status).toBe(401);
  });

  it('many attempts at once are no way round', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => wrong('10.0.0.1')));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
  });

  it('a /64 is one address; Basic and Bearer count; the token never waits', async () => {
    for (let i = 0; i < 5; i++) {
      const headers = i % 2 === 0 ? basic('otto', 'wrong') : { authorization: 'Bearer wrong' };
      expect((await ask('/me', { headers, from: `2001:db8::${i}` })).status).toBe(401);
    }
    expect((await ask('/me', { headers: basic('otto'), from: '2001:db8::9' })).status).toBe(429);
    expect((await ask('/me', { headers: bearer, from: '2001:db8::9' })).status).toBe(200);
    const { headers } = await logIn('otto', 'right', '2001:db8:0:1::1');
    expect((await ask('/me', { headers, from: '2001:db8::9' })).status).toBe(200);
  });

  it('from everywhere: strangers share a rate, who has logged in before does not', async () => {
    expect((await logIn('otto', 'right', '10.9.9.9')).status).toBe(200);
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push((await wrong(`10.1.1.${i}`)).status);
    expect(answers.filter((status) => status === 401)).toHaveLength(9);
    expect((await logIn('otto', 'right', '10.2.2.2')).status).toBe(429);
    expect((await logIn('otto', 'right', '10.9.9.9')).status).toBe(200);
    time.now += 1000;
    expect((await logIn('otto', 'right', '10.2.2.2')).status).toBe(200);
  });

  it('one password for all is an admin’s, and so is the token as a password', async () => {
    await start({ password: 'harbour' });
    expect((await ask('/overview')).json).toMatchObject({ code: 'login-required' });
    expect((await ask('/me', { headers: basic('anybody', 'harbour') })).json).toMatchObject({ role: 'admin' });
    expect((await logIn('anybody', 'harbour')).json).toMatchObject({ kind: 'password', role: 'admin' });
    expect((await logIn('anybody', TOKEN)).json).toMatchObject({ kind: 'token', role: 'admin' });
    expect((await logIn('anybody', 'harbor')).status).toBe(401);
  });
});

describe('requests', () => {
  it('have a rate, of an address and of all; health is asked for all the same', async () => {
    await start({}, { 'api.requestRate': 3, 'api.requestRateNode': 5 });
    const statuses = async (from: string, n: number, path = '/overview') =>
      (await Promise.all(Array.from({ length: n }, () => ask(path, { from })))).map(({ status }) => status);
    expect(await statuses('127.0.0.1', 4)).toEqual([200, 200, 200, 429]);
    expect(await statuses('127.0.0.2', 3)).toEqual([200, 200, 429]);
    expect(await statuses('127.0.0.3', 4, '/health')).toEqual([200, 200, 200, 429]);
    expect(counters.apiRequestsLimited).toBe(3);
    time.now += 1000;
    expect(await statuses('127.0.0.1', 1)).toEqual([200]);
  });

  it('through proxies are those of the client; nobody else is believed', async () => {
    await start({ isProxy: (address) => address === '10.0.0.1', users: store });
    const headers = { 'x-forwarded-for': '1.2.3.4, 203.0.113.7', 'x-forwarded-proto': 'https' };
    const body = { name: 'otto', password: 'right' };
    const proxied = await ask('/login', { method: 'POST', from: '10.0.0.1', headers, body });
    expect(String(proxied.headers['set-cookie'])).toMatch(/; Secure$/);
    expect(proxied.headers['strict-transport-security']).toBeDefined();
    const direct = await ask('/login', { method: 'POST', from: '203.0.113.9', headers, body });
    expect(String(direct.headers['set-cookie'])).not.toContain('Secure');
    expect(direct.headers['strict-transport-security']).toBeUndefined();
    const { json } = await ask('/audit', { headers: bearer });
    expect(json.items).toMatchObject([{ address: '203.0.113.9' }, { address: '203.0.113.7' }]);
  });

  it('of a page are of the host that was asked; of another name of it where a proxy may have asked', async () => {
    await start({ isProxy: (address) => address === '10.0.0.1', hostNames: ['mqtt.example'], users: store });
    const page = (from: string, origin: string, host: string) =>
      ask('/me', { from, headers: { ...bearer, origin, host } }).then(({ status }) => status);
    expect(await page('10.0.0.9', 'https://mqtt.example', 'mqtt.example')).toBe(200);
    expect(await page('10.0.0.1', 'https://mqtt.example', '10.0.0.2:18083')).toBe(200);
    expect(await page('10.0.0.9', 'https://mqtt.example', '10.0.0.2:18083')).toBe(403);
    expect(await page('10.0.0.9', 'https://mqtt.example', 'mqtt.example:18083')).toBe(403);
    expect(await page('10.0.0.1', 'https://other.example', '10.0.0.2:18083')).toBe(403);
    expect(await page('10.0.0.1', 'https://mqtt.example', 'other.example')).toBe(403);
  });

  it('are answered with headers that browsers heed, and none of CORS', async () => {
    for (const path of ['/overview', '/nothing', '/login', '/health']) {
      const { headers } = await ask(path, { headers: { origin: 'http://127.0.0.1' } });
      expect(headers, path).toMatchObject({
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(headers).not.toHaveProperty('strict-transport-security');
    }
  });

  it('of what others add: pages are open, with a policy of pages; below /api/ what says nothing needs an admin', async () => {
    const extend = (added: FastifyInstance): void => {
      added.get('/console', async () => 'page');
      added.get('/api/v1/more', async () => 'more');
    };
    await start({ users: store, extend });
    const get = (url: string, headers = {}) => app.inject({ url, headers: { host: '127.0.0.1', ...headers } });
    const page = await get('/console');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    expect((await get('/api/v1/more')).statusCode).toBe(401);
    expect((await get('/api/v1/more', basic('otto'))).statusCode).toBe(403);
    expect((await get('/api/v1/more', basic('anna'))).statusCode).toBe(200);
    await start({ extend });
    expect((await get('/api/v1/more')).statusCode).toBe(401);
  });

  it('cannot be spelled so that the guard sees another path than the router', async () => {
    for (const url of [
      '/api/v1/overview',
      '/%61pi/v1/overview',
      '/api/v1/%6fverview',
      '//api/v1/overview',
      '/API/v1/overview',
      '/api/v1/overview/',
      '/api/openapi.json',
      '/metrics',
      '/%6detrics',
    ]) {
      const { statusCode } = await app.inject({ url, headers: { host: '127.0.0.1' } });
      expect([401, 404], url).toContain(statusCode);
      const head = await app.inject({ method: 'HEAD', url, headers: { host: '127.0.0.1' } });
      expect([401, 404], url).toContain(head.statusCode);
    }
  });
});

describe('the audit log', () => {
  const entries = async (query = '') => (await ask(`/audit${query}`, { headers: bearer })).json.items as object[];

  it('has who did what, and never a secret', async () => {
    const { headers, csrf } = await logIn('otto');
    await ask('/clients/dev%2F7', { method: 'DELETE', headers: { ...headers, 'x-csrf-token': csrf } });
    await ask('/audit', { headers });
    await ask('/retained/a', { method: 'DELETE', headers });
    await logIn('otto', 'wrong-password');
    await logIn('my-password-by-mistake', 'x', '10.0.0.7');
    await ask('/overview');
    const found = await entries();
    expect(found).toMatchObject([
      { who: 'nobody', action: 'login', target: '(no user)', address: '10.0.0.7', outcome: 'refused' },
      { who: 'nobody', action: 'login', target: 'otto', outcome: 'refused', code: 'credentials-wrong' },
      { who: 'otto', action: 'DELETE /retained/{topic}', outcome: 'refused', code: 'csrf-token-required' },
      { who: 'otto', action: 'GET /audit', outcome: 'refused', code: 'role-too-low' },
      { who: 'otto', role: 'operator', action: 'DELETE /clients/{clientId}', target: 'dev/7', outcome: 'failed' },
      { who: 'otto', role: 'operator', address: '127.0.0.1', action: 'login', target: 'otto', outcome: 'done' },
    ]);
    const text = JSON.stringify(found);
    for (const secret of ['wrong-password', 'my-password', 'right', TOKEN, csrf, headers.cookie])
      expect(text).not.toContain(secret);
    expect(await entries('?who=otto&outcome=done')).toHaveLength(1);
    expect(await entries('?action=DELETE')).toHaveLength(2);
  });

  it('is not flooded: refusals of one kind from one address are counted', async () => {
    await start({ users: store }, { 'api.loginRate': 0, 'api.requestRate': 0, 'api.requestRateNode': 0 });
    await logIn('otto');
    for (let i = 0; i < 50; i++) await ask('/overview', { headers: basic('otto', 'wrong') });
    expect(await entries()).toHaveLength(3);
    time.now += 60_000;
    for (let i = 0; i < 2; i++) await ask('/overview', { headers: basic('otto', 'wrong') });
    expect((await entries()).slice(0, 2)).toMatchObject([
      { code: 'too-many-logins', repeated: 44 },
      { code: 'credentials-wrong', repeated: 4 },
    ]);
    const before = (await entries('?limit=1000')).length;
    for (let i = 0; i < 50; i++) {
      await logIn('otto');
      await ask('/login', { method: 'POST', body: {} });
      await ask('/logout', { method: 'POST', headers: basic('vera') });
      await ask('/nothing');
    }
    expect((await entries('?limit=1000')).length - before).toBeLessThanOrEqual(3);
    for (let i = 0; i < 250; i++) await logIn('x', 'y', `10.3.3.${i}`);
    expect((await entries('?limit=1000')).length).toBeLessThanOrEqual(110);
  });
});
