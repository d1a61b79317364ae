import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  type DialAddress,
  DialError,
  type DialOptions,
  type DialStage,
  dial,
  explainTlsFailure,
  isTlsAlert,
} from '@hawser/transport';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { TestAuthority } from './test-certificates.ts';
import { TransportRecorder } from './transport-recorder.ts';

const authority = new TestAuthority();
const good = authority.issue('localhost');
afterAll(() => authority[Symbol.dispose]());

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Listens on a free port until the test is over. */
async function open(server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return (server.address() as AddressInfo).port;
}

function openTls(options: TlsOptions): Promise<number> {
  const server = createTlsServer(options, (socket) => socket.on('error', () => {}));
  server.on('tlsClientError', () => {});
  return open(server);
}

function openHttp(listener: RequestListener): Promise<number> {
  return open(createHttpServer(listener));
}

/** The error with which dialling ends; the transport is cut off if there is one. */
async function failure(address: Partial<DialAddress> & { port: number }, options?: DialOptions): Promise<DialError> {
  try {
    const transport = await dial({ transport: 'tcp', host: '127.0.0.1', ...address }, options);
    transport.destroy();
  } catch (error) {
    expect(error).toBeInstanceOf(DialError);
    return error as DialError;
  }
  throw new Error('it did connect');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('dial, stages dns and tcp', () => {
  it('says that a name is not known', async () => {
    const error = await failure({ host: 'no-such-host.invalid', port: 1883 });
    expect(error.stage).toBe('dns');
    expect(['host-not-found', 'dns-timeout']).toContain(error.code);
    expect(error.message).toContain('no-such-host.invalid');
  });

  it('says that nothing listens, and where it has tried', async () => {
    const port = await freePort();
    const error = await failure({ host: 'localhost', port });
    expect(error).toMatchObject({
      stage: 'tcp',
      code: 'refused',
      evidence: { host: 'localhost', port, systemCode: 'ECONNREFUSED' },
    });
    expect(error.evidence.addresses).toContain('127.0.0.1');
    expect(error.message).toContain(`localhost:${port} (`);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('tells each stage as it begins', async () => {
    const port = await openTls(good);
    const stages: DialStage[] = [];
    const tls = { ca: authority.cert };
    const transport = await dial(
      { transport: 'tls', host: 'localhost', port, tls },
      { onStage: (stage) => stages.push(stage) },
    );
    transport.destroy();
    expect(stages).toEqual(['dns', 'tcp', 'tls']);
    expect(transport.info).toMatchObject({
      kind: 'tls',
      remoteAddress: '127.0.0.1',
      remotePort: port,
      tls: { authorized: true },
    });
  });

  it('gives up when it is told to', async () => {
    const port = await open(createServer());
    const reason = new Error('enough');
    const aborted = AbortSignal.abort(reason);
    expect(await failure({ port }, { signal: aborted })).toMatchObject({ code: 'aborted', cause: reason });
    const controller = new AbortController();
    const onStage = (stage: DialStage): void => {
      if (stage === 'tls') controller.abort(reason);
    };
    const error = await failure({ transport: 'tls', port }, { signal: controller.signal, onStage });
    expect(error).toMatchObject({ stage: 'tls', code: 'aborted', cause: reason });
  });
});

describe('dial, stage tls', () => {
  const localhost = { transport: 'tls', host: 'localhost' } as const;

  it('shows the certificates it was shown', async () => {
    const port = await openTls(authority.issue('other', ['DNS:other.example', 'IP:10.0.0.1']));
    const { evidence } = await failure({ ...localhost, port, tls: { ca: authority.cert } });
    expect(evidence).toMatchObject({ tlsVersion: 'TLSv1.3', peerAddress: '127.0.0.1' });
    expect(evidence.certificates?.[0]).toMatchObject({
      subject: 'CN=other,O=Acme',
      issuer: 'CN=Hawser Test CA,O=Hawser',
      names: ['other.example', '10.0.0.1'],
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    const days = ((evidence.certificates?.[0]?.validToMs ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(0.9);
  });

  it.each([
    ['of another authority', () => good, false, 'untrusted-issuer', 'CN=Hawser Test CA'],
    ['that is self-signed', () => authority.selfSigned('localhost'), false, 'self-signed', 'self-signed'],
    [
      'for another name',
      () => authority.issue('x', ['DNS:a.example', 'DNS:b.example']),
      true,
      'hostname-mismatch',
      'is not for localhost: it is for a.example, b.example',
    ],
    [
      'that has expired',
      () => authority.issue('localhost', ['DNS:localhost'], -1),
      true,
      'expired',
      'has expired on 20',
    ],
  ])('does not take a certificate %s', async (_what, certificate, isTrusted, code, words) => {
    const port = await openTls(certificate());
    const error = await failure({ ...localhost, port, tls: isTrusted ? { ca: authority.cert } : {} });
    expect(error).toMatchObject({ stage: 'tls', code, message: expect.stringContaining(words) });
  });

  it('takes any certificate when it is told to, and says that it was not verified', async () => {
    const port = await openTls(authority.selfSigned('elsewhere'));
    const transport = await dial({ ...localhost, port, tls: { insecure: true } });
    expect(transport.info.tls).toMatchObject({ authorized: false, peerCommonName: 'elsewhere' });
    transport.destroy();
  });

  it('asks for the name it is given, and for an address where it has only that', async () => {
    const port = await openTls(authority.issue('x', ['DNS:broker.example', 'IP:127.0.0.1']));
    const tls = { ca: authority.cert, servername: 'broker.example' };
    (await dial({ ...localhost, port, tls })).destroy();
    (await dial({ ...localhost, host: '127.0.0.1', port, tls: { ca: authority.cert } })).destroy();
    expect((await failure({ ...localhost, port, tls: { ca: authority.cert } })).code).toBe('hostname-mismatch');
  });

  it.each([
    ['answers in its own way', 'SSH-2.0-x\r\n', 'not-tls-here'],
    ['closes at once', '', 'not-tls-here'],
  ])('says that there is no TLS when the server %s', async (_what, answer, code) => {
    const port = await open(createServer((socket) => socket.once('data', () => socket.end(answer))));
    expect(await failure({ ...localhost, port })).toMatchObject({ stage: 'tls', code });
  });

  it('says that the versions of TLS have nothing in common', async () => {
    const port = await openTls({ ...good, maxVersion: 'TLSv1.2' });
    expect(await failure({ ...localhost, port, tls: { minVersion: 'TLSv1.3' } })).toMatchObject({
      stage: 'tls',
      code: 'protocol-version',
    });
  });

  it('says that application protocols have nothing in common', async () => {
    const port = await openTls({ ...good, ALPNProtocols: ['http/1.1'] });
    expect(await failure({ ...localhost, port, tls: { alpn: ['mqtt'] } })).toMatchObject({
      stage: 'tls',
      code: 'alpn',
    });
  });

  it('says that a client certificate is required (TLS 1.2), or leaves it to the end of the connection (TLS 1.3)', async () => {
    const options = { ...good, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const port = await openTls(options);
    const transport = await dial({ ...localhost, port, tls: { ca: authority.cert } });
    const error = await new TransportRecorder(transport).closed();
    expect(isTlsAlert(error)).toBe(true);
    const explained = explainTlsFailure(error as Error, { host: 'localhost', port, addresses: [] }, 1);
    expect(explained).toMatchObject({ stage: 'tls', code: 'client-certificate-required' });
    const port2 = await openTls({ ...options, maxVersion: 'TLSv1.2' });
    expect(await failure({ ...localhost, port: port2, tls: { ca: authority.cert } })).toMatchObject({
      stage: 'tls',
      code: 'client-certificate-required',
    });
  });

  it("says that the client's own certificate can't be used", async () => {
    const port = await openTls(good);
    const tls = { ca: authority.cert, cert: good.cert, key: authority.issue('other').key };
    const error = await failure({ ...localhost, port, tls });
    expect(error).toMatchObject({
      stage: 'tls',
      code: 'own-certificate-invalid',
      message: expect.stringContaining('do not belong together'),
    });
  });

  it('says in which stage the time was up', async () => {
    const port = await open(createServer());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      // However long the stages before it have taken, the time is up in this one.
      const onStage = (stage: string): void => {
        if (stage === 'tls') setImmediate(() => vi.advanceTimersByTime(30));
      };
      const error = await failure({ ...localhost, port }, { connectTimeoutMs: 30, onStage });
      expect(error).toMatchObject({
        stage: 'tls',
        code: 'handshake-timeout',
        message: expect.stringContaining('0.03 s'),
      });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('dial, stage websocket', () => {
  const ws = { transport: 'ws' } as const;

  it.each([
    [404, 'nothing here', 'wrong-path', 'no WebSocket at the path /mqtt (404): nothing here'],
    [401, '', 'forbidden', '401'],
    [403, '<html>', 'forbidden', '(403)'],
    [500, 'broken', 'http-unavailable', 'HTTP 500: broken'],
    [501, '', 'http-not-websocket', 'HTTP 501'],
    [200, '<html>hello</html>', 'http-not-websocket', 'HTTP 200'],
  ])('explains the answer %i', async (status, body, code, words) => {
    const port = await openHttp((_request, response) => response.writeHead(status, { 'x-seen': 'yes' }).end(body));
    const error = await failure({ ...ws, port });
    expect(error).toMatchObject({ stage: 'websocket', code, message: expect.stringContaining(words) });
    expect(error.evidence.http).toMatchObject({ status, body, headers: { 'x-seen': 'yes' } });
  });

  it('explains where a server points', async () => {
    const port = await openHttp((_request, response) =>
      response.writeHead(301, { location: 'https://x.example/' }).end(),
    );
    expect((await failure({ ...ws, port })).message).toContain('points elsewhere (301): https://x.example/');
  });

  it.each([
    ['none', () => false, 'chose no subprotocol'],
    ['another', () => 'chat', 'chose the subprotocol chat'],
  ])('refuses a server that chooses %s of the subprotocols', async (_what, choose, words) => {
    const http = createHttpServer();
    new WebSocketServer({ server: http, handleProtocols: choose as () => string | false });
    const error = await failure({ ...ws, port: await open(http) });
    expect(error).toMatchObject({
      stage: 'websocket',
      code: 'subprotocol-refused',
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ['does not speak HTTP', 'SSH-2.0-x\r\n', 'websocket', 'http-not-websocket'],
    ['closes', '', 'websocket', 'reset'],
    ['speaks TLS', Buffer.from('15030300020250', 'hex'), 'tls', 'tls-expected'],
    [
      'says that it speaks TLS',
      'HTTP/1.1 400 Bad Request\r\nContent-Length: 54\r\n\r\nThe plain HTTP request was sent to HTTPS port, dear me',
      'tls',
      'tls-expected',
    ],
    [
      'has no right answer',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
      'websocket',
      'http-not-websocket',
    ],
  ])('says so when the server %s', async (_what, answer, stage, code) => {
    const port = await open(createServer((socket) => socket.once('data', () => socket.end(answer))));
    expect(await failure({ ...ws, port })).toMatchObject({ stage, code });
  });

  it('says that the upgrade took too long', async () => {
    const port = await open(createServer((socket) => socket.resume()));
    expect(await failure({ ...ws, port }, { connectTimeoutMs: 30 })).toMatchObject({
      stage: 'websocket',
      code: 'upgrade-timeout',
    });
  });

  it('asks with the path, the headers and the host it is given', async () => {
    const seen = new Promise<readonly unknown[]>((resolve) => {
      void openHttp((request, response) => {
        resolve([
          request.url,
          request.headers.host,
          request.headers['x-token'],
          request.headers['sec-websocket-protocol'],
        ]);
        response.writeHead(404).end();
      }).then((port) => failure({ ...ws, host: 'localhost', port, path: '/a?b=c#d' }, { headers: { 'X-Token': '1' } }));
    });
    expect(await seen).toEqual(['/a?b=c%23d', expect.stringMatching(/^localhost:\d+$/), '1', 'mqtt']);
  });
});
