import {
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type ProtocolVersion,
  type PublishPacket,
  ReasonCode,
  type SubackPacket,
  type UnsubackPacket,
} from '@hawser/codec';
import { ClientConnection, type ClientSink, type CloseCause, type Commits, Output, Slab } from '@hawser/protocol';
import { ConnectError, type ConnectEvidence, type ConnectStage } from '../errors.ts';
import type { Provider } from '../options.ts';
import type { Platform } from '../platform.ts';
import { bytesOf, type Settings } from '../settings.ts';
import { type Address, formatAddress } from './address.ts';
import { Authentication } from './authentication.ts';
import { explainClose, explainConnack, explainDial, explainTimeout } from './explain.ts';
import { Link } from './link.ts';

/** A connection whose CONNACK has come. */
export interface Established {
  readonly connection: ClientConnection;
  readonly link: Link;
  readonly connect: ConnectPacket;
  readonly connack: ConnackPacket;
  readonly authentication: Authentication | undefined;
}

/** Takes over a connection with its CONNACK, in that call: what stands behind it in the same bytes comes next. */
export interface ConnectionOwner extends Omit<ClientSink, 'onConnack' | 'onAuth' | 'onAcksWaiting'> {
  /** Why a CONNACK is not to be accepted, although the server accepts: code and words. */
  objectionTo(connack: ConnackPacket): readonly [code: string, text: string] | undefined;
  onEstablished(established: Established, now: number): void;
}

export interface AttemptOptions {
  readonly platform: Platform;
  readonly settings: Settings;
  readonly address: Address;
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly cleanStart: boolean;
  /** No connection has been there yet: what fails is looked into. */
  readonly isFirst: boolean;
  /** What acknowledgements wait for. */
  readonly commits: Commits;
  /** Gives up. */
  readonly signal: AbortSignal;
  readonly owner: ConnectionOwner;
}

/**
 * One attempt to connect, from the name lookup to the CONNACK, under one clock. Resolves after `owner.onEstablished`; rejects with a
 * ConnectError, or with the signal's reason.
 */
export function attempt(options: AttemptOptions): Promise<Established> {
  return new Attempt(options).run();
}

/** Most clients send little; the slab doubles for those who send much. */
const FIRST_SLAB_BYTES = 1024;

class Attempt implements ClientSink {
  readonly #options: AttemptOptions;
  readonly #abort = new AbortController();
  #stage: ConnectStage = 'auth';
  #phase: 'credentials' | 'network' | 'connack' = 'credentials';
  #evidence: ConnectEvidence;
  #connection: ClientConnection | undefined;
  #link: Link | undefined;
  #connect: ConnectPacket | undefined;
  #authentication: Authentication | undefined;
  #isEstablished = false;
  #resolve: (established: Established) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(options: AttemptOptions) {
    this.#options = options;
    const { address } = options;
    this.#evidence = { host: address.host, port: address.port, url: formatAddress(address) };
  }

  async run(): Promise<Established> {
    const { platform, settings, signal } = this.#options;
    signal.throwIfAborted();
    const { clock } = platform;
    const done = new Promise<Established>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const cancelTimer = clock.setTimer(clock.now() + settings.connectTimeoutMs, () => {
      this.#reject(
        explainTimeout(this.#stage, this.#phase, settings.connectTimeoutMs, this.#options.address, this.#evidence),
      );
      this.#giveUp();
    });
    const onAbort = (): void => {
      this.#reject(signal.reason);
      this.#giveUp();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#begin().catch((error) => this.#fail(error));
    try {
      return await done;
    } finally {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #begin(): Promise<void> {
    const { platform, settings, address } = this.#options;
    const signal = this.#abort.signal;
    const username = await ask(settings.username, signal, 'username');
    const password = await ask(settings.password, signal, 'password');
    const tls = typeof settings.tls === 'function' ? await ask(settings.tls, signal, 'tls') : settings.tls;
    const { authentication } = settings;
    if (authentication !== undefined) this.#authentication = new Authentication(authentication, signal);
    const authenticationData = await this.#authentication?.start();
    if (signal.aborted) return;
    this.#phase = 'network';
    this.#stage = 'dns';
    const transport = await platform
      .dial(address, {
        signal,
        tls: tls ?? {},
        onStage: (stage, evidence) => {
          this.#stage = stage;
          this.#evidence = evidence;
        },
      })
      .catch((error: unknown) => {
        throw explainDial(error, address, this.#evidence);
      });
    if (signal.aborted) {
      transport.destroy();
      return;
    }
    this.#phase = 'connack';
    this.#stage = 'connack';
    this.#connect = this.#connectPacket(username, password, authenticationData);
    const { clock } = platform;
    this.#connection = new ClientConnection(
      {
        output: new Output(new Slab(FIRST_SLAB_BYTES)),
        commits: this.#options.commits,
        topics: platform.createTopicCache?.(),
        maximumPacketSize: settings.maximumPacketSize,
        connect: this.#connect,
      },
      this,
      clock.now(),
    );
    this.#link = new Link(this.#connection, transport, clock);
    this.#link.start();
  }

  #connectPacket(
    username: string | undefined,
    password: string | Uint8Array | undefined,
    authenticationData: Uint8Array | undefined,
  ): ConnectPacket {
    const { settings, version, clientId, cleanStart } = this.#options;
    // Both empty is anonymous too.
    const isAnonymous = (username ?? '') === '' && (password ?? '').length === 0;
    const properties =
      version === 5 ? { ...settings.properties, ...(authenticationData && { authenticationData }) } : undefined;
    return {
      type: 'connect',
      protocolVersion: version,
      cleanStart,
      keepAlive: settings.keepAlive,
      clientId,
      username: isAnonymous ? undefined : username,
      password: isAnonymous || password === undefined ? undefined : bytesOf(password),
      will: settings.will,
      properties,
      bridge: false,
    };
  }

  /** What closed without a word may be explained by the platform. */
  async #fail(error: unknown): Promise<void> {
    const { platform, address, isFirst } = this.#options;
    const { error: loss, firstBytes: received } = this.#link ?? {};
    const { signal } = this.#abort;
    const failed = { address, signal, isFirst, loss, received };
    const explained = error instanceof ConnectError ? await platform.explain?.(error, failed) : undefined;
    this.#reject(explained ?? error);
    this.#giveUp();
  }

  #giveUp(): void {
    this.#abort.abort();
    // One that has ended by itself still has its last packet to send.
    if (!this.#isEstablished && this.#connection?.closeCause === undefined) this.#link?.destroy();
  }

  onConnack(connack: ConnackPacket, now: number): void {
    const { owner, address, version } = this.#options;
    if (connack.reasonCode !== 0) {
      this.#reject(explainConnack(connack, version, address, this.#evidence, this.#authentication));
      return;
    }
    if (this.#connection === undefined || this.#link === undefined || this.#connect === undefined) return;
    const established: Established = {
      connection: this.#connection,
      link: this.#link,
      connect: this.#connect,
      connack,
      authentication: this.#authentication,
    };
    const objection = owner.objectionTo(connack);
    if (objection !== undefined) {
      this.#connection.fail(objection[0], ReasonCode.ProtocolError, objection[1], now);
      return;
    }
    const establish = (at: number): void => {
      this.#isEstablished = true;
      owner.onEstablished(established, at);
      this.#resolve(established);
    };
    if (this.#authentication === undefined) establish(now);
    else this.#verifyServer(this.#authentication, established, establish);
  }

  /** Nothing is believed of the server before it has proved itself. */
  #verifyServer(
    authentication: Authentication,
    { connection, connack, link }: Established,
    establish: (now: number) => void,
  ): void {
    const { clock } = this.#options.platform;
    connection.suspend();
    authentication.finish(connack.properties?.authenticationData).then(
      () => {
        if (connection.closeCause !== undefined) return;
        establish(clock.now());
        connection.resume(clock.now());
        link.afterTurn();
      },
      (error: unknown) => this.#failAuthentication(error),
    );
  }

  #failAuthentication(error: unknown): void {
    if (this.#isEstablished) return;
    const said = error instanceof Error ? error.message : String(error);
    this.#reject(
      new ConnectError({
        stage: 'auth',
        code: codeOf(error) ?? 'mechanism-failed',
        message: `authentication failed on this side: ${said}`,
        retry: 'after-change',
        evidence: this.#evidence,
        cause: error,
      }),
    );
    this.#giveUp();
  }

  onAuth(packet: AuthPacket, now: number): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#authentication === undefined) {
      connection.fail('auth-unexpected', 0x82, 'an AUTH without an Authentication Method in the CONNECT', now);
      return;
    }
    this.#stage = this.#isEstablished ? this.#stage : 'auth';
    this.#authentication
      .handle(packet, connection, () => this.#link?.afterTurn())
      .catch((error: unknown) => this.#failAuthentication(error));
  }

  onClosed(cause: CloseCause, now: number): void {
    this.#authentication?.abandon(new Error(cause.text));
    if (this.#isEstablished) {
      this.#options.owner.onClosed(cause, now);
      return;
    }
    void this.#fail(explainClose(cause, this.#link, this.#options.address, this.#evidence));
    this.#link?.afterTurn();
  }

  onPublish(packet: PublishPacket, now: number): void {
    this.#options.owner.onPublish(packet, now);
  }
  onPuback(packetIdentifier: number, reasonCode: number, now: number): void {
    this.#options.owner.onPuback(packetIdentifier, reasonCode, now);
  }
  onPubrec(packetIdentifier: number, reasonCode: number, now: number): void {
    this.#options.owner.onPubrec(packetIdentifier, reasonCode, now);
  }
  onPubrel(packetIdentifier: number, reasonCode: number, now: number): void {
    this.#options.owner.onPubrel(packetIdentifier, reasonCode, now);
  }
  onPubcomp(packetIdentifier: number, reasonCode: number, now: number): void {
    this.#options.owner.onPubcomp(packetIdentifier, reasonCode, now);
  }
  onSuback(packet: SubackPacket, now: number): void {
    this.#options.owner.onSuback(packet, now);
  }
  onUnsuback(packet: UnsubackPacket, now: number): void {
    this.#options.owner.onUnsuback(packet, now);
  }
  onDisconnect(packet: DisconnectPacket, now: number): void {
    this.#options.owner.onDisconnect(packet, now);
  }
  onAcksWaiting(): void {}
}

async function ask<T>(value: T | Provider<T>, signal: AbortSignal, option: string): Promise<T> {
  if (typeof value !== 'function') return value;
  try {
    return await (value as Provider<T>)(signal);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ConnectError({
      stage: 'auth',
      code: 'provider-failed',
      message: `the function given as '${option}' failed: ${said}`,
      retry: 'yes',
      evidence: { option },
      cause: error,
    });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
