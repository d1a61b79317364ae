import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrokerProcess, startBroker } from './support/broker-process.ts';

let open: BrokerProcess;
let listed: BrokerProcess;

beforeAll(async () => {
  const args = ['--log-level', 'info'];
  open = await startBroker({ args });
  listed = await startBroker({
    args: [...args, '--set', 'websocket.origins=https://app.example, https://console.example:8443'],
  });
});

afterAll(async () => {
  await open?.[Symbol.asyncDispose]();
  await listed?.[Symbol.asyncDispose]();
});

/** The answer to a request for a WebSocket by a page of this origin. */
function upgrade(
  { wsPort }: BrokerProcess,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: wsPort,
      path: '/mqtt',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-protocol': 'mqtt',
        ...headers,
      },
    });
    asked.on('error', reject);
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, body: '' });
    });
    asked.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.end();
  });
}

describe('web pages', () => {
  it.each([
    ['no browser', {}],
    ['a page of the address that is asked', { host: '192.0.2.7:8083', origin: 'http://192.0.2.7:8080' }],
    ['a page of this machine', { origin: 'http://localhost:5173' }],
  ])('%s: comes in', async (_what, headers) => {
    expect((await upgrade(open, headers)).status).toBe(101);
  });

  it('a page whose own name leads here (DNS rebinding) is refused', async () => {
    const { status, body } = await upgrade(open, { host: 'evil.example:8083', origin: 'http://evil.example:8083' });
    expect([status, body]).toEqual([403, expect.stringContaining('anybody can let lead here')]);
  });

  it.each([
    ['a page of elsewhere', 'https://evil.example'],
    ['a file', 'null'],
    ['a name that looks like this machine', 'http://localhost.evil.example'],
  ])('%s: is refused with 403 and words, in the log too', async (_what, origin) => {
    const { status, body } = await upgrade(open, { origin });
    expect(status).toBe(403);
    expect(body).toContain(`the web page's origin "${origin}" is of another host`);
    await open.program.waitFor(new RegExp(`"cause":"origin-refused".*${origin}`), 'stderr');
  });

  it.each([
    ['https://app.example', 101],
    ['https://console.example:8443', 101],
    ['http://app.example', 403],
    ['http://127.0.0.1', 403],
  ])('with a list (websocket.origins) %s: %i', async (origin, status) => {
    expect((await upgrade(listed, { origin })).status).toBe(status);
    expect((await upgrade(listed, {})).status).toBe(101);
  });
});
