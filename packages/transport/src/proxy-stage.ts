import type { Socket } from 'node:net';
import type { AttemptRefusal } from './attempt-refusals.ts';
import type { RefusedAttempt } from './attempts.ts';
import { plainAddress } from './plain-address.ts';
import { parseProxyHeader } from './proxy-protocol.ts';
import type { TlsInfo } from './transport.ts';

export interface ProxyStageOptions {
  /** Whether an address is one of the balancers': all others are refused. */
  readonly isTrusted: (address: string) => boolean;
  readonly timeoutMs: number;
  /** Connections whose header is still to come. */
  readonly maximum: number;
  readonly onRefused: ((attempt: RefusedAttempt) => void) | undefined;
}

/** What balancers have said of the TLS of their clients. */
const tlsOfSockets = new WeakMap<Socket, TlsInfo>();

/** What a balancer has said of the TLS of a client; undefined: nothing, or there is no balancer. */
export function proxiedTls(socket: Socket): TlsInfo | undefined {
  return tlsOfSockets.get(socket);
}

/** Reads the PROXY header of each connection; the socket then has the client's address, and goes on to `accept`. */
export class ProxyStage {
  readonly #options: ProxyStageOptions;
  readonly #accept: (socket: Socket) => void;
  readonly #waiting = new Set<Socket>();

  constructor(options: ProxyStageOptions, accept: (socket: Socket) => void) {
    this.#options = options;
    this.#accept = accept;
  }

  accept(socket: Socket): void {
    const { isTrusted, maximum, timeoutMs } = this.#options;
    const address = plainAddress(socket.remoteAddress);
    const onError = (): void => {};
    socket.on('error', onError);
    if (!isTrusted(address)) {
      this.#refuse(socket, { code: 'proxy-not-trusted', detail: { is: 'proxy-not-trusted' } });
      return;
    }
    if (this.#waiting.size >= maximum) {
      this.#refuse(socket, {
        code: 'too-many-handshakes',
        detail: { is: 'too-many-proxy-headers', limit: maximum },
      });
      return;
    }
    this.#waiting.add(socket);
    const timer = setTimeout(() => {
      const detail = { is: 'handshake-late', stage: 'proxy', seconds: timeoutMs / 1000 } as const;
      this.#refuse(socket, { code: 'proxy-header-timeout', detail });
    }, timeoutMs);
    let got: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      // Kept here, not put back: the socket would be readable again at once, for ever.
      got = Buffer.concat([got, chunk]);
      const header = parseProxyHeader(got);
      if (header === 'more') return;
      done();
      if ('invalid' in header) {
        const detail = { is: 'proxy-header-invalid', why: header.invalid } as const;
        this.#refuse(socket, { code: 'proxy-header-invalid', detail });
        return;
      }
      if (got.length > header.length) socket.unshift(got.subarray(header.length));
      if (header.source !== undefined) {
        const { address, port: remotePort } = header.source;
        const remoteAddress = plainAddress(address);
        Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
        Object.defineProperty(socket, 'remotePort', { value: remotePort });
      }
      if (header.tls !== undefined) tlsOfSockets.set(socket, header.tls);
      socket.off('error', onError);
      this.#accept(socket);
    };
    const done = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
      socket.off('readable', onReadable);
      socket.off('close', done);
    };
    socket.on('close', done);
    socket.on('readable', onReadable);
  }

  /** Cuts off all whose header is still to come: the listener closes. */
  close(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const socket of waiting) {
      this.#refuse(socket, { code: 'listener-closed', detail: { is: 'listener-closed', stage: 'proxy' } });
    }
  }

  #refuse(socket: Socket, { code, detail }: AttemptRefusal): void {
    const remoteAddress = plainAddress(socket.remoteAddress);
    const remotePort = socket.remotePort ?? 0;
    socket.destroy();
    this.#options.onRefused?.({ stage: 'tcp', remoteAddress, remotePort, code, detail });
  }
}
