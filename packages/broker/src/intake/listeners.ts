import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ReasonCode, UsageError } from '@hawser/codec';
import {
  type AttemptRefusal,
  listen,
  type NetworkListener,
  parseListenUrl,
  TlsFiles,
  type TlsListenOptions,
  type TlsWatch,
  type Transport,
  upgradeInfoOf,
  WebSocketUpgrader,
  watchTls,
} from '@hawser/transport';
import type { ListenerOptions, UpgradeOptions } from '../broker-options.ts';
import { checkListenerOptions } from '../check-options.ts';
import type { DriverNode } from '../node/driver-node.ts';
import { addressSet, subscriberOf } from '../policy/addresses.ts';
import type { Counters } from '../recorder/counters.ts';
import type { Observer, RefusalCause } from '../recorder/observer.ts';
import type { Settings } from '../settings.ts';
import type { Gatekeeper, GateRefusal } from './gatekeeper.ts';
import type { ListenerInfo } from './listener-info.ts';

/** What listeners need of their broker. */
export interface ListenersCore {
  readonly settings: Settings;
  readonly counters: Pick<Counters, 'countRefused'>;
  readonly observer: Observer;
  readonly driverNode: Pick<DriverNode, 'clock'>;
  wallNow(): number;
}

/** Where their connections go. */
export interface ListenersIntake {
  readonly gatekeeper: Pick<Gatekeeper, 'onHandshake'>;
  add(transport: Transport, listener: ListenerInfo): void;
}

/** Where connections come from: addresses that are listened on, with their TLS files, and upgrades of the program's own HTTP server. */
export class Listeners {
  readonly #core: ListenersCore;
  readonly #intake: ListenersIntake;
  readonly #all: NetworkListener[] = [];
  readonly #tlsWatches = new Map<NetworkListener, { readonly files: TlsFiles; readonly watch: TlsWatch }>();
  #upgrader: WebSocketUpgrader | undefined;
  #isClosed = false;

  constructor(core: ListenersCore, intake: ListenersIntake) {
    this.#core = core;
    this.#intake = intake;
  }

  get all(): readonly NetworkListener[] {
    return this.#all;
  }

  async listen(options: ListenerOptions): Promise<NetworkListener> {
    checkListenerOptions(options);
    const { settings } = this.#core;
    const { versions, authenticate, clientIds, tls } = options;
    let info: ListenerInfo = { url: options.url, versions, authenticate, clientIds };
    const listener = await listen(parseListenUrl(options.url), {
      onTransport: (transport) => this.#intake.add(transport, info),
      onRefused: (attempt) => this.#onAttemptRefused(attempt, attempt, info.url),
      handshakeTimeoutMs: settings['limits.connectTimeout'] * 1000,
      maximumHandshakes: settings['limits.handshakes'],
      ownerOf: subscriberOf,
      refuses: (address, port) => this.#refusesHandshake(address, port, info.url),
      ...(options.proxyProtocol === undefined ? {} : { proxyProtocol: addressSet(options.proxyProtocol) }),
      ...(options.forwardedFrom === undefined ? {} : { forwardedFrom: addressSet(options.forwardedFrom) }),
      wsOrigins: originsOf(settings['websocket.origins']),
      tls: tls instanceof TlsFiles ? tls.options : tls,
    });
    if (this.#isClosed) {
      await listener.close();
      throw new UsageError('broker-closed', `${options.url}: the broker was closed before it could listen there`);
    }
    info = { ...info, url: listener.url };
    this.#all.push(listener);
    if (tls instanceof TlsFiles) this.#watchTls(tls, listener);
    return listener;
  }

  /** See `Broker.setTls`. */
  setTls(index: number, tls: TlsListenOptions | TlsFiles): void {
    const listener = this.#all[index];
    if (listener === undefined) throw new UsageError('no-such-listener', `there is no listener ${index}`);
    const known = this.#tlsWatches.get(listener);
    if (tls instanceof TlsFiles && known?.files.hasPathsOf(tls) === true) {
      known.watch.reload();
      return;
    }
    listener.setTls(tls instanceof TlsFiles ? tls.options : tls);
    known?.watch[Symbol.dispose]();
    this.#tlsWatches.delete(listener);
    if (!(tls instanceof TlsFiles)) return;
    this.#watchTls(tls, listener);
    this.#core.observer.onTlsReloaded?.(listener.url, tls.summary);
  }

  /** See `Broker.reloadTls`. */
  reloadTls(): boolean {
    return [...this.#tlsWatches.values()].map(({ watch }) => watch.reload()).every((isGood) => isGood);
  }

  /** See `Broker.handleUpgrade`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, { forwardedFrom = [] }: UpgradeOptions): void {
    const { settings } = this.#core;
    const listener: ListenerInfo = {
      url: `ws://${request.headers.host ?? ''}${request.url ?? ''}`,
      versions: undefined,
    };
    const info = upgradeInfoOf(request, addressSet(forwardedFrom));
    this.#upgrader ??= new WebSocketUpgrader({
      origins: originsOf(settings['websocket.origins']),
    });
    this.#upgrader.upgrade(
      request,
      socket,
      head,
      (transport) => this.#intake.add(transport, listener),
      (refusal) => this.#onAttemptRefused(refusal, info, listener.url),
      info,
    );
  }

  /** Takes nothing new. Who is connected stays so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { watch } of this.#tlsWatches.values()) watch[Symbol.dispose]();
    await Promise.all(this.#all.map((listener) => listener.close()));
  }

  #refusesHandshake(remoteAddress: string, remotePort: number, listener: string): boolean {
    const refusal = this.#intake.gatekeeper.onHandshake(remoteAddress);
    if (refusal === undefined) return false;
    this.#onAttemptRefused(refusal, { remoteAddress, remotePort }, listener);
    return true;
  }

  /** A connection that came and never became a Transport. */
  #onAttemptRefused(
    refusal: AttemptRefusal | GateRefusal,
    { remoteAddress, remotePort }: { readonly remoteAddress: string; readonly remotePort: number },
    listener: string,
  ): void {
    const { counters, observer } = this.#core;
    counters.countRefused(refusal.code);
    const cause: RefusalCause =
      'reasonCode' in refusal
        ? { ...refusal, by: 'self' }
        : { code: refusal.code, reasonCode: ReasonCode.UnspecifiedError, detail: refusal.detail, by: 'self' };
    const at = this.#core.wallNow();
    observer.onRefused?.({ listener, remoteAddress, remotePort, client: undefined, cause, bytesIn: 0, at });
  }

  #watchTls(files: TlsFiles, listener: NetworkListener): void {
    const { url } = listener;
    const { observer, driverNode } = this.#core;
    for (const text of files.warnings(this.#core.wallNow())) observer.onWarning?.('tls-certificate', `${url}: ${text}`);
    const watch = watchTls(files, {
      clock: driverNode.clock,
      apply: (options) => listener.setTls(options),
      onReloaded: (text) => observer.onTlsReloaded?.(url, text),
      onFault: (text) => observer.onWarning?.('tls-files', `${url}: ${text}`),
    });
    this.#tlsWatches.set(listener, { files, watch });
  }
}

/** `https://a.example, b.example`; empty: none named. */
function originsOf(setting: string): readonly string[] | undefined {
  const origins = setting.split(',').map((origin) => origin.trim());
  return origins.some((origin) => origin !== '') ? origins.filter((origin) => origin !== '') : undefined;
}
