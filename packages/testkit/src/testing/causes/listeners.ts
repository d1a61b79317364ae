import { execFile, execFileSync } from 'node:child_process';
import { tracingChannel } from 'node:diagnostics_channel';
import { connect, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Broker, createBroker, type ListenerOptions, type Observer, type Settings } from '@hawser/broker';
import type { TlsListenOptions } from '@hawser/transport';
import { WebSocket } from 'ws';
import type { TestAuthority } from '../../test-certificates.ts';
import { hex } from './stage.ts';

/** How a connection fails before it is a Transport: over real sockets, for that is what it is about. */
export interface ListenerScenario {
  readonly scheme: 'mqtt' | 'mqtts' | 'ws';
  readonly listener?: Partial<ListenerOptions>;
  /** `required`, `oneCipher`, `alpn`: the TLS of the listener is not the usual one. */
  readonly tls?: 'required' | 'oneCipher' | 'alpn';
  readonly settings?: Partial<Settings>;
  run(quay: Quay): void;
}

/** Node tells of the servers that it opens. */
const listening = tracingChannel('net.server.listen');

/** A broker with one listener, and sockets of the system. */
export class Quay {
  readonly authority: TestAuthority;
  server: Server | undefined;
  readonly #sockets: Socket[] = [];
  readonly #webSockets: WebSocket[] = [];
  #broker: Broker | undefined;

  constructor(authority: TestAuthority) {
    this.authority = authority;
  }

  get port(): number {
    return Number(new URL(this.#broker?.urls[0] ?? '').port);
  }

  async open(scenario: ListenerScenario, observe: Observer): Promise<Broker> {
    const { scheme, listener, tls, settings = {} } = scenario;
    const onListen = (message: unknown): void => {
      this.server = (message as { server: Server }).server;
    };
    listening.asyncStart.subscribe(onListen);
    try {
      this.#broker = await createBroker({
        listeners: [
          {
            url: `${scheme}://127.0.0.1:0`,
            ...(scheme === 'mqtts' ? { tls: this.#tlsOf(tls) } : {}),
            ...listener,
          },
        ],
        settings,
        observe,
      });
      return this.#broker;
    } finally {
      listening.asyncStart.unsubscribe(onListen);
    }
  }

  /** A bare connection that sends bytes. */
  send(bytes: string | Uint8Array): Socket {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    if (bytes.length > 0) socket.write(bytes);
    this.#sockets.push(socket);
    return socket;
  }

  sendTls(options: ConnectionOptions): void {
    const socket = connectTls({ port: this.port, host: '127.0.0.1', servername: 'localhost', ...options });
    socket.on('error', () => {});
    this.#sockets.push(socket);
  }

  /** A WebSocket that is open. */
  webSocket(onOpen: (socket: WebSocket) => void): void {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/mqtt`, 'mqtt');
    socket.on('error', () => {});
    socket.on('open', () => onOpen(socket));
    this.#webSockets.push(socket);
  }

  /** Closes the listener as soon as a connection has come in. */
  closeListener(): void {
    this.server?.once('connection', () => void this.#broker?.listeners[0]?.close());
  }

  async close(): Promise<void> {
    for (const socket of this.#webSockets) socket.terminate();
    for (const socket of this.#sockets) socket.destroy();
    await this.#broker?.close();
  }

  #tlsOf(tls: ListenerScenario['tls']): TlsListenOptions {
    const own = { ...this.authority.issue('localhost'), verify: 'none' as const };
    switch (tls) {
      case 'required':
        return { ...own, verify: 'required', ca: this.authority.cert };
      case 'oneCipher':
        return { ...own, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' };
      case 'alpn':
        return { ...own, alpn: ['mqtt'] };
      default:
        return own;
    }
  }
}

const request = (lines: readonly string[], path = '/mqtt') =>
  [`GET ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const PROTOCOL = 'Sec-WebSocket-Protocol: mqtt';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
const OLD_TLS = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
const SOON = { 'limits.connectTimeout': 0.1 };

/** Bytes that come to a WebSocket listener, or to one with TLS. */
const web = (bytes: string): ListenerScenario => ({ scheme: 'ws', run: (quay) => void quay.send(bytes) });
const raw = (bytes: string): ListenerScenario => ({ scheme: 'mqtts', run: (quay) => void quay.send(hex(bytes)) });

/** What is refused before a byte of MQTT has come. */
export const LISTENER_REFUSALS: Readonly<Record<string, ListenerScenario>> = {
  'accept-failed': {
    scheme: 'mqtt',
    // What Node tells when accept(2) fails.
    run: (quay) => void quay.server?.emit('error', new Error('accept EPERM')),
  },
  'closed-at-once': {
    scheme: 'mqtt',
    // This process takes no connection while it waits for another process, which is gone by then.
    run: (quay) => {
      const script = `const s=require('node:net').connect(${quay.port},'127.0.0.1',()=>{s.resetAndDestroy();process.exit()})`;
      execFileSync(process.execPath, ['-e', script]);
    },
  },
  'too-many-handshakes': {
    scheme: 'mqtts',
    settings: { 'limits.handshakes': 1 },
    run: (quay) => {
      quay.send('');
      quay.send('');
    },
  },
  'handshake-timeout': { scheme: 'mqtts', settings: SOON, run: (quay) => void quay.send('') },
  'closed-in-handshake': { scheme: 'mqtts', run: (quay) => void quay.send('').end() },
  'listener-closed': {
    scheme: 'mqtts',
    run: (quay) => {
      quay.closeListener();
      quay.send('');
    },
  },
  'not-tls': raw('10 0f 00 04 4d 51 54 54 05 02 00 3c 00 00 02 68 6f'),
  // A record of a handshake without a message in it that could be read.
  'tls-failed': raw('16 03 01 00 05 01 00 00 01 00'),
  'server-certificate-rejected': {
    scheme: 'mqtts',
    // OpenSSL sends an alert, Node's own client only hangs up.
    run: (quay) => {
      const options = ['-connect', `127.0.0.1:${quay.port}`, '-servername', 'localhost', '-tls1_2'];
      execFile('openssl', ['s_client', ...options, '-verify_return_error'], () => {});
    },
  },
  'client-certificate-required': {
    scheme: 'mqtts',
    tls: 'required',
    run: (quay) => quay.sendTls({ ca: quay.authority.cert }),
  },
  'client-certificate-rejected': {
    scheme: 'mqtts',
    tls: 'required',
    run: (quay) => quay.sendTls({ ca: quay.authority.cert, ...quay.authority.selfSigned('rogue') }),
  },
  'protocol-version': { scheme: 'mqtts', run: (quay) => quay.sendTls({ ca: quay.authority.cert, ...OLD_TLS }) },
  'no-shared-cipher': {
    scheme: 'mqtts',
    tls: 'oneCipher',
    run: (quay) =>
      quay.sendTls({ ca: quay.authority.cert, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
  },
  alpn: {
    scheme: 'mqtts',
    tls: 'alpn',
    run: (quay) => quay.sendTls({ ca: quay.authority.cert, ALPNProtocols: ['h2'] }),
  },
  'upgrade-timeout': { scheme: 'ws', settings: SOON, run: (quay) => void quay.send('GET /mqtt HTTP/1.1\r\n') },
  'bad-upgrade': web(request([...UPGRADE, PROTOCOL])),
  'not-websocket': web(request([])),
  'wrong-path': web(request([...UPGRADE, KEY, PROTOCOL], '/ws')),
  'subprotocol-missing': web(request([...UPGRADE, KEY])),
  'origin-refused': web(request([...UPGRADE, KEY, PROTOCOL, 'Origin: https://elsewhere.example'])),
  'not-http': web('\u0010\u000f'),
  'websocket-text-frame': {
    scheme: 'ws',
    run: (quay) => quay.webSocket((socket) => socket.send('text')),
  },
  'websocket-frame-invalid': {
    scheme: 'ws',
    // An upgrade, and then a frame with an opcode that there is not.
    run: (quay) =>
      void quay.send(request([...UPGRADE, KEY, PROTOCOL])).once('data', function (this: Socket) {
        this.write(hex('83 80 00 00 00 00'));
      }),
  },
  'proxy-not-trusted': {
    scheme: 'mqtt',
    listener: { proxyProtocol: ['192.0.2.1'] },
    run: (quay) => void quay.send(''),
  },
  'proxy-header-timeout': {
    scheme: 'mqtt',
    listener: { proxyProtocol: ['loopback'] },
    settings: SOON,
    run: (quay) => void quay.send(''),
  },
  'proxy-header-invalid': {
    scheme: 'mqtt',
    listener: { proxyProtocol: ['loopback'] },
    run: (quay) => void quay.send('no header at all, that is plain to see'),
  },
};
