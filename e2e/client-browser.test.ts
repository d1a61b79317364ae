import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { minify } from 'terser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientServer, ClientServers } from './support/client-servers.ts';
import { scenarios } from './support/client-suite.ts';
import { devToolsOf } from './support/devtools.ts';
import { buildPageBundle } from './support/page-bundle.ts';

// The client in a real Chromium, over ws and wss, out of the file that a page loads, with a bundler and without.

/** What `connect` may cost a page: bytes, minified and gzipped. */
const MAXIMUM_BUNDLE_BYTES = 30_000;
const EXAMPLE = fileURLToPath(new URL('../examples/page/main.js', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const SUITE = fileURLToPath(new URL('./support/client-suite.ts', import.meta.url));

/** Timers of a hidden page come once a minute, from a second on instead of five minutes. */
const THROTTLING = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1';

/** For the testkit, which leaves the client to the page. */
const IMPORTS = '<script type="importmap">{ "imports": { "@hawser/client": "/client.js" } }</script>';

const servers = new ClientServers();
const profile = mkdtempSync(join(tmpdir(), 'hawser-chromium-'));
const running: Partial<Record<'Hawser' | 'Mosquitto', ClientServer>> = {};
let pages: Server;
let origin: string;
/** The file. */
let bundle: string;
let example: string;
let suite: string;
let script = '';
let tell: (result: unknown) => void = () => {};

/** Of one module of source text, as a bundler for browsers makes it. */
async function bundleOf(code: string, isMinified = true): Promise<string> {
  const build = await rolldown({
    input: 'page',
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import', 'default'] },
    plugins: [
      {
        name: 'page',
        resolveId: (id: string) => (id === 'page' ? '\0page' : null),
        load: (id: string) => (id === '\0page' ? { code, moduleType: 'js' } : null),
      },
    ],
  });
  const { output } = await build.generate({ minify: isMinified, format: 'es' });
  expect(output).toHaveLength(1);
  return output[0].code;
}

beforeAll(async () => {
  for (const name of ['Hawser', 'Mosquitto'] as const) running[name] = await servers.start(name);
  bundle = await buildPageBundle();
  example = await bundleOf(`import ${JSON.stringify(EXAMPLE)}`);
  suite = await bundleOf(`export * from ${JSON.stringify(SUITE)}`);
  pages = createServer((request, response) => {
    if (request.url === '/client.js') response.setHeader('content-type', 'text/javascript').end(readFileSync(bundle));
    else if (request.url === '/main.js') response.setHeader('content-type', 'text/javascript').end(example);
    else if (request.url === '/suite.js') response.setHeader('content-type', 'text/javascript').end(suite);
    else if (request.url?.startsWith('/examples/') || request.url?.startsWith('/packages/'))
      serveFile(request.url, response);
    else if (request.url === '/result') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.end();
        tell(JSON.parse(Buffer.concat(chunks).toString()));
      });
    } else {
      if (request.url?.includes('policy')) response.setHeader('content-security-policy', "worker-src 'self'");
      response
        .setHeader('content-type', 'text/html')
        .end(`<!doctype html>${IMPORTS}<script type="module">${script}</script>`);
    }
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}, 60_000);

afterAll(async () => {
  pages.close();
  pages.closeAllConnections();
  await Promise.all(Object.values(running).map((server) => server.stop()));
  servers[Symbol.dispose]();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

/** What `body`, the inside of an async function with `hawser` and `url`, returns in a page. */
async function inPage(body: string, url: string, query = '', isHidden = false): Promise<unknown> {
  script = `
    import * as hawser from '/client.js';
    const run = async (url) => { ${body} };
    const late = new Promise((_resolve, reject) => setTimeout(() => reject(new Error('60 s are over')), 60_000));
    const result = await Promise.race([run(${JSON.stringify(url)}), late]).catch((error) => ({ failed: String(error), code: error.code }));
    await fetch('/result', { method: 'POST', body: JSON.stringify(result ?? null) });
  `;
  const result = new Promise((resolve) => {
    tell = resolve;
  });
  const chromium = spawn(
    CHROMIUM,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--ignore-certificate-errors',
      `--user-data-dir=${profile}`,
      ...(isHidden ? ['--remote-debugging-port=0', THROTTLING] : []),
      `${origin}/${query}`,
    ],
    { stdio: ['ignore', 'ignore', isHidden ? 'pipe' : 'ignore'], detached: true },
  );
  const exited = new Promise<never>((_resolve, reject) => {
    chromium.once('error', reject);
    chromium.once('close', (code) =>
      reject(new Error(`Chromium ended with ${code} before the page had told its result`)),
    );
  });
  try {
    if (isHidden)
      await Promise.race([devToolsOf(chromium).then((devTools) => devTools.openTab('about:blank')), exited]);
    return await Promise.race([result, exited]);
  } finally {
    // All of its processes, and to the end: the next one would find this one's lock on the profile, and open nothing.
    if (chromium.pid !== undefined && chromium.exitCode === null) process.kill(-chromium.pid, 'SIGKILL');
    await exited.catch(() => {});
  }
}

/** A file of the checkout, as any web server gives it out. */
function serveFile(url: string, response: ServerResponse): void {
  const file = new URL(`..${new URL(url, origin).pathname}`, import.meta.url);
  response.setHeader('content-type', file.pathname.endsWith('.html') ? 'text/html' : 'text/javascript');
  response.end(readFileSync(file));
}

function urlOf(scheme: 'ws' | 'wss', server: 'Hawser' | 'Mosquitto' = 'Hawser'): string {
  return running[server]?.urls[scheme] ?? '';
}

describe('what a page loads', () => {
  it('is one module that imports nothing, and has nothing of Node', () => {
    const code = readFileSync(bundle, 'utf8');
    expect(code.match(/\bimport\s*["'{*(]|node:|\bBuffer\b|process\.|setImmediate/g)).toBeNull();
  });

  it.each([
    ['rolldown, as in Vite', (code: string) => bundleOf(code)],
    [
      'terser, as in webpack',
      async (code: string) => (await minify(await bundleOf(code, false), { module: true })).code,
    ],
  ])(`of connect is no larger than ${MAXIMUM_BUNDLE_BYTES} bytes, minified by %s, and gzipped`, async (_by, make) => {
    const code = await make(`export { connect } from ${JSON.stringify(bundle)}`);
    expect(gzipSync(code ?? '', { level: 9 }).length).toBeLessThanOrEqual(MAXIMUM_BUNDLE_BYTES);
  });
});

describe.each(['ws', 'wss'] as const)('in Chromium over %s', (scheme) => {
  // The same scenarios as in Node (client-servers.test.ts).
  it.each(['Hawser', 'Mosquitto'] as const)('does against %s what it does in Node', async (server) => {
    const body = `
      const { scenarios } = await import('/suite.js');
      let count = 0;
      const ground = {
        server: '${server}',
        open: (options) => hawser.connect(url, options),
        own: () => 'page-${scheme}/' + ++count,
      };
      const results = {};
      for (const { name, run } of scenarios) results[name] = await run(ground).then(() => 'done', String);
      return results;`;
    expect(await inPage(body, urlOf(scheme, server))).toEqual(
      Object.fromEntries(scenarios.map(({ name }) => [name, 'done'])),
    );
  });

  it('keeps messages in IndexedDB over a reload', async () => {
    const clientId = `page-${scheme}`;
    const options = `{ clientId: '${clientId}', cleanStart: false, sessionExpiryInterval: 600, store: hawser.indexedDbSessionStore('${scheme}') }`;
    const leave = `
      const client = await hawser.connect(url, ${options});
      const store = hawser.indexedDbSessionStore('${scheme}');
      client.publish('kept', 'by the page', { qos: 2, retain: true }).catch(() => {});
      // The page is left as soon as the message is in the store, or has gone already.
      let before = await store.load('${clientId}');
      while (client.pending > 0 && !before.some(([key]) => key[0] === 'm')) before = await store.load('${clientId}');
      return before.map(([key]) => key[0]);`;
    expect(await inPage(leave, urlOf(scheme))).toContain('s');
    const again = `
      const client = await hawser.connect(url, ${options});
      while (client.pending > 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const { value } = await client.messages('kept').next();
      await client.disconnect();
      return value.text();`;
    expect(await inPage(again, urlOf(scheme))).toBe('by the page');
  });
});

it('what a browser tells of a failure is told', async () => {
  const body = `
    const codes = [];
    const attempts = [[url.replace('/mqtt', '/nowhere')], ['mqtt://localhost'], [url, { tls: { cert: 'x' } }], [url, { keepalive: 1 }]];
    for (const [address, options] of attempts) {
      await hawser.connect(address, options).catch((error) => codes.push([error.stage, error.code, error instanceof hawser.ConnectError].join(' ')));
    }
    return codes;`;
  expect(await inPage(body, urlOf('ws'))).toEqual([
    'websocket websocket-failed true',
    'address scheme-not-in-browser true',
    'address mutual-tls-in-browser true',
    ' unknown-option false',
  ]);
});

describe('while nobody sees the page', () => {
  it('its connection is kept alive, though its browser holds its timers back', async () => {
    const body = `
      const told = [];
      const client = await hawser.connect(url, { keepAlive: 2, on: { disconnected: ({ code }) => told.push(code), warning: ({ code }) => told.push(code) } });
      if (!document.hidden) await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
      let ticks = 0;
      const tick = () => { ticks++; setTimeout(tick, 100); };
      tick();
      // Without the worker it is lost after 12 s: a timer is held back when it is the fifth that one sets in another.
      const wait = new Blob(['setTimeout(() => postMessage(0), 15000)']);
      await new Promise((resolve) => { new Worker(URL.createObjectURL(wait)).onmessage = resolve; });
      return { hidden: document.hidden, isThrottled: ticks < 30, told, state: client.state };`;
    expect(await inPage(body, urlOf('ws'), '', true)).toEqual({
      hidden: true,
      isThrottled: true,
      told: [],
      state: 'connected',
    });
  });

  it('it is told that a content policy leaves its timers to the browser', async () => {
    const body = `
      const warning = new Promise((resolve) => hawser.connect(url, { on: { warning: resolve } }));
      return (await warning).code;`;
    expect(await inPage(body, urlOf('ws'), '?policy')).toBe('timers-held-back');
  });
});

it('SCRAM-SHA-256 runs on Web Crypto', async () => {
  const body = `
    const { start, continue: next } = hawser.scramSha256({ username: 'u', password: 'p' });
    const nonce = start().split('r=')[1];
    const answer = await next(new TextEncoder().encode('r=' + nonce + 'x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'));
    return answer.startsWith('c=biws,r=' + nonce + 'x,p=');`;
  expect(await inPage(body, '')).toBe(true);
});

it('the testkit runs broker, client and a network that loses connections, 24 hours in a moment', async () => {
  const body = `
    const { connectTestClient, FakeClock, MemoryNetwork, startTestBroker } = await import('/packages/testkit/dist/page/index.js');
    const clock = new FakeClock();
    const network = new MemoryNetwork({ clock, seed: 1, splitting: true });
    const broker = await startTestBroker({ clock, network });
    const options = { clientId: 'pump', cleanStart: false, sessionExpiryInterval: 86_400 };
    const other = await connectTestClient(broker, { clientId: 'other' });
    const seen = [];
    for (const hours of [0, 23, 25]) {
      await clock.advance(hours * 3_600_000);
      const pump = await connectTestClient(broker, options);
      seen.push(pump.negotiated.sessionPresent);
      const messages = pump.messages('orders', { qos: 2 });
      await clock.advance(100);
      network.lossPerChunk = 0.05;
      const orders = [1, 2, 3, 4, 5].map((order) => other.publish('orders', String(order), { qos: 2 }));
      await clock.advance(600_000);
      network.lossPerChunk = 0;
      await clock.advance(600_000);
      await Promise.all(orders);
      const got = [];
      for (const _order of orders) got.push((await messages.next()).value.text());
      seen.push(got.join(' '));
      network.cutAll();
      void pump.disconnect({ drain: 0 });
      await clock.advance(10_000);
    }
    await clock.waitFor(other.disconnect());
    return seen;`;
  const orders = '1 2 3 4 5';
  expect(await inPage(body, '')).toEqual([false, orders, true, orders, false, orders]);
});

describe('the example page connects, and shows what comes', () => {
  const shown = (document: string) => `
    while (!${document}?.querySelector('li')) await new Promise((resolve) => setTimeout(resolve, 10));
    return [${document}.getElementById('state').textContent.slice(0, 12), ${document}.querySelector('li').textContent];`;
  const expected = ['connected as', 'page/hello: Ahoy from a browser'];

  it('out of a bundle', async () => {
    const body = `
      document.body.innerHTML = '<p id="state"></p><ul id="messages"></ul>';
      await import('/main.js');
      ${shown('document')}`;
    expect(await inPage(body, '', `?url=${encodeURIComponent(urlOf('ws'))}`)).toEqual(expected);
  });

  it('without a bundler, as its files are', async () => {
    const body = `
      const frame = document.createElement('iframe');
      frame.src = '/examples/page/index.html?url=' + encodeURIComponent(url);
      document.body.append(frame);
      ${shown('frame.contentDocument')}`;
    expect(await inPage(body, urlOf('wss'))).toEqual(expected);
  });
});
