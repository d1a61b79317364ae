import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, connect as connectTo, createServer as createTcpServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type ClientOptions, ConnectError, connect } from '@hawser/client';
import { afterAll, afterEach, expect, it } from 'vitest';
import { TestAuthority } from './test-certificates.ts';

const authority = new TestAuthority();
const stranger = new TestAuthority('Somebody else');
const { cert, key } = authority.issue('localhost');
afterAll(() => {
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function openTls(options: TlsOptions): Promise<number> {
  const server = createTlsServer({ cert, key, ca: authority.cert, requestCert: true, ...options }, (socket) =>
    socket.on('error', () => {}),
  );
  server.on('tlsClientError', () => {});
  return listen(server);
}

/** TLS 1.3 whose first connection ends without the alert, as when the reset of a server that has not read the CONNECT overtakes it. */
function overtaking(port: number): Promise<number> {
  let connections = 0;
  return listen(
    createTcpServer((client) => {
      const isFirst = ++connections === 1;
      const server = connectTo(port, '127.0.0.1');
      let isReset = false;
      client.on('error', () => {}).on('close', () => server.destroy());
      server.on('error', () => {});
      client.on('data', (chunk) => server.write(chunk));
      server.on('data', (chunk) => {
        // The record of an alert, and nothing else that comes after the handshake.
        isReset = isFirst && chunk.length < 40;
        if (!isReset) client.write(chunk);
      });
      server.on('close', () => (isReset ? client.resetAndDestroy() : client.end()));
    }),
  );
}

async function failureOf(port: number, options: ClientOptions): Promise<ConnectError> {
  const failure = await connect(`mqtts://127.0.0.1:${port}`, { reconnect: false, ...options }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof ConnectError) return failure;
  throw new Error(`no ConnectError came, but ${String(failure)}`);
}

const tls = { ca: authority.cert };

it.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a client certificate that %s misses is named every time',
  async (maxVersion) => {
    const port = await openTls({ rejectUnauthorized: true, maxVersion });
    for (let i = 0; i < 5; i++) {
      const { code, retry, evidence } = await failureOf(port, { tls });
      expect([code, retry, evidence.clientCertificate]).toEqual([
        'client-certificate-required',
        'after-change',
        'missing',
      ]);
    }
  },
);

it.each([
  ['missing', undefined, 'client-certificate-required'],
  ["another authority's", stranger.issue('device'), 'client-certificate-rejected'],
] as const)('it is named when a reset overtakes the alert: %s', async (_what, own, expected) => {
  const port = await overtaking(await openTls({ rejectUnauthorized: true, minVersion: 'TLSv1.3' }));
  const { code } = await failureOf(port, { tls: { ...tls, ...own } });
  expect(code).toBe(expected);
});

it('a key of another kind than its certificate is refused before anything is opened', async () => {
  let opened = 0;
  const port = await listen(createTcpServer(() => opened++));
  for (const type of ['rsa', 'ec', 'ed25519'] as const) {
    const { privateKey } = generateKeyPairSync(
      type as 'rsa',
      { modulusLength: 2048, namedCurve: 'P-256' } as { modulusLength: number },
    );
    const foreign = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { code, message } = await failureOf(port, { tls: { ...tls, cert, key: foreign } });
    expect([type, code]).toEqual([type, 'own-certificate-invalid']);
    expect(message).toContain('do not belong together');
  }
  expect(opened).toBe(0);
});

it('a server that only asks for a certificate, and closes for another reason, is not misread', async () => {
  const port = await listen(
    createTlsServer({ cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false }, (socket) =>
      socket.on('error', () => {}).on('data', () => socket.destroy()),
    ),
  );
  const { code, evidence } = await failureOf(port, { tls });
  expect([code, evidence.clientCertificate]).toEqual(['closed-before-connack', 'missing']);
});
