import { request } from 'node:http';
import { type Admin, AdminError, createAdmin } from '@hawser/admin';
import type { Broker } from '@hawser/broker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portOf, startGuardedBroker } from './support/security-client.ts';

let broker: Broker;
let admin: Admin;

beforeAll(async () => {
  broker = await startGuardedBroker();
  admin = await createAdmin({ broker, host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await admin?.close();
  await broker?.close();
});

function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<{ readonly status: number; readonly headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: portOf(admin.url), path, method, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    asked.on('error', reject).end();
  });
}

const OVERVIEW = '/api/v1/overview';
const CHANGE = '/api/v1/retained/a';

describe('pages of somebody else and the API', () => {
  it('DNS rebinding: a name that is not this broker’s is refused, with and without a port', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${portOf(admin.url)}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ]) {
      expect((await ask(OVERVIEW, { host })).status, host).toBe(403);
    }
    for (const host of ['localhost', '127.0.0.1', `[::1]:${portOf(admin.url)}`]) {
      expect((await ask(OVERVIEW, { host })).status, host).toBe(200);
    }
  });

  it('requests of a page from elsewhere are refused, reading and changing', async () => {
    const token = { authorization: `Bearer ${admin.token.value}` };
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
      expect((await ask(OVERVIEW, { origin, ...token })).status, origin).toBe(403);
      expect((await ask(CHANGE, { origin, ...token }, 'DELETE')).status, origin).toBe(403);
    }
    expect((await ask(CHANGE, { 'sec-fetch-site': 'cross-site', ...token }, 'DELETE')).status).toBe(403);
    // What a page shows (<img>) or runs, of another site or of another port of this one, and where a link leads.
    for (const site of ['cross-site', 'same-site'])
      expect((await ask(OVERVIEW, { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })).status, site).toBe(403);
    expect((await ask(OVERVIEW, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(403);
    for (const site of ['same-origin', 'none'])
      expect((await ask(OVERVIEW, { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' })).status, site).toBe(200);
  });

  it('is no API of this machine for whom an unnamed proxy on it brings', async () => {
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
      expect((await ask(OVERVIEW, { [header]: '203.0.113.7' })).status, header).toBe(401);
  });

  it('a change needs the token', async () => {
    expect((await ask(CHANGE, {}, 'DELETE')).status).toBe(401);
    expect((await ask(CHANGE, { authorization: 'Bearer wrong' }, 'DELETE')).status).toBe(401);
    expect((await ask(CHANGE, { authorization: `Bearer ${admin.token.value}` }, 'DELETE')).status).not.toBe(401);
  });

  it('beyond loopback it does not start without a password', async () => {
    await expect(createAdmin({ broker, host: '0.0.0.0', port: 0 })).rejects.toThrow(AdminError);
  });
});
