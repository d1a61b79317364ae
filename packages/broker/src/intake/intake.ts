import { type DecodeLimits, type ProtocolVersion, ReasonCode } from '@hawser/codec';
import type { AnswerBounds, CloseCause } from '@hawser/protocol';
import { FairShare, type Transport } from '@hawser/transport';
import type { BrokerCore } from '../core.ts';
import { subscriberOf } from '../policy/addresses.ts';
import type { Authenticator } from '../policy/policies.ts';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import { Backpressure } from './backpressure.ts';
import { ClientHandler } from './client-handler.ts';
import { Gatekeeper, type GateRefusal } from './gatekeeper.ts';
import { OpenFiles } from './open-files.ts';

/** What a connection should know of the listener it came in by. */
export interface ListenerInfo {
  readonly url: string;
  /** Protocol versions it takes; undefined: all. */
  readonly versions: readonly ProtocolVersion[] | undefined;
  /** In place of the broker's own. */
  readonly authenticate?: Authenticator | undefined;
  /** Who may connect with a Client Identifier that has a session; `takeover` when it is not said. */
  readonly clientIds?: ClientIdPolicy | undefined;
}

/** `takeover`: whoever comes [MQTT5-3.1.4-3]. `same-principal`: only the user whose session it is, others get 0x87. */
export type ClientIdPolicy = 'takeover' | 'same-principal';

/** Reason Codes of connections that are ended because a packet is over a bound. */
const LIMIT_CODES: ReadonlySet<number> = new Set([
  ReasonCode.TopicFilterInvalid,
  ReasonCode.TopicNameInvalid,
  ReasonCode.ReceiveMaximumExceeded,
  ReasonCode.TopicAliasInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.QuotaExceeded,
]);

/** All connections of a broker: taken in, counted, bounded, ended. */
export class Intake {
  readonly core: BrokerCore;
  readonly backpressure: Backpressure;
  readonly gatekeeper: Gatekeeper;
  answerBounds: AnswerBounds;
  decodeLimits: DecodeLimits;
  /** Filters that are too deep are refused one by one, in the SUBACK. */
  subscribeLimits: DecodeLimits;
  readonly #openFiles: OpenFiles;
  readonly #handlers = new Set<ClientHandler>();
  /** Those without a CONNACK, by address. */
  readonly #halfOpen = new FairShare<ClientHandler>();
  #connected = 0;
  #lastNumber = 0;
  #warnedOfCredentials = false;
  #closing = false;
  #onEmpty: (() => void) | undefined;

  /** `banLog`: where bans are written that survive a restart. `openFiles`: how many the process may have; what the system says when it is not said. */
  constructor(
    core: BrokerCore,
    { banLog, openFiles }: { readonly banLog?: RecorderLog; readonly openFiles?: number } = {},
  ) {
    this.core = core;
    this.#openFiles = new OpenFiles(openFiles);
    this.backpressure = new Backpressure(core);
    this.gatekeeper = new Gatekeeper(core, banLog);
    this.decodeLimits = decodeLimitsOf(core.settings);
    this.subscribeLimits = { ...this.decodeLimits, topicLevels: 65_535 };
    this.answerBounds = answerBoundsOf(core.settings);
  }

  /** New bounds, for connections to come. */
  configure(settings: BrokerCore['settings']): void {
    this.decodeLimits = decodeLimitsOf(settings);
    this.subscribeLimits = { ...this.decodeLimits, topicLevels: 65_535 };
    this.answerBounds = answerBoundsOf(settings);
  }

  /** Connections, accepted or not. */
  get size(): number {
    return this.#handlers.size;
  }

  get connected(): number {
    return this.#connected;
  }

  get handlers(): Iterable<ClientHandler> {
    return this.#handlers;
  }

  /** A new network connection. */
  add(transport: Transport, listener: ListenerInfo): void {
    const handler = new ClientHandler(this, transport, listener, ++this.#lastNumber);
    this.#handlers.add(handler);
    handler.driver.start();
    if (this.#closing) {
      sayGoodbye(handler);
      return;
    }
    const refusal = this.gatekeeper.onArrival(transport.info.remoteAddress, this.core.now());
    if (refusal !== undefined) {
      handler.disconnect(refusal.code, refusal.reasonCode, refusal.detail);
      return;
    }
    const { settings } = this.core;
    if (this.#handlers.size > this.#openFiles.sockets) {
      handler.disconnect('too-many-open-files', ReasonCode.ServerBusy, this.#openFiles.detail);
      return;
    }
    const most = settings['limits.halfOpen'];
    const evicted = this.#halfOpen.add(subscriberOf(transport.info.remoteAddress), handler, most);
    if (evicted === undefined) return;
    evicted.disconnect('too-many-half-open', ReasonCode.ServerBusy, { is: 'half-open', count: most });
  }

  /** It is half open no more: its CONNACK is out, or it has ended. */
  #settle(handler: ClientHandler): void {
    this.#halfOpen.delete(subscriberOf(handler.driver.transport.info.remoteAddress), handler);
  }

  /** Why nobody can be let in at all now. */
  refusal(clientId: string, address: string): GateRefusal | undefined {
    const reasonCode = ReasonCode.ServerBusy;
    if (this.#handlers.size > this.#openFiles.connections)
      return { code: 'too-many-open-files', reasonCode, detail: this.#openFiles.detail };
    const maximum = this.core.settings['limits.connections'];
    if (this.#connected < maximum) return this.gatekeeper.onConnect(clientId, address);
    return { code: 'server-busy', reasonCode, detail: { is: 'connections-all', limit: maximum } };
  }

  onAccepted(handler: ClientHandler): void {
    const { client } = handler;
    this.#connected++;
    this.#settle(handler);
    handler.driver.admit();
    if (client !== undefined) this.gatekeeper.onAccepted(client);
  }

  onClosed(handler: ClientHandler, cause: CloseCause, now: number): void {
    const { core } = this;
    const { connection, client, session } = handler;
    const at = core.wallNow();
    handler.output.detach();
    this.#settle(handler);
    this.backpressure.release();
    if (handler.connectedAtMs > 0) this.#connected--;
    core.counters.bytesIn += connection.bytesIn;
    if (cause.by === 'self' && LIMIT_CODES.has(cause.reasonCode)) core.counters.limitClosures++;
    core.counters.bytesOut += handler.output.bytesOut;
    core.counters.packetsIn += connection.packetsIn;
    core.counters.packetsOut += handler.output.framesOut;
    if (handler.connectedAtMs === 0) {
      core.counters.countRefused(cause.code);
      const { remoteAddress, remotePort } = handler.driver.transport.info;
      this.gatekeeper.onRefused(remoteAddress, cause);
      const bytesIn = connection.bytesIn;
      core.observer.onRefused?.({
        listener: handler.listener.url,
        remoteAddress,
        remotePort,
        client,
        cause,
        bytesIn,
        at,
      });
    } else if (client !== undefined) {
      core.counters.countClosed(cause.by, cause.code);
      this.gatekeeper.onClosed(client);
      core.observer.onClosed?.({
        client,
        cause,
        connectedForMs: now - handler.connectedAtMs,
        bytesIn: connection.bytesIn,
        bytesOut: handler.output.bytesOut + handler.output.pendingBytes,
        packetsIn: connection.packetsIn,
        packetsOut: handler.output.framesOut,
        takenOverBy: handler.takenOverBy,
        at,
      });
    }
    if (session !== undefined && session.holder === handler) core.registry.onDisconnected(session, handler.willSettled);
  }

  onGone(handler: ClientHandler): void {
    this.#handlers.delete(handler);
    this.gatekeeper.onGone(handler.driver.transport.info.remoteAddress);
    if (this.#handlers.size === 0) this.#onEmpty?.();
  }

  warnOfIgnoredCredentials(): void {
    if (this.#warnedOfCredentials) return;
    this.#warnedOfCredentials = true;
    this.core.observer.onWarning?.(
      'credentials-ignored',
      'a client sent a user name or password, but nothing here checks them: anybody is let in',
    );
  }

  /** Ends all connections, with words, and waits for them to be gone: `withinMs` at most. */
  async close(withinMs: number): Promise<void> {
    this.#closing = true;
    for (const handler of [...this.#handlers]) sayGoodbye(handler);
    if (this.#handlers.size === 0) return;
    await new Promise<void>((resolve) => {
      const { clock } = this.core.driverNode;
      const cancel = clock.setTimer(clock.now() + withinMs, () => {
        for (const handler of [...this.#handlers]) handler.driver.destroy();
        resolve();
      });
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }
}

function sayGoodbye(handler: ClientHandler): void {
  handler.disconnect('server-shutting-down', ReasonCode.ServerShuttingDown, { is: 'plain' });
}

function decodeLimitsOf(settings: BrokerCore['settings']): DecodeLimits {
  return {
    topicLevels: settings['limits.topicLevels'],
    userProperties: settings['limits.userProperties'],
    topicFilters: settings['limits.filters'],
  };
}

function answerBoundsOf(settings: BrokerCore['settings']): AnswerBounds {
  return {
    acks: settings['limits.unanswered'],
    unansweredBytes: settings['limits.unansweredBytes'],
    bytes: settings['limits.answerBytes'],
  };
}
