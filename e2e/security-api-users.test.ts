import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, ConsoleProcess } from './support/console-process.ts';
import { withAttacker } from './support/security-client.ts';

const CONFIG = `
listeners: [mqtt://127.0.0.1:0]
data: hawser-data
console: { listen: 127.0.0.1:0, users: users }
`;

const broker = new ConsoleProcess();
const admin = { headers: basic('anna', 'harbour-7') };

beforeAll(async () => {
  broker.configure(CONFIG);
  broker.addUsers({ anna: 'admin', vera: 'viewer', otto: 'operator' }, 'harbour-7');
  await broker.start();
});
afterAll(() => broker[Symbol.asyncDispose]());

describe('users of the API of a broker that runs', () => {
  it('reading needs a login too, on loopback; health and readiness do not', async () => {
    expect(await broker.ask('/overview')).toMatchObject({ status: 401, json: { code: 'login-required' } });
    expect(await broker.ask('/overview', { headers: basic('vera', 'harbour-7') })).toMatchObject({ status: 200 });
    expect((await broker.ask('/health', { root: '' })).status).toBe(200);
    expect((await broker.ask('/ready', { root: '' })).status).toBe(200);
    expect((await broker.ask('/metrics', { root: '' })).status).toBe(401);
  });

  it('log in with a cookie, and change things with the X-CSRF-Token only', async () => {
    const login = await broker.ask('/login', { method: 'POST', body: { name: 'otto', password: 'harbour-7' } });
    expect(login).toMatchObject({ status: 200, json: { role: 'operator' } });
    const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
    const me = await broker.ask('/me', { headers: { cookie } });
    const change = (headers: Record<string, string>) =>
      broker.ask('/clients/nobody', { method: 'DELETE', headers: { cookie, ...headers } });
    expect(await change({})).toMatchObject({ status: 403, json: { code: 'csrf-token-required' } });
    expect(await change({ 'x-csrf-token': String(me.json.csrfToken) })).toMatchObject({ status: 404 });
    expect(await change({ 'x-csrf-token': String(me.json.csrfToken), origin: 'https://evil.example' })).toMatchObject({
      status: 403,
    });
  });

  it('payloads are for operators', async () => {
    await withAttacker(broker.port, 5, async (peer) => {
      await peer.connect();
      peer.send({
        type: 'publish',
        topic: 'door',
        payload: Buffer.from('open'),
        qos: 0,
        retain: true,
        dup: false,
        packetIdentifier: 0,
        properties: undefined,
      });
      await peer.drain();
    });
    const payload = async (name: string) =>
      (await broker.ask('/retained/door', { headers: basic(name, 'harbour-7') })).json.payload;
    expect(await payload('vera')).toBeNull();
    expect(await payload('otto')).toBe(Buffer.from('open').toString('base64'));
  });

  it('a changed file holds within a second or two, roles and passwords', async () => {
    const { out } = await broker.hawser(['passwd', '--console-role', 'admin', 'users', 'vera', '-b', 'other']);
    expect(out).toContain('vera changed in users as admin');
    const audit = (password: string) => broker.ask('/audit', { headers: basic('vera', password) });
    await expect.poll(async () => (await audit('other')).status, { timeout: 10_000 }).toBe(200);
    expect((await audit('harbour-7')).status).toBe(401);
  });

  it('admins change them by API: added, changed, taken out, at once and in the file', async () => {
    const change = (name: string, body: object, by = admin) =>
      broker.ask(`/users/${encodeURIComponent(name)}`, { method: 'PUT', ...by, body });
    const login = async (password: string) =>
      (await broker.ask('/login', { method: 'POST', body: { name: 'nora', password } })).status;
    expect((await change('nora', { role: 'viewer' })).json).toMatchObject({ code: 'bad-user' });
    expect((await change('no:ra', { role: 'viewer', password: 'harbour-8' })).json).toMatchObject({ code: 'bad-user' });
    expect((await change('nora', { role: 'viewer', password: 'short' })).status).toBe(400);
    expect((await change('nora', { role: 'viewer', password: 'harbour-8' })).status).toBe(200);
    expect((await change('nora', { role: 'admin' }, { headers: basic('nora', 'harbour-8') })).status).toBe(403);
    const opened = await broker.ask('/login', { method: 'POST', body: { name: 'nora', password: 'harbour-8' } });
    const cookie = String(opened.headers['set-cookie']).split(';')[0] ?? '';
    expect((await change('nora', { role: 'operator' })).status).toBe(200);
    expect((await broker.ask('/me', { headers: { cookie } })).json).toMatchObject({ role: 'operator' });
    expect((await change('nora', { password: 'harbour-9' })).status).toBe(200);
    expect((await broker.ask('/me', { headers: { cookie } })).status).toBe(401);
    expect(await login('harbour-8')).toBe(401);
    expect(await login('harbour-9')).toBe(200);
    expect(readFileSync(join(broker.directory, 'users'), 'utf8')).toMatch(/^nora:operator:\$argon2id\$/m);
    const remove = () => broker.ask('/users/nora', { method: 'DELETE', ...admin });
    expect((await remove()).status).toBe(200);
    expect((await remove()).status).toBe(404);
    expect(await login('harbour-9')).toBe(401);
  });

  it('explain finds the token of this machine, takes a file or a user, and says so when it has none', async () => {
    const explain = (args: readonly string[], cwd?: string, env: NodeJS.ProcessEnv = {}) =>
      broker.hawser(['explain', '--api', broker.api, 'x', ...args], { env, ...(cwd === undefined ? {} : { cwd }) });
    expect((await explain([])).out).toContain('Nothing is known of "x"');
    expect(await explain([], tmpdir())).toMatchObject({ code: 1, err: expect.stringContaining('--token-file') });
    const file = join(broker.directory, 'hawser-data', 'api-token');
    expect((await explain(['--token-file', file], tmpdir())).out).toContain('Nothing is known');
    expect((await explain([], tmpdir(), { HAWSER_API_TOKEN: 'wrong' })).err).toContain('does not know this');
    const url = broker.api.replace('//', '//otto:harbour-7@');
    expect((await broker.hawser(['explain', '--api', url, 'x'], { cwd: tmpdir() })).out).toContain('Nothing is known');
  });

  it('who did what is in the audit log, also after kill -9; no secret is anywhere in it', async () => {
    await broker.ask('/clients/cam-7', { method: 'DELETE', ...admin });
    const folder = join(broker.directory, 'hawser-data', 'audit');
    const written = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('');
    await expect.poll(written, { timeout: 10_000 }).toContain('cam-7');
    expect(written()).not.toContain('harbour-7');
    await broker.program?.end('SIGKILL');
    await broker.start();
    const { json } = await broker.ask('/audit?who=anna&action=clients', admin);
    expect(json.items).toMatchObject([
      { who: 'anna', role: 'admin', action: 'DELETE /clients/{clientId}', target: 'cam-7', code: 'unknown-client' },
    ]);
  });

  it('beyond loopback it does not start without users or a password, and says how', async () => {
    const run = (...args: readonly string[]) =>
      broker.hawser(['broker', '--listen', 'mqtt://127.0.0.1:0', '--data', 'memory', ...args]);
    const { code, err } = await run('--console', '0.0.0.0:0');
    expect(code).toBe(1);
    expect(err).toContain('--console-role admin');
    const check = (value: string) => broker.hawser(['check', '--set', `console=${value}`]);
    expect(await check('0.0.0.0:1')).toMatchObject({ code: 1, err: expect.stringContaining('--console-role admin') });
    expect((await check('{listen: "0.0.0.0:1", users: users}')).err).toContain('in clear');
    expect(await run('--console', '0.0.0.0:0', '--console-users', 'hawser.yaml')).toMatchObject({
      code: 1,
      err: expect.stringContaining('hawser.yaml, line 2: the role of listeners has to be viewer'),
    });
  });
});

describe('reading the configuration again, by API', () => {
  const keepAlive = async () =>
    (await withAttacker(broker.port, 5, (peer) => peer.connect()))?.properties?.serverKeepAlive;

  it('is for admins; a wrong file changes nothing and is told with its line', async () => {
    broker.configure(`${CONFIG}limits: { keepAliveMax: 17 }\n`);
    const reload = (name: string) => broker.ask('/reload', { method: 'POST', headers: basic(name, 'harbour-7') });
    expect((await reload('otto')).status).toBe(403);
    expect(await keepAlive()).toBeUndefined();
    expect((await reload('anna')).json).toEqual({
      changes: [{ key: 'limits.keepAliveMax', from: '0', to: '17', needsRestart: false }],
    });
    expect(await keepAlive()).toBe(17);
    broker.configure(`${CONFIG}limits:\n  keepAliveMax: 18\n  conections: 5\n`);
    const { status, json } = await reload('anna');
    expect(status).toBe(422);
    expect(json).toMatchObject({
      code: 'configuration-wrong',
      problems: [{ source: 'hawser.yaml:7', text: expect.stringContaining('did you mean connections?') }],
    });
    expect(await keepAlive()).toBe(17);
    const { json: shown } = await broker.ask('/configuration?filter=keepAlive', admin);
    expect(shown.items).toEqual([{ key: 'limits.keepAliveMax', value: '17', source: 'hawser.yaml:5' }]);
    expect((await broker.ask('/configuration', { headers: basic('otto', 'harbour-7') })).status).toBe(403);
  });

  it('what needs a restart is said to', async () => {
    broker.configure(CONFIG.replace('users: users', 'users: users, hostNames: [broker.example]'));
    const { json } = await broker.ask('/reload', { method: 'POST', ...admin });
    expect(json.changes).toContainEqual({
      key: 'console.hostNames',
      from: '[]',
      to: '["broker.example"]',
      needsRestart: true,
    });
  });
});
