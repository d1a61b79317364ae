import { generateKeyPairSync } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import {
  attemptSentence,
  dial,
  type ListenOptions,
  type ListenTransport,
  listen,
  type NetworkListener,
  type RefusedAttempt,
  type TlsDialOptions,
  type Transport,
  WebSocketUpgrader,
} from '@hawser/transport';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestAuthority } from './test-certificates.ts';
import { framed, TransportRecorder } from './transport-recorder.ts';

const authority = new TestAuthority();
const server = authority.issue('localhost');
afterAll(() => authority[Symbol.dispose]());

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** A refused attempt with what a person reads of it. */
type ToldAttempt = Omit<RefusedAttempt, 'detail'> & { readonly text: string };

/** A listener, and what comes to it. */
class Harbour {
  readonly listener: NetworkListener;
  readonly transports: Queue<Transport>;
  readonly refused: Queue<ToldAttempt>;

  constructor(listener: NetworkListener, transports: Queue<Transport>, refused: Queue<ToldAttempt>) {
    this.listener = listener;
    this.transports = transports;
    this.refused = refused;
    opened.push({
      close() {
        void listener.close();
        for (const arrived of transports.all) arrived.destroy();
      },
    });
  }

  static async open(transport: ListenTransport, options: Partial<ListenOptions> = {}, path?: string): Promise<Harbour> {
    const transports = new Queue<Transport>();
    const refused = new Queue<ToldAttempt>();
    const listener = await listen(
      { transport, host: '127.0.0.1', port: 0, path },
      {
        onTransport: (arrived) => transports.push(arrived),
        onRefused: ({ detail, ...attempt }) => refused.push({ ...attempt, text: attemptSentence(detail, 'en') }),
        tls: { ...server, verify: 'none' },
        ...options,
      },
    );
    return new Harbour(listener, transports, refused);
  }

  get port(): number {
    return this.listener.address.port;
  }

  /** A bare TCP connection. */
  /** `from`: the address it comes from. */
  socket(from = '127.0.0.1'): Socket {
    const socket = connectSocket({ port: this.port, host: '127.0.0.1', localAddress: from });
    socket.on('error', () => {});
    opened.push({ close: () => socket.destroy() });
    return socket;
  }

  async dialTls(tls: TlsDialOptions): Promise<Transport> {
    const transport = await dial({ transport: 'tls', host: 'localhost', port: this.port, tls });
    opened.push({ close: () => transport.destroy() });
    return transport;
  }

  /** Sends bytes, gives all that comes back until the end. */
  async exchange(bytes: string | Uint8Array): Promise<string> {
    const socket = this.socket();
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }
}

class Queue<T> {
  readonly all: T[] = [];
  #read = 0;
  #waiting: ((item: T) => void)[] = [];

  push(item: T): void {
    this.all.push(item);
    this.#waiting.shift()?.(item);
  }

  next(): Promise<T> {
    const item = this.all[this.#read++];
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

const CONNECT = Buffer.from('100f00044d5154540502003c00000002686f', 'hex');

describe('listen', () => {
  it('has the port in its URL that was really taken', async () => {
    const { listener, port } = await Harbour.open('tcp');
    expect(port).toBeGreaterThan(0);
    expect(listener.url).toBe(`mqtt://127.0.0.1:${port}`);
    const ws = await Harbour.open('ws');
    expect(ws.listener.url).toBe(`ws://127.0.0.1:${ws.port}/mqtt`);
  });

  it('says who connects', async () => {
    const harbour = await Harbour.open('tcp');
    const socket = harbour.socket();
    const { info } = await harbour.transports.next();
    expect(info).toEqual({ kind: 'tcp', remoteAddress: '127.0.0.1', remotePort: socket.localPort, tls: undefined });
  });

  it('says that a port is in use', async () => {
    const { port } = await Harbour.open('tcp');
    const again = listen({ transport: 'tcp', host: '127.0.0.1', port, path: undefined }, { onTransport() {} });
    await expect(again).rejects.toMatchObject({
      code: 'port-in-use',
      message: `port ${port} on 127.0.0.1 is in use by another program`,
    });
  });

  it('says that an address is not of this machine', async () => {
    const attempt = listen({ transport: 'tcp', host: '192.0.2.1', port: 0, path: undefined }, { onTransport() {} });
    await expect(attempt).rejects.toMatchObject({ code: 'address-not-available' });
  });

  it('wants a certificate where there is to be TLS', async () => {
    const attempt = listen({ transport: 'tls', host: '127.0.0.1', port: 0, path: undefined }, { onTransport() {} });
    await expect(attempt).rejects.toMatchObject({ code: 'tls-missing' });
  });

  it.each([
    [
      'a key of another certificate',
      () => ({ ...server, key: authority.issue('other').key }),
      'do not belong together',
    ],
    [
      'a key of another kind',
      () => {
        const { privateKey } = generateKeyPairSync('ed25519');
        return { ...server, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
      },
      'do not belong together',
    ],
    ['what is no PEM', () => ({ cert: 'cert.pem', key: 'key.pem' }), 'PEM text'],
  ])('says what is wrong with %s', async (_what, files, words) => {
    const tls = { ...files(), verify: 'none' } as const;
    const attempt = listen(
      { transport: 'wss', host: '127.0.0.1', port: 0, path: undefined },
      { onTransport() {}, tls },
    );
    await expect(attempt).rejects.toMatchObject({ code: 'tls-invalid', message: expect.stringContaining(words) });
  });

  it('takes nothing new once it is closed, and lets those live that are there', async () => {
    const harbour = await Harbour.open('tcp');
    const client = await dial({ transport: 'tcp', host: '127.0.0.1', port: harbour.port });
    const taken = await harbour.transports.next();
    await harbour.listener.close();
    await expect(dial({ transport: 'tcp', host: '127.0.0.1', port: harbour.port })).rejects.toMatchObject({
      code: 'refused',
    });
    const atClient = new TransportRecorder(client);
    taken.write([Uint8Array.of(1)]);
    await atClient.received(1);
    client.destroy();
  });

  it('takes many connections at once', async () => {
    const harbour = await Harbour.open('tcp');
    const sockets = Array.from({ length: 500 }, () => harbour.socket());
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    for (let i = 0; i < 500; i++) await harbour.transports.next();
    expect(harbour.refused.all).toEqual([]);
  });
});

describe('a TLS listener', () => {
  it('tells what the handshake has established', async () => {
    const harbour = await Harbour.open('tls');
    await harbour.dialTls({ ca: authority.cert, minVersion: 'TLSv1.3' });
    const { info } = await harbour.transports.next();
    expect(info.kind).toBe('tls');
    expect(info.tls).toMatchObject({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      authorized: false,
      peerSubject: undefined,
      peerCertificate: undefined,
      serverName: 'localhost',
    });
  });

  it('with optional certificates takes clients with a valid one, another one and none', async () => {
    const harbour = await Harbour.open('tls', { tls: { ...server, verify: 'optional', ca: authority.cert } });
    const good = authority.issue('device-7');
    await harbour.dialTls({ ca: authority.cert, ...good });
    const { info: withGood } = await harbour.transports.next();
    expect(withGood.tls).toMatchObject({
      authorized: true,
      peerSubject: 'CN=device-7,O=Acme',
      peerCommonName: 'device-7',
    });
    expect(withGood.tls?.peerCertificate?.[0]).toBe(0x30);
    await harbour.dialTls({ ca: authority.cert, ...authority.selfSigned('rogue') });
    expect((await harbour.transports.next()).info.tls).toMatchObject({ authorized: false, peerCommonName: 'rogue' });
    await harbour.dialTls({ ca: authority.cert });
    expect((await harbour.transports.next()).info.tls).toMatchObject({ authorized: false, peerSubject: undefined });
    expect(harbour.refused.all).toEqual([]);
  });

  it('with required certificates refuses none, those of others and expired ones', async () => {
    const harbour = await Harbour.open('tls', { tls: { ...server, verify: 'required', ca: authority.cert } });
    const refusals = [
      [{}, 'client-certificate-required', 'sent no certificate'],
      [authority.selfSigned('rogue'), 'client-certificate-rejected', 'self-signed'],
      [authority.issue('old', ['DNS:old'], -1), 'client-certificate-rejected', 'has expired'],
    ] as const;
    for (const [own, code, words] of refusals) {
      await harbour.dialTls({ ca: authority.cert, ...own }).catch(() => {});
      const refused = await harbour.refused.next();
      expect(refused).toMatchObject({
        stage: 'tls',
        code,
        text: expect.stringContaining(words),
        remoteAddress: '127.0.0.1',
      });
      expect(refused.remotePort).toBeGreaterThan(0);
    }
    await harbour.dialTls({ ca: authority.cert, ...authority.issue('device-8') });
    expect((await harbour.transports.next()).info.tls?.peerCommonName).toBe('device-8');
    expect(harbour.transports.all).toHaveLength(1);
  });

  it('reads every revocation list of a text', async () => {
    using other = new TestAuthority('Another CA');
    const [revoked, good] = [other.issueWith({ commonName: 'revoked' }), other.issueWith({ commonName: 'good' })];
    other.revoke(revoked);
    const ca = [authority.cert, other.cert];
    const crl = `${authority.crl()}\n${other.crl()}`;
    const harbour = await Harbour.open('tls', { tls: { ...server, verify: 'required', ca, crl } });
    for (const fine of [good, authority.issue('device-9')]) {
      await harbour.dialTls({ ca: authority.cert, ...fine });
      expect((await harbour.transports.next()).info.tls?.authorized).toBe(true);
    }
    await harbour.dialTls({ ca: authority.cert, ...revoked }).catch(() => {});
    expect(await harbour.refused.next()).toMatchObject({ text: expect.stringContaining('it was revoked') });
  });

  it.each([
    ['an empty list of CAs', []],
    ['a CA that is no PEM', 'nonsense'],
    ['an empty CA', ''],
  ])('does not open with %s, which would mean those of the system', async (_what, ca) => {
    const tls = { ...server, verify: 'required', ca } as const;
    await expect(Harbour.open('tls', { tls })).rejects.toMatchObject({ code: 'tls-invalid' });
  });

  it.each([
    ['MQTT without TLS', CONNECT, 'not-tls', 'use mqtts://'],
    ['HTTP without TLS', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'not-tls', 'HTTP'],
  ])('refuses %s, and says so', async (_what, bytes, code, words) => {
    const harbour = await Harbour.open('tls');
    await harbour.exchange(bytes);
    expect(await harbour.refused.next()).toMatchObject({ stage: 'tls', code, text: expect.stringContaining(words) });
  });

  it('tells that a client went away, or that it does not trust the certificate', async () => {
    const harbour = await Harbour.open('tls');
    const socket = harbour.socket();
    socket.end();
    expect(await harbour.refused.next()).toMatchObject({ code: 'closed-in-handshake', remotePort: socket.localPort });
    await harbour.dialTls({}).catch(() => {});
    expect(await harbour.refused.next()).toMatchObject({
      code: 'closed-in-handshake',
      text: expect.stringContaining('trust'),
    });
  });

  it('gives up a handshake that takes too long', async () => {
    const harbour = await Harbour.open('tls', { handshakeTimeoutMs: 20 });
    expect(await harbour.exchange('')).toBe('');
    expect(await harbour.refused.next()).toMatchObject({
      stage: 'tls',
      code: 'handshake-timeout',
      text: expect.stringContaining('0.02 s'),
    });
  });

  it.each<[string, ListenTransport, Partial<ListenOptions>, string, string]>([
    ['a TLS handshake', 'tls', {}, '', 'the TLS handshake was done'],
    ['a WebSocket upgrade', 'ws', {}, 'GET /mqtt HTTP/1.1\r\n', 'the WebSocket upgrade was done'],
    ['a PROXY header', 'tcp', { proxyProtocol: () => true }, 'PROXY', 'the PROXY header was done'],
  ])('tells of %s that is under way when it closes', async (_what, transport, options, bytes, until) => {
    const harbour = await Harbour.open(transport, { maximumHandshakes: 1, ...options });
    const socket = harbour.socket();
    const isGone = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(bytes);
    // When the next is one too many, the first has come in.
    harbour.socket();
    expect(await harbour.refused.next()).toMatchObject({ code: 'too-many-handshakes' });
    await harbour.listener.close();
    await harbour.listener.close();
    await isGone;
    expect(harbour.refused.all.slice(1)).toEqual([
      {
        stage: transport === 'ws' ? 'websocket' : transport,
        code: 'listener-closed',
        text: `the listener was closed before ${until}`,
        remoteAddress: '127.0.0.1',
        remotePort: socket.localPort ?? expect.any(Number),
      },
    ]);
    expect(harbour.transports.all).toEqual([]);
  });

  it('shares handshakes out among addresses, and cuts off whom the broker refuses before one', async () => {
    const refused = Promise.withResolvers<string>();
    const refuses = (address: string) => {
      if (address === '127.0.0.3') refused.resolve(address);
      return address === '127.0.0.3';
    };
    const harbour = await Harbour.open('tls', { maximumHandshakes: 3, refuses });
    const greedy = [harbour.socket(), harbour.socket(), harbour.socket()];
    await Promise.all(greedy.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    harbour.socket('127.0.0.2');
    const evicted = await harbour.refused.next();
    expect(evicted).toMatchObject({ code: 'too-many-handshakes', remoteAddress: '127.0.0.1' });
    const banned = harbour.socket('127.0.0.3');
    expect(await refused.promise).toBe('127.0.0.3');
    await new Promise((resolve) => banned.once('close', resolve));
    expect(harbour.refused.all).toHaveLength(1);
  });

  it('has a bound for handshakes under way', async () => {
    const harbour = await Harbour.open('tls', { maximumHandshakes: 2 });
    const [first] = [harbour.socket(), harbour.socket()];
    await Promise.all([first].map((socket) => new Promise((resolve) => socket?.once('connect', resolve))));
    const third = harbour.socket();
    const refused = await harbour.refused.next();
    expect(refused).toMatchObject({
      stage: 'tls',
      code: 'too-many-handshakes',
      text: expect.stringContaining('2 handshakes'),
    });
    await new Promise((resolve) => third.once('close', resolve));
    first?.destroy();
    expect(await harbour.refused.next()).toMatchObject({ code: 'closed-in-handshake' });
    await harbour.dialTls({ ca: authority.cert });
    await harbour.transports.next();
  });

  it('takes new certificates without touching the connections there are', async () => {
    const harbour = await Harbour.open('tls');
    const before = await harbour.dialTls({ ca: authority.cert });
    const takenBefore = await harbour.transports.next();
    using other = new TestAuthority('Another CA');
    harbour.listener.setTls({ ...other.issue('localhost'), verify: 'none' });
    await harbour.dialTls({ ca: other.cert });
    await expect(harbour.dialTls({ ca: authority.cert })).rejects.toMatchObject({ code: 'untrusted-issuer' });
    const atBefore = new TransportRecorder(before);
    takenBefore.write([Uint8Array.of(1)]);
    await atBefore.received(1);
  });

  it('goes on with what it had when new certificates are no good', async () => {
    const harbour = await Harbour.open('tls');
    const mismatched = { cert: server.cert, key: authority.issue('other').key, verify: 'none' } as const;
    expect(() => harbour.listener.setTls(mismatched)).toThrow('do not belong together');
    await harbour.dialTls({ ca: authority.cert });
    const plain = await Harbour.open('tcp');
    expect(() => plain.listener.setTls({ ...server, verify: 'none' })).toThrow('without TLS');
  });
});

describe('a WebSocket listener', () => {
  function request(lines: readonly string[] = [], path = '/mqtt'): string {
    return [`GET ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');
  }

  const UPGRADE = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  function openWebSocket(harbour: Harbour, protocols: string[]): WebSocket {
    const socket = new WebSocket(harbour.listener.url, protocols);
    socket.on('error', () => {});
    opened.push({ close: () => socket.terminate() });
    return socket;
  }

  function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
    return new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  // [MQTT5-6.0.0-3], [MQTT5-6.0.0-4], [MQTT311-6.0.0-3], [MQTT311-6.0.0-4]
  it.each([
    [['mqtt'], 'mqtt'],
    [['mqttv3.1'], 'mqttv3.1'],
    [['chat', 'mqttv3.1', 'mqtt'], 'mqtt'],
  ])('selects the subprotocol of %j', async (offered, chosen) => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, offered);
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe(chosen);
    expect((await harbour.transports.next()).info).toMatchObject({
      kind: 'ws',
      remoteAddress: '127.0.0.1',
      tls: undefined,
    });
  });

  it.each([
    ['no subprotocol', request(UPGRADE), 400, 'subprotocol-missing', 'the client offered none'],
    [
      'other subprotocols',
      request([...UPGRADE, 'Sec-WebSocket-Protocol: chat, wamp']),
      400,
      'subprotocol-missing',
      '"chat, wamp"',
    ],
    ['another path', request([...UPGRADE, 'Sec-WebSocket-Protocol: mqtt'], '/'), 404, 'wrong-path', 'use /mqtt'],
    [
      'a web page of another host',
      request([...UPGRADE, 'Sec-WebSocket-Protocol: mqtt', 'Origin: https://evil.example']),
      403,
      'origin-refused',
      'the web page\'s origin "https://evil.example" is of another host',
    ],
    ['a plain request', request(), 426, 'not-websocket', 'GET'],
    [
      'a request without a key',
      request([...UPGRADE.slice(0, 3), 'Sec-WebSocket-Protocol: mqtt']),
      400,
      'bad-upgrade',
      'Sec-WebSocket-Key',
    ],
    ['MQTT without a WebSocket', CONNECT, 400, 'not-http', 'use ws://'],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), 400, 'not-http', 'TLS came'],
  ])('refuses %s, and says so to both', async (_what, bytes, status, code, words) => {
    const harbour = await Harbour.open('ws');
    const answer = await harbour.exchange(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const refused = await harbour.refused.next();
    expect(refused).toMatchObject({ stage: 'websocket', code, text: expect.stringContaining(words) });
    if (code === 'not-websocket') expect(answer).toContain('path /mqtt, subprotocol mqtt');
    else expect(answer).toContain(refused.text);
    expect([harbour.refused.all.length, harbour.transports.all.length]).toEqual([1, 0]);
  });

  it('takes web pages of its own host and of those that are named', async () => {
    const own = await Harbour.open('ws');
    const other = await Harbour.open('ws', { wsOrigins: ['https://app.example'] });
    const open = async (harbour: Harbour, origin: string): Promise<void> => {
      const socket = new WebSocket(harbour.listener.url, ['mqtt'], { origin });
      opened.push({ close: () => socket.terminate() });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    };
    await open(own, `http://127.0.0.1:${own.port}`);
    await open(other, 'https://app.example');
    await expect(open(other, `http://127.0.0.1:${own.port}`)).rejects.toThrow('403');
    expect(other.refused.all).toMatchObject([{ stage: 'websocket', code: 'origin-refused' }]);
  });

  it('takes a query behind its path, and a path of its own', async () => {
    const harbour = await Harbour.open('ws', {}, '/own');
    const address = { transport: 'ws', host: '127.0.0.1', port: harbour.port } as const;
    const transport = await dial({ ...address, path: '/own?token=1' });
    opened.push({ close: () => transport.destroy() });
    await expect(dial(address)).rejects.toMatchObject({
      code: 'wrong-path',
      message: expect.stringContaining('use /own'),
    });
  });

  // [MQTT5-6.0.0-1], [MQTT311-6.0.0-1]
  it('closes when a text frame comes', async () => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, ['mqtt']);
    socket.on('open', () => {
      socket.send(Buffer.from([1]));
      socket.send('text');
      socket.send(Buffer.from([2]));
    });
    const taken = new TransportRecorder(await harbour.transports.next());
    expect(await closeOf(socket)).toEqual({ code: 1003, reason: 'MQTT is sent in binary frames' });
    expect((await taken.closed())?.message).toContain('text frame');
    expect(taken.bytes).toEqual(Uint8Array.of(1));
  });

  // [MQTT5-6.0.0-2], [MQTT311-6.0.0-2]
  it('makes one stream of frames, fragments and empty frames', async () => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, ['mqtt']);
    socket.on('open', () => {
      socket.send(Buffer.from([1, 2]));
      socket.send(Buffer.alloc(0));
      socket.send(Buffer.from([3]), { fin: false });
      socket.send(Buffer.from([4, 5]), { fin: true });
      socket.ping();
      socket.send(Buffer.from([6]));
    });
    const taken = new TransportRecorder(await harbour.transports.next());
    expect(await taken.received(6)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
  });

  it('sends what is written as it is: whoever writes has put each packet into its frame', async () => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, ['mqtt']);
    const frames: number[] = [];
    const taken = await harbour.transports.next();
    taken.start(new TransportRecorder());
    taken.write([...framed(taken, new Uint8Array(7)), ...framed(taken, new Uint8Array(4))]);
    taken.write(framed(taken, new Uint8Array(600_000)));
    taken.end();
    socket.on('message', (data, isBinary) => frames.push(isBinary ? (data as Buffer).length : -1));
    expect(await closeOf(socket)).toEqual({ code: 1000, reason: '' });
    expect(frames).toEqual([7, 4, 600_000]);
  });

  it('gives what has come of a frame before the rest is there, however long it says it is', async () => {
    const harbour = await Harbour.open('ws');
    const socket = harbour.socket();
    socket.write(request([...UPGRADE, 'Sec-WebSocket-Protocol: mqtt']));
    const taken = new TransportRecorder(await harbour.transports.next());
    // 1 TiB is announced.
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9]));
    expect(await taken.received(3)).toEqual(Uint8Array.of(7, 8, 9));
  });

  it('answers Pings that come together with one Pong, and goes on', async () => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, ['mqtt']);
    const pongs: string[] = [];
    socket.on('pong', (data) => pongs.push(data.toString()));
    const taken = new TransportRecorder(await harbour.transports.next());
    await new Promise((resolve) => socket.once('open', resolve));
    for (let i = 0; i < 1000; i++) socket.ping(`${i}`);
    socket.send(Uint8Array.of(5));
    expect(await taken.received(1)).toEqual(Uint8Array.of(5));
    await expect.poll(() => pongs.at(-1)).toBe('999');
    expect(taken.closes).toBe(0);
  });

  it('tells the code with which a peer closed', async () => {
    const harbour = await Harbour.open('ws');
    const socket = openWebSocket(harbour, ['mqtt']);
    socket.on('open', () => socket.close(4001, 'no longer wanted'));
    const taken = new TransportRecorder(await harbour.transports.next());
    expect((await taken.closed())?.message).toBe('the WebSocket was closed with code 4001 (no longer wanted)');
  });

  it.each(['ws', 'wss'] as const)('gives up an upgrade over %s that takes too long', async (transport) => {
    const harbour = await Harbour.open(transport, { handshakeTimeoutMs: 30 });
    await harbour.exchange(transport === 'ws' ? 'GET /mqtt HTTP/1.1\r\n' : '');
    expect(await harbour.refused.next()).toMatchObject(
      transport === 'ws'
        ? { stage: 'websocket', code: 'upgrade-timeout' }
        : { stage: 'tls', code: 'handshake-timeout' },
    );
  });

  it('has a bound for upgrades under way', async () => {
    const harbour = await Harbour.open('ws', { maximumHandshakes: 1 });
    const first = harbour.socket();
    await new Promise((resolve) => first.once('connect', resolve));
    const second = harbour.socket();
    await new Promise((resolve) => second.once('close', resolve));
    expect(await harbour.refused.next()).toMatchObject({ stage: 'websocket', code: 'too-many-handshakes' });
  });
});

describe('WebSocketUpgrader', () => {
  /** An embedder's own HTTP server, with MQTT at whatever path it is asked for. */
  async function embed(
    upgrader: WebSocketUpgrader,
  ): Promise<{ url: string; taken: Queue<Transport>; refused: Queue<string> }> {
    const taken = new Queue<Transport>();
    const refused = new Queue<string>();
    const http = createHttpServer();
    http.on('upgrade', (request, socket, head) => {
      upgrader.upgrade(
        request,
        socket,
        head,
        (arrived) => taken.push(arrived),
        ({ code }) => refused.push(code),
      );
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => http.close() });
    return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/anywhere`, taken, refused };
  }

  it("takes the upgrades of an embedder's server, and refuses those without MQTT", async () => {
    const { url, taken, refused } = await embed(new WebSocketUpgrader());
    const socket = new WebSocket(url, ['mqtt']);
    opened.push({ close: () => socket.terminate() });
    const transport = await taken.next();
    expect(transport.info).toMatchObject({ kind: 'ws', remoteAddress: '127.0.0.1', tls: undefined });
    transport.start(new TransportRecorder());
    transport.write(framed(transport, Uint8Array.of(1)));
    await new Promise((resolve) => socket.once('message', resolve));
    const other = new WebSocket(url, ['chat']);
    await expect(new Promise((_resolve, reject) => other.once('error', reject))).rejects.toThrow('400');
    expect(await refused.next()).toBe('subprotocol-missing');
  });
});
