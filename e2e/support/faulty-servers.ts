import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { ClientOptions } from '@hawser/client';
import { type ConnackPacket, encodePacket, type Packet } from '@hawser/codec';
import { TestAuthority, type TestCertificate } from '../../packages/testkit/src/test-certificates.ts';
import { RunningProgram } from './processes.ts';

/** Servers with a fault each, over real sockets, and the certificates they need. `closeAll` after each test, `using` for the whole. */
export class FaultyServers implements Disposable {
  readonly authority = new TestAuthority();
  readonly stranger = new TestAuthority('Somebody Else');
  readonly good: TestCertificate = this.authority.issue('localhost');
  readonly #running: { close(): void }[] = [];

  async open(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#running.push({
      close() {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
    return (server.address() as AddressInfo).port;
  }

  /** A TCP server that does this with every connection once bytes have come. */
  tcp(onBytes: (socket: Socket, bytes: Buffer) => void): Promise<number> {
    return this.open(createServer((socket) => socket.once('data', (bytes: Buffer) => onBytes(socket, bytes))));
  }

  tls(options: TlsOptions, onBytes: (socket: Socket) => void = () => {}): Promise<number> {
    const server = createTlsServer(options, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => onBytes(socket));
    });
    server.on('tlsClientError', () => {});
    return this.open(server);
  }

  https(): Promise<number> {
    return this.open(createHttpsServer(this.good));
  }

  /** A server that opens every WebSocket, in this subprotocol, and then does this once bytes have come. */
  webSocket(protocol: string | undefined, onBytes: (socket: Socket) => void): Promise<number> {
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
    return this.open(server);
  }

  http(listener: RequestListener): Promise<number> {
    return this.open(createHttpServer(listener));
  }

  /** A server that answers the CONNECT with these packets. */
  answering(...packets: Packet[]): Promise<number> {
    return this.tcp((socket) => {
      for (const packet of packets) socket.write(encodePacket(packet, 5));
    });
  }

  /** A server that answers the CONNECT with these bytes. */
  saying(bytes: readonly number[]): Promise<number> {
    return this.tcp((socket) => socket.write(new Uint8Array(bytes)));
  }

  refusing(reasonCode: number, properties?: ConnackPacket['properties']): Promise<number> {
    return this.answering({ type: 'connack', sessionPresent: false, reasonCode, properties });
  }

  /** A port on which nothing listens. */
  async nothing(): Promise<number> {
    const port = await this.open(createServer());
    this.#running.pop()?.close();
    return port;
  }

  /** A port whose listener takes nobody and whose backlog is full: what knocks is not answered, as behind a firewall that drops. */
  async deaf(): Promise<number> {
    const program = new RunningProgram('python3', ['-c', DEAF]);
    this.#running.push({ close: () => void program.end('SIGKILL') });
    const [port] = await program.lines(1);
    return Number(port);
  }

  /** OpenSSL's own server, which asks for a certificate: Node's cuts off whom it does not trust without an alert. */
  async openssl(): Promise<number> {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-s-server-'));
    const files = { 'cert.pem': this.good.cert, 'key.pem': this.good.key, 'ca.pem': this.authority.cert };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const port = await this.nothing();
    const own = ['-cert', 'cert.pem', '-key', 'key.pem', '-CAfile', 'ca.pem'];
    const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...own, '-Verify', '1', '-verify_return_error'];
    const program = new RunningProgram('openssl', args, { cwd: folder });
    this.#running.push({
      close() {
        void program.end('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      },
    });
    await program.waitFor(/ACCEPT/);
    return port;
  }

  closeAll(): void {
    for (const server of this.#running.splice(0)) server.close();
  }

  [Symbol.dispose](): void {
    this.closeAll();
    this.authority[Symbol.dispose]();
    this.stranger[Symbol.dispose]();
  }
}

/** Node accepts whoever comes; this listens and never does. */
const DEAF = `
import socket, sys
server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen(0)
knocking = [socket.socket() for _ in range(3)]
for one in knocking:
    one.setblocking(False)
    one.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** One thing that can be wrong, and what must be said about it. */
export interface Fault {
  readonly what: string;
  readonly stage: string;
  readonly code: string;
  readonly retry?: string;
  /** Words of the message. */
  readonly says?: string | RegExp;
  /** What the evidence has, at least. */
  readonly evidence?: object;
  /** The address, with the server behind it running. */
  readonly url: (servers: FaultyServers) => string | Promise<string>;
  readonly options?: (servers: FaultyServers) => ClientOptions;
}

/** The address of a local server. */
export function local(port: number, scheme = 'mqtt'): string {
  return `${scheme}://127.0.0.1:${port}`;
}

/** What stands first in CONNACKs that refuse in 5.0: an MQTT server that was spoken to in TLS or HTTP. */
const REFUSAL = new Uint8Array([0x20, 5, 0, 0x81, 0, 0, 0]);
const SOON = 0.3;

function address(code: string, url: string, options?: ClientOptions): Fault {
  return {
    what: url === '' ? 'nothing' : url,
    stage: 'address',
    code,
    retry: 'after-change',
    url: () => url,
    ...(options === undefined ? {} : { options: () => options }),
  };
}

const addressFaults: readonly Fault[] = [
  address('unknown-scheme', 'mqt://localhost'),
  address('unknown-scheme', 'http://localhost:8083/mqtt'),
  address('unknown-scheme', 'localhost:1883'),
  address('unknown-scheme', ''),
  address('bad-port', 'mqtt://localhost:99999'),
  address('bad-port', 'mqtt://localhost:mqtt'),
  address('bad-port', 'mqtt://::1:1883'),
  address('bad-userinfo', 'mqtt://user:p@ss@localhost'),
  address('bad-userinfo', 'mqtt://user:100%@localhost'),
  address('bad-host', 'mqtt://:1883'),
  address('bad-host', 'mqtt://two words'),
  address('option-not-in-this-version', 'mqtt://localhost', { protocolVersion: 4, sessionExpiryInterval: 60 }),
  address('file-not-readable', 'mqtts://localhost', { tls: { ca: '/nowhere/ca.pem' } }),
];

const networkFaults: readonly Fault[] = [
  {
    what: 'a name that nobody has',
    stage: 'dns',
    code: 'host-not-found',
    url: () => 'mqtt://no-such-host.invalid',
  },
  {
    what: 'nothing listens',
    stage: 'tcp',
    code: 'refused',
    retry: 'yes',
    evidence: { host: '127.0.0.1' },
    url: async (servers) => local(await servers.nothing()),
  },
  {
    what: 'nothing answers',
    stage: 'tcp',
    code: 'timeout',
    retry: 'yes',
    says: '127.0.0.1',
    url: async (servers) => local(await servers.deaf()),
    options: () => ({ connectTimeout: SOON }),
  },
  {
    // The broadcast address of loopback: no TCP connection goes there, and nothing leaves this machine.
    what: 'an address without a route',
    stage: 'tcp',
    code: 'unreachable',
    retry: 'yes',
    url: () => 'mqtt://127.255.255.255',
  },
];

const trusting = ({ authority }: FaultyServers): ClientOptions => ({ tls: { ca: authority.cert } });

function tls(
  fault: Omit<Fault, 'stage' | 'url'> & { readonly port: (servers: FaultyServers) => Promise<number> },
): Fault {
  const { port, ...rest } = fault;
  return { options: trusting, ...rest, stage: 'tls', url: async (servers) => local(await port(servers), 'mqtts') };
}

const tlsFaults: readonly Fault[] = [
  tls({
    what: 'a plain MQTT port',
    code: 'not-tls-here',
    port: (servers) => servers.tcp((socket) => socket.end(REFUSAL)),
  }),
  tls({ what: 'a port that closes', code: 'not-tls-here', port: (servers) => servers.tcp((socket) => socket.end()) }),
  {
    what: 'mqtt:// to a TLS port',
    stage: 'tls',
    code: 'tls-expected',
    says: 'mqtts://',
    url: async (servers) => local(await servers.tls(servers.good)),
  },
  {
    what: 'ws:// to a TLS port',
    stage: 'tls',
    code: 'tls-expected',
    says: 'wss://',
    url: async (servers) => local(await servers.https(), 'ws'),
  },
  tls({
    what: 'the certificate of a stranger',
    code: 'untrusted-issuer',
    evidence: { certificates: [{ subject: 'CN=localhost,O=Acme' }] },
    options: ({ stranger }) => ({ tls: { ca: stranger.cert } }),
    port: (servers) => servers.tls(servers.good),
  }),
  tls({
    what: 'a certificate that has signed itself',
    code: 'self-signed',
    options: () => ({}),
    port: (servers) => servers.tls(servers.authority.selfSigned('localhost')),
  }),
  tls({
    what: 'a certificate for another name, which is said',
    code: 'hostname-mismatch',
    says: 'broker.example.com',
    port: (servers) => servers.tls(servers.authority.issue('other', ['DNS:broker.example.com'])),
  }),
  tls({
    what: 'a certificate that has expired, with the day',
    code: 'expired',
    says: /on \d{4}-\d\d-\d\d/,
    port: (servers) => servers.tls(servers.authority.issue('localhost', undefined, -1)),
  }),
  tls({
    what: 'a certificate of tomorrow',
    code: 'not-yet-valid',
    port: (servers) => {
      const [from, until] = [1, 2].map((days) => new Date(Date.now() + days * 86_400_000));
      const dates = { ...(from && { from }), ...(until && { until }) };
      return servers.tls(servers.authority.issueWith({ commonName: 'localhost', ...dates }));
    },
  }),
  tls({
    what: 'it asks for a certificate, and there is none',
    code: 'client-certificate-required',
    port: (servers) =>
      servers.tls({ ...servers.good, ca: servers.authority.cert, requestCert: true, rejectUnauthorized: true }),
  }),
  tls({
    what: 'it asks for a certificate, and that of a stranger is given',
    code: 'client-certificate-rejected',
    options: ({ authority, stranger }) => ({ tls: { ca: authority.cert, ...stranger.issue('device') } }),
    port: (servers) => servers.openssl(),
  }),
  tls({
    what: 'an old version of TLS only',
    code: 'protocol-version',
    options: ({ authority }) => ({ tls: { ca: authority.cert, minVersion: 'TLSv1.3' } }),
    port: (servers) => servers.tls({ ...servers.good, maxVersion: 'TLSv1.2' }),
  }),
  tls({
    what: 'another application protocol',
    code: 'alpn',
    options: ({ authority }) => ({ tls: { ca: authority.cert, alpn: ['mqtt'] } }),
    port: (servers) => servers.tls({ ...servers.good, ALPNProtocols: ['h2'] }),
  }),
  tls({
    what: 'an own certificate with the key of another',
    code: 'own-certificate-invalid',
    options: ({ authority }) => {
      const { cert } = authority.issue('a');
      const { key } = authority.issue('b');
      return { tls: { ca: authority.cert, cert, key } };
    },
    port: (servers) => servers.tls(servers.good),
  }),
  {
    what: 'a CA that is a key',
    stage: 'address',
    code: 'ca-invalid',
    says: 'tls.ca',
    evidence: { option: 'tls.ca' },
    url: () => 'mqtts://no-such-host.invalid',
    options: ({ good }) => ({ tls: { ca: good.key } }),
  },
  tls({
    what: 'who answers nothing',
    code: 'handshake-timeout',
    retry: 'yes',
    options: () => ({ connectTimeout: SOON }),
    port: (servers) => servers.tcp(() => {}),
  }),
];

function webSocket(
  code: string,
  what: string,
  port: (servers: FaultyServers) => Promise<number>,
  more: Partial<Fault> = {},
): Fault {
  return { what, stage: 'websocket', code, url: async (servers) => local(await port(servers), 'ws'), ...more };
}

function httpStatus(status: number, code: string, retry = 'after-change'): Fault {
  const port = (servers: FaultyServers): Promise<number> =>
    servers.http((_request, response) => {
      response.writeHead(status, { server: 'test' });
      response.end('');
    });
  return webSocket(code, `HTTP ${status}`, port, {
    retry,
    evidence: { http: { status, headers: { server: 'test' } } },
  });
}

const webSocketFaults: readonly Fault[] = [
  httpStatus(404, 'wrong-path'),
  httpStatus(401, 'forbidden'),
  httpStatus(403, 'forbidden'),
  httpStatus(200, 'http-not-websocket'),
  httpStatus(301, 'http-not-websocket'),
  httpStatus(426, 'http-not-websocket'),
  httpStatus(501, 'http-not-websocket'),
  ...[429, 500, 502, 503, 504].map((status) => httpStatus(status, 'http-unavailable', 'yes')),
  webSocket('subprotocol-refused', 'another subprotocol', (servers) => servers.webSocket('chat', () => {})),
  webSocket('subprotocol-refused', 'no subprotocol', (servers) => servers.webSocket(undefined, () => {})),
  webSocket('upgrade-timeout', 'who answers nothing', (servers) => servers.tcp(() => {}), {
    options: () => ({ connectTimeout: SOON }),
  }),
  webSocket('http-not-websocket', 'an MQTT port', (servers) => servers.tcp((socket) => socket.end(REFUSAL))),
  webSocket(
    'closed-before-connack',
    'an open WebSocket that closes',
    (servers) => servers.webSocket('mqtt', (socket) => socket.end(new Uint8Array([0x88, 0]))),
    { stage: 'connack' },
  ),
  webSocket(
    'closed-before-connack',
    'a text frame instead of a CONNACK',
    (servers) => servers.webSocket('mqtt', (socket) => socket.write(new Uint8Array([0x81, 2, 0x68, 0x69]))),
    { stage: 'connack', says: 'text frame' },
  ),
];

function connack(
  code: string,
  what: string,
  port: (servers: FaultyServers) => Promise<number>,
  more: Partial<Fault> = {},
): Fault {
  return { what, stage: 'connack', code, url: async (servers) => local(await port(servers)), ...more };
}

const reasonCodes: readonly (readonly [number, string, string])[] = [
  [0x80, 'unspecified-error', 'after-change'],
  [0x81, 'malformed-packet', 'after-change'],
  [0x82, 'protocol-error', 'after-change'],
  [0x83, 'implementation-specific-error', 'after-change'],
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
];

const returnCodes: readonly (readonly [number, string])[] = [
  [1, 'unsupported-protocol-version'],
  [2, 'client-identifier-not-valid'],
  [3, 'server-unavailable'],
  [4, 'bad-user-name-or-password'],
  [5, 'not-authorized'],
];

const brokenAnswers: readonly (readonly [string, readonly number[], string])[] = [
  ['a CONNACK that is cut short', [0x20, 1, 0], 'truncated'],
  ['reserved flags', [0x20, 3, 0xfe, 0, 0], 'reserved-bits'],
  ['an unknown property', [0x20, 5, 0, 0, 2, 0x7f, 0], 'unknown-property'],
  ['Session Present after Clean Start', [0x20, 3, 1, 0, 0], 'session-present-unexpected'],
  ['Session Present with a refusal', [0x20, 3, 1, 0x87, 0], 'session-present-with-refusal'],
  ['a PUBLISH first', [0x30, 4, 0, 1, 0x61, 0], 'not-mqtt'],
  ['an AUTH nobody asked for', [0xf0, 2, 0x18, 0], 'authentication-method-missing'],
];

const connackFaults: readonly Fault[] = [
  connack(
    'not-mqtt',
    'an HTTP server',
    (servers) => servers.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    { says: 'HTTP' },
  ),
  connack(
    'not-mqtt',
    'another protocol',
    (servers) => servers.tcp((socket) => socket.end('220 smtp.example.com ESMTP\r\n')),
    { says: '220 smtp' },
  ),
  connack('closed-before-connack', 'who closes', (servers) => servers.tcp((socket) => socket.end()), { retry: 'yes' }),
  connack('closed-before-connack', 'who cuts off', (servers) => servers.tcp((socket) => socket.resetAndDestroy()), {
    says: 'ECONNRESET',
  }),
  connack('connack-timeout', 'who answers nothing', (servers) => servers.tcp(() => {}), {
    retry: 'yes',
    options: () => ({ connectTimeout: SOON }),
  }),
  ...reasonCodes.map(([reasonCode, code, retry]) => {
    const reasonString = 'because of the test';
    return connack(code, `Reason Code ${reasonCode}`, (servers) => servers.refusing(reasonCode, { reasonString }), {
      retry,
      says: reasonString,
      evidence: { reasonCode, reasonString, peerAddress: '127.0.0.1' },
    });
  }),
  ...returnCodes.flatMap(([returnCode, code]) =>
    ([4, 5] as const).map((protocolVersion) =>
      connack(
        code,
        `Return Code ${returnCode} to version ${protocolVersion}`,
        (servers) => servers.saying([0x20, 2, 0, returnCode]),
        { options: () => ({ protocolVersion }) },
      ),
    ),
  ),
  ...brokenAnswers.map(([what, bytes, code]) => connack(code, what, (servers) => servers.saying(bytes))),
];

const authentication = { method: 'TEST', start: () => 'first', continue: () => 'next' };
const challenge: Packet = { type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'TEST' } };

const authFaults: readonly Fault[] = [
  connack('method-not-supported', 'an unknown method', (servers) => servers.refusing(0x8c), {
    stage: 'auth',
    says: 'TEST',
    options: () => ({ authentication }),
  }),
  connack('mechanism-failed', 'this side gives up', (servers) => servers.answering(challenge), {
    stage: 'auth',
    says: 'no token',
    options: () => ({ authentication: { ...authentication, continue: () => fail(new Error('no token')) } }),
  }),
  connack(
    'server-signature-wrong',
    'a server that does not prove itself',
    (servers) =>
      servers.answering({
        type: 'connack',
        sessionPresent: false,
        reasonCode: 0,
        properties: { authenticationMethod: 'TEST', authenticationData: new Uint8Array([1]) },
      }),
    {
      stage: 'auth',
      options: () => {
        const error = Object.assign(new Error('who are you?'), { code: 'server-signature-wrong' });
        return { authentication: { ...authentication, finish: () => fail(error) } };
      },
    },
  ),
  connack('authentication-timeout', 'an exchange that stops', (servers) => servers.answering(challenge), {
    stage: 'auth',
    options: () => ({ authentication, connectTimeout: SOON }),
  }),
  {
    what: 'credentials that cannot be had',
    stage: 'auth',
    code: 'provider-failed',
    says: 'vault',
    url: () => 'mqtt://localhost',
    options: () => ({ username: () => Promise.reject(new Error('vault is sealed')) }),
  },
  {
    what: 'credentials that do not come',
    stage: 'auth',
    code: 'provider-timeout',
    url: () => 'mqtt://localhost',
    options: () => ({ password: () => new Promise<string>(() => {}), username: 'u', connectTimeout: 0.2 }),
  },
];

function fail(error: Error): never {
  throw error;
}

/** Everything that can go wrong on the way to a connection and can be brought about on one machine. */
export const faults: readonly Fault[] = [
  ...addressFaults,
  ...networkFaults,
  ...tlsFaults,
  ...webSocketFaults,
  ...connackFaults,
  ...authFaults,
];
