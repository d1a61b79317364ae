import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type ClientOptions, ConnectError, connect, UsageError } from '@hawser/client';
import { hintFor } from '@hawser/client/hints';
import { type ConnackPacket, encodePacket, type Packet } from '@hawser/codec';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { RunningProgram } from './support/processes.ts';

// Every fault over real sockets: each has its own stage and code, and is told long before the connect timeout.

const CONNECT_TIMEOUT = 5;
const authority = new TestAuthority();
const stranger = new TestAuthority('Somebody Else');
const good = authority.issue('localhost');
afterAll(() => {
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function open(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
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

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const port = await open(createServer());
  servers.pop()?.close();
  return port;
}

/** A TCP server that does this with every connection once bytes have come. */
function openTcp(onBytes: (socket: Socket, bytes: Buffer) => void): Promise<number> {
  return open(createServer((socket) => socket.once('data', (bytes: Buffer) => onBytes(socket, bytes))));
}

function openTls(options: TlsOptions, onBytes: (socket: Socket) => void = () => {}): Promise<number> {
  const server = createTlsServer(options, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => onBytes(socket));
  });
  server.on('tlsClientError', () => {});
  return open(server);
}

/** A server that opens every WebSocket, in this subprotocol, and then does this once bytes have come. */
function openWebSocket(protocol: string | undefined, onBytes: (socket: Socket) => void): Promise<number> {
  const server = createHttpServer();
  server.on('upgrade', (request, socket: Socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.once('data', () => onBytes(socket));
  });
  return open(server);
}

function openHttp(listener: RequestListener): Promise<number> {
  return open(createHttpServer(listener));
}

/** A server that answers the CONNECT with these packets. */
function answering(...packets: Packet[]): Promise<number> {
  return openTcp((socket) => {
    for (const packet of packets) socket.write(encodePacket(packet, 5));
  });
}

function refusing(reasonCode: number, properties?: ConnackPacket['properties']): Promise<number> {
  return answering({ type: 'connack', sessionPresent: false, reasonCode, properties });
}

interface Expected {
  readonly stage: string;
  readonly code: string;
  readonly retry?: string;
  /** Words of the message. */
  readonly says?: string | RegExp;
}

/** Connects, and expects this failure, soon, with a hint in both languages. */
async function fails(url: string, options: ClientOptions, expected: Expected): Promise<ConnectError> {
  const beganMs = performance.now();
  const { connectTimeout = CONNECT_TIMEOUT } = options;
  const error = await connect({ url, ...options, connectTimeout }).then(
    async (client) => {
      await client.disconnect();
      throw new Error('it connected');
    },
    (reason: unknown) => reason,
  );
  const { says, ...rest } = expected;
  expect(error).toMatchObject(rest);
  expect(error).toBeInstanceOf(ConnectError);
  const found = error as ConnectError;
  if (says !== undefined) expect(found.message).toMatch(says);
  expect(found.hint).toBe(hintFor(found, 'en'));
  expect(found.hint, found.code).toBeDefined();
  expect(hintFor(found, 'zh')).toMatch(/[\u4e00-\u9fff]/);
  expect(performance.now() - beganMs).toBeLessThan(connectTimeout * 1000 + 500);
  return found;
}

const local = (port: number, scheme = 'mqtt'): string => `${scheme}://127.0.0.1:${port}`;

describe('address', () => {
  it.each<[string, string, ClientOptions?]>([
    ['unknown-scheme', 'mqt://localhost'],
    ['unknown-scheme', 'http://localhost:8083/mqtt'],
    ['unknown-scheme', 'localhost:1883'],
    ['unknown-scheme', ''],
    ['bad-port', 'mqtt://localhost:99999'],
    ['bad-port', 'mqtt://localhost:mqtt'],
    ['bad-port', 'mqtt://::1:1883'],
    ['bad-userinfo', 'mqtt://user:p@ss@localhost'],
    ['bad-userinfo', 'mqtt://user:100%@localhost'],
    ['bad-host', 'mqtt://:1883'],
    ['bad-host', 'mqtt://two words'],
    ['option-not-in-this-version', 'mqtt://localhost', { protocolVersion: 4, sessionExpiryInterval: 60 }],
    ['file-not-readable', 'mqtts://localhost', { tls: { ca: '/nowhere/ca.pem' } }],
  ])('%s: %s', async (code, url, options = {}) => {
    const error = await fails(url, options, { stage: 'address', code, retry: 'after-change' });
    expect(error).toBeInstanceOf(UsageError);
  });

  it('never tells a password', async () => {
    const error = await fails('mqt://user:secret@localhost', {}, { stage: 'address', code: 'unknown-scheme' });
    expect(JSON.stringify(error) + error.message).not.toContain('secret');
  });

  it('names the option that was meant by a misspelt one', async () => {
    const misspelt = { url: 'mqtt://localhost', keepalive: 10 } as ClientOptions;
    await expect(connect(misspelt)).rejects.toThrowError(/did you mean keepAlive/);
    await expect(connect(misspelt)).rejects.toBeInstanceOf(UsageError);
    await expect(connect({ connectTimeout: 10_000 })).rejects.toThrowError(/seconds/);
  });
});

describe('dns and tcp', () => {
  it('host-not-found', async () => {
    await fails('mqtt://no-such-host.invalid', {}, { stage: 'dns', code: 'host-not-found' });
  });

  it('refused', async () => {
    const port = await freePort();
    const error = await fails(local(port), {}, { stage: 'tcp', code: 'refused', retry: 'yes' });
    expect(error.evidence).toMatchObject({ host: '127.0.0.1', port });
  });

  it('unreachable, or given up in time', async () => {
    // TEST-NET-1: no machine has it. What the network says to that is its own business.
    const error = await connect('mqtt://192.0.2.1', { connectTimeout: 0.5 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ stage: 'tcp', code: expect.stringMatching(/^(timeout|unreachable|refused)$/) });
  });
});

describe('tls', () => {
  const trusting = { tls: { ca: authority.cert } };

  it('not-tls-here: a plain MQTT port', async () => {
    const port = await openTcp((socket) => socket.end(new Uint8Array([0x20, 5, 0, 0x81, 0, 0, 0])));
    await fails(local(port, 'mqtts'), trusting, { stage: 'tls', code: 'not-tls-here' });
  });

  it('not-tls-here: a port that closes', async () => {
    const port = await openTcp((socket) => socket.end());
    await fails(local(port, 'mqtts'), trusting, { stage: 'tls', code: 'not-tls-here' });
  });

  it('tls-expected: mqtt:// to a TLS port', async () => {
    const port = await openTls(good);
    await fails(local(port), {}, { stage: 'tls', code: 'tls-expected', says: 'mqtts://' });
  });

  it('tls-expected: ws:// to a TLS port', async () => {
    const port = await open(createHttpsServer(good));
    await fails(local(port, 'ws'), {}, { stage: 'tls', code: 'tls-expected', says: 'wss://' });
  });

  it('untrusted-issuer', async () => {
    const port = await openTls(good);
    const error = await fails(
      local(port, 'mqtts'),
      { tls: { ca: stranger.cert } },
      { stage: 'tls', code: 'untrusted-issuer' },
    );
    expect(error.evidence.certificates?.[0]?.subject).toContain('localhost');
  });

  it('self-signed', async () => {
    const port = await openTls(authority.selfSigned('localhost'));
    await fails(local(port, 'mqtts'), {}, { stage: 'tls', code: 'self-signed' });
  });

  it('hostname-mismatch names the names that it has', async () => {
    const port = await openTls(authority.issue('other', ['DNS:broker.example.com']));
    const says = 'broker.example.com';
    await fails(local(port, 'mqtts'), trusting, { stage: 'tls', code: 'hostname-mismatch', says });
  });

  it('expired says when', async () => {
    const port = await openTls(authority.issue('localhost', undefined, -1));
    await fails(local(port, 'mqtts'), trusting, { stage: 'tls', code: 'expired', says: /on \d{4}-\d\d-\d\d/ });
  });

  it('client-certificate-required', async () => {
    const port = await openTls({ ...good, ca: authority.cert, requestCert: true, rejectUnauthorized: true });
    await fails(local(port, 'mqtts'), trusting, { stage: 'tls', code: 'client-certificate-required' });
  });

  it('client-certificate-rejected', async () => {
    // OpenSSL's own server: Node's cuts off whom it does not trust without an alert.
    const folder = mkdtempSync(join(tmpdir(), 'hawser-s-server-'));
    writeFileSync(join(folder, 'cert.pem'), good.cert);
    writeFileSync(join(folder, 'key.pem'), good.key);
    writeFileSync(join(folder, 'ca.pem'), authority.cert);
    const port = await freePort();
    const args = [
      's_server',
      '-accept',
      `127.0.0.1:${port}`,
      '-cert',
      'cert.pem',
      '-key',
      'key.pem',
      '-CAfile',
      'ca.pem',
    ];
    await using program = new RunningProgram('openssl', [...args, '-Verify', '1', '-verify_return_error'], {
      cwd: folder,
    });
    await program.waitFor(/ACCEPT/);
    const { cert, key } = stranger.issue('device');
    const options = { tls: { ca: authority.cert, cert, key } };
    await fails(local(port, 'mqtts'), options, { stage: 'tls', code: 'client-certificate-rejected' });
    rmSync(folder, { recursive: true, force: true });
  });

  it('protocol-version', async () => {
    const port = await openTls({ ...good, maxVersion: 'TLSv1.2' });
    const options: ClientOptions = { tls: { ca: authority.cert, minVersion: 'TLSv1.3' } };
    await fails(local(port, 'mqtts'), options, { stage: 'tls', code: 'protocol-version' });
  });

  it('alpn', async () => {
    const port = await openTls({ ...good, ALPNProtocols: ['h2'] });
    await fails(local(port, 'mqtts'), { tls: { ca: authority.cert, alpn: ['mqtt'] } }, { stage: 'tls', code: 'alpn' });
  });

  it('own-certificate-invalid', async () => {
    const port = await openTls(good);
    const { cert } = authority.issue('a');
    const { key } = authority.issue('b');
    await fails(
      local(port, 'mqtts'),
      { tls: { ca: authority.cert, cert, key } },
      { stage: 'tls', code: 'own-certificate-invalid' },
    );
  });

  it('handshake-timeout: who answers nothing', async () => {
    const port = await openTcp(() => {});
    await fails(
      local(port, 'mqtts'),
      { connectTimeout: 0.3 },
      { stage: 'tls', code: 'handshake-timeout', retry: 'yes' },
    );
  });
});

describe('websocket', () => {
  const at = (status: number, body = '') =>
    openHttp((_request, response) => {
      response.writeHead(status, { server: 'test' });
      response.end(body);
    });

  it.each<[number, string]>([
    [404, 'wrong-path'],
    [401, 'forbidden'],
    [403, 'forbidden'],
    [200, 'http-not-websocket'],
    [301, 'http-not-websocket'],
    [426, 'http-not-websocket'],
    [502, 'http-not-websocket'],
  ])('%i: %s', async (status, code) => {
    const error = await fails(`${local(await at(status), 'ws')}/mqtt`, {}, { stage: 'websocket', code });
    expect(error.evidence.http).toMatchObject({ status, headers: { server: 'test' } });
  });

  it('subprotocol-refused', async () => {
    const port = await openWebSocket('chat', () => {});
    await fails(local(port, 'ws'), {}, { stage: 'websocket', code: 'subprotocol-refused' });
    const silent = await openWebSocket(undefined, () => {});
    await fails(local(silent, 'ws'), {}, { stage: 'websocket', code: 'subprotocol-refused' });
  });

  it('upgrade-timeout', async () => {
    const port = await openTcp(() => {});
    await fails(local(port, 'ws'), { connectTimeout: 0.3 }, { stage: 'websocket', code: 'upgrade-timeout' });
  });

  it('http-not-websocket: an MQTT port', async () => {
    const port = await openTcp((socket) => socket.end(new Uint8Array([0x20, 5, 0, 0x81, 0, 0, 0])));
    await fails(local(port, 'ws'), {}, { stage: 'websocket', code: 'http-not-websocket' });
  });

  it('closed-before-connack through an open WebSocket', async () => {
    const port = await openWebSocket('mqtt', (socket) => socket.end(new Uint8Array([0x88, 0])));
    await fails(local(port, 'ws'), {}, { stage: 'connack', code: 'closed-before-connack' });
  });

  it('a text frame instead of a CONNACK', async () => {
    const port = await openWebSocket('mqtt', (socket) => socket.write(new Uint8Array([0x81, 2, 0x68, 0x69])));
    await fails(local(port, 'ws'), {}, { stage: 'connack', code: 'closed-before-connack', says: 'text frame' });
  });
});

describe('connack', () => {
  it('not-mqtt: an HTTP server', async () => {
    const port = await openTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await fails(local(port), {}, { stage: 'connack', code: 'not-mqtt', says: 'HTTP' });
    expect(error.evidence.received).toContain('HTTP/1.1 400');
  });

  it('not-mqtt: another protocol', async () => {
    const port = await openTcp((socket) => socket.end('220 smtp.example.com ESMTP\r\n'));
    await fails(local(port), {}, { stage: 'connack', code: 'not-mqtt', says: '220 smtp' });
  });

  it('closed-before-connack', async () => {
    const port = await openTcp((socket) => socket.end());
    await fails(local(port), {}, { stage: 'connack', code: 'closed-before-connack', retry: 'yes' });
  });

  it('closed-before-connack: reset', async () => {
    const port = await openTcp((socket) => socket.resetAndDestroy());
    await fails(local(port), {}, { stage: 'connack', code: 'closed-before-connack', says: 'ECONNRESET' });
  });

  it('connack-timeout', async () => {
    const port = await openTcp(() => {});
    await fails(local(port), { connectTimeout: 0.3 }, { stage: 'connack', code: 'connack-timeout', retry: 'yes' });
  });

  it.each<[number, string, string]>([
    [0x81, 'malformed-packet', 'after-change'],
    [0x82, 'protocol-error', 'after-change'],
    [0x84, 'unsupported-protocol-version', 'after-change'],
    [0x85, 'client-identifier-not-valid', 'after-change'],
    [0x86, 'bad-user-name-or-password', 'after-change'],
    [0x87, 'not-authorized', 'after-change'],
    [0x88, 'server-unavailable', 'yes'],
    [0x89, 'server-busy', 'yes'],
    [0x8a, 'banned', 'no'],
    [0x90, 'topic-name-invalid', 'after-change'],
    [0x95, 'packet-too-large', 'after-change'],
    [0x97, 'quota-exceeded', 'yes'],
    [0x99, 'payload-format-invalid', 'after-change'],
    [0x9a, 'retain-not-supported', 'after-change'],
    [0x9b, 'qos-not-supported', 'after-change'],
    [0x9c, 'use-another-server', 'after-change'],
    [0x9d, 'server-moved', 'after-change'],
    [0x9f, 'connection-rate-exceeded', 'yes'],
  ])('Reason Code %i: %s', async (reasonCode, code, retry) => {
    const reasonString = 'because of the test';
    const port = await refusing(reasonCode, { reasonString });
    const error = await fails(local(port), {}, { stage: 'connack', code, retry, says: reasonString });
    expect(error.reasonCode).toBe(reasonCode);
    expect(error.evidence).toMatchObject({ reasonCode, reasonString, peerAddress: '127.0.0.1' });
  });

  it.each<[number, string]>([
    [1, 'unsupported-protocol-version'],
    [2, 'client-identifier-not-valid'],
    [3, 'server-unavailable'],
    [4, 'bad-user-name-or-password'],
    [5, 'not-authorized'],
  ])('Return Code %i of 3.1.1: %s', async (returnCode, code) => {
    const port = await openTcp((socket) => socket.write(new Uint8Array([0x20, 2, 0, returnCode])));
    await fails(local(port), { protocolVersion: 4 }, { stage: 'connack', code });
    await fails(local(port), { protocolVersion: 5 }, { stage: 'connack', code });
  });

  it.each<[string, number[], string]>([
    ['a CONNACK that is cut short', [0x20, 1, 0], 'truncated'],
    ['reserved flags', [0x20, 3, 0xfe, 0, 0], 'reserved-bits'],
    ['an unknown property', [0x20, 5, 0, 0, 2, 0x7f, 0], 'property-unknown'],
    ['Session Present after Clean Start', [0x20, 3, 1, 0, 0], 'session-present-unexpected'],
    ['Session Present with a refusal', [0x20, 3, 1, 0x87, 0], 'session-present-with-refusal'],
    ['a PUBLISH first', [0x30, 4, 0, 1, 0x61, 0], 'not-mqtt'],
    ['an AUTH nobody asked for', [0xf0, 2, 0x18, 0], 'auth-unexpected'],
  ])('a broken server: %s', async (_what, bytes, _code) => {
    const port = await openTcp((socket) => socket.write(new Uint8Array(bytes)));
    const error = await connect(local(port), { connectTimeout: 2 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ stage: 'connack', name: 'ConnectError' });
    expect((error as ConnectError).code).not.toBe('connack-timeout');
  });
});

describe('auth', () => {
  const authentication = { method: 'TEST', start: () => 'first', continue: () => 'next' };

  it('method-not-supported', async () => {
    const port = await refusing(0x8c);
    await fails(local(port), { authentication }, { stage: 'auth', code: 'method-not-supported', says: 'TEST' });
  });

  it('mechanism-failed', async () => {
    const port = await answering({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'TEST' } });
    const failing = {
      ...authentication,
      continue: () => {
        throw new Error('no token');
      },
    };
    await fails(
      local(port),
      { authentication: failing },
      { stage: 'auth', code: 'mechanism-failed', says: 'no token' },
    );
  });

  it('server-signature-wrong', async () => {
    const port = await answering({
      type: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: { authenticationMethod: 'TEST', authenticationData: new Uint8Array([1]) },
    });
    const checking = {
      ...authentication,
      finish: () => {
        throw Object.assign(new Error('who are you?'), { code: 'server-signature-wrong' });
      },
    };
    await fails(local(port), { authentication: checking }, { stage: 'auth', code: 'server-signature-wrong' });
  });

  it('authentication-timeout', async () => {
    const port = await answering({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'TEST' } });
    const options = { authentication, connectTimeout: 0.3 };
    await fails(local(port), options, { stage: 'auth', code: 'authentication-timeout' });
  });

  it('provider-failed and provider-timeout', async () => {
    const failing = () => Promise.reject(new Error('vault is sealed'));
    await fails('mqtt://localhost', { username: failing }, { stage: 'auth', code: 'provider-failed', says: 'vault' });
    const hanging = () => new Promise<string>(() => {});
    const options = { password: hanging, username: 'u', connectTimeout: 0.2 };
    await fails('mqtt://localhost', options, { stage: 'auth', code: 'provider-timeout' });
  });
});

it('an AbortSignal gives up at once', async () => {
  const port = await openTcp(() => {});
  const abort = new AbortController();
  const connecting = connect(local(port), { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(connecting).rejects.toThrowError('enough');
});
