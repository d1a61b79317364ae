import { type DecodeLimits, ReasonCode } from '@hawser/codec';
import type { AnswerBounds, CloseCause } from '@hawser/protocol';
import { FairShare, type Transport } from '@hawser/transport';
import { subscriberOf } from '../policy/addresses.ts';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import type { Settings } from '../settings.ts';
import { Arrival, type ArrivalCore, type ArrivalDesk } from './arrival.ts';
import { Backpressure } from './backpressure.ts';
import type { Client } from './client.ts';
import { Gatekeeper, type GatekeeperCore, type GateRefusal } from './gatekeeper.ts';
import type { ListenerInfo } from './listener-info.ts';
import { OpenFiles } from './open-files.ts';
import type { Peer } from './peer.ts';
import { type PublishCore, PublishHandler } from './publish-handler.ts';
import { type SubscribeCore, SubscribeHandler } from './subscribe-handler.ts';
import { type UnsubscribeCore, UnsubscribeHandler } from './unsubscribe-handler.ts';

/** Reason Codes of connections that are ended because a packet is over a bound. */
const LIMIT_CODES: ReadonlySet<number> = new Set([
  ReasonCode.TopicFilterInvalid,
  ReasonCode.TopicNameInvalid,
  ReasonCode.ReceiveMaximumExceeded,
  ReasonCode.TopicAliasInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.QuotaExceeded,
]);

/** What the intake needs of its broker. */
export type IntakeCore = ArrivalCore & PublishCore & SubscribeCore & UnsubscribeCore & GatekeeperCore;

/** All connections of a broker: taken in, counted, bounded, ended. */
export class Intake implements ArrivalDesk {
  readonly publishing: PublishHandler;
  readonly subscribing: SubscribeHandler;
  readonly unsubscribing: UnsubscribeHandler;
  readonly backpressure: Backpressure;
  readonly gatekeeper: Gatekeeper;
  answerBounds: AnswerBounds;
  decodeLimits: DecodeLimits;
  /** Filters that are too deep are refused one by one, in the SUBACK. */
  subscribeLimits: DecodeLimits;
  readonly #core: IntakeCore;
  readonly #openFiles: OpenFiles;
  readonly #arrivals = new Set<Arrival>();
  readonly #clients = new Set<Client>();
  /** Those without a CONNACK, by address. */
  readonly #halfOpen = new FairShare<Arrival>();
  #connected = 0;
  #lastNumber = 0;
  #warnedOfCredentials = false;
  #closing = false;
  #onEmpty: (() => void) | undefined;

  /** `banLog`: where bans are written that survive a restart. `openFiles`: how many the process may have; what the system says when it is not said. */
  constructor(
    core: IntakeCore,
    { banLog, openFiles }: { readonly banLog?: RecorderLog; readonly openFiles?: number } = {},
  ) {
    this.#core = core;
    this.#openFiles = new OpenFiles(openFiles);
    this.backpressure = new Backpressure(core);
    this.gatekeeper = new Gatekeeper(core, banLog);
    this.publishing = new PublishHandler(core, this.backpressure);
    this.subscribing = new SubscribeHandler(core);
    this.unsubscribing = new UnsubscribeHandler(core);
    this.decodeLimits = decodeLimitsOf(core.settings);
    this.subscribeLimits = { ...this.decodeLimits, topicLevels: 65_535 };
    this.answerBounds = answerBoundsOf(core.settings);
  }

  /** New bounds, for connections to come. */
  configure(settings: Settings): void {
    this.decodeLimits = decodeLimitsOf(settings);
    this.subscribeLimits = { ...this.decodeLimits, topicLevels: 65_535 };
    this.answerBounds = answerBoundsOf(settings);
  }

  /** Connections, accepted or not. */
  get size(): number {
    return this.#arrivals.size + this.#clients.size;
  }

  get connected(): number {
    return this.#connected;
  }

  /** Those that have been accepted and whose network connection is not gone yet. */
  get clients(): Iterable<Client> {
    return this.#clients;
  }

  /** All connections. */
  *peers(): Generator<Peer, void> {
    yield* this.#arrivals;
    yield* this.#clients;
  }

  /** A new network connection. */
  add(transport: Transport, listener: ListenerInfo): void {
    const arrival = new Arrival(this.#core, this, transport, listener, ++this.#lastNumber);
    this.#arrivals.add(arrival);
    arrival.driver.start();
    if (this.#closing) {
      sayGoodbye(arrival);
      return;
    }
    const { remoteAddress } = arrival;
    const refusal = this.gatekeeper.onArrival(remoteAddress, this.#core.now());
    if (refusal !== undefined) {
      arrival.disconnect(refusal.code, refusal.reasonCode, refusal.detail);
      return;
    }
    if (this.size > this.#openFiles.sockets) {
      arrival.disconnect('too-many-open-files', ReasonCode.ServerBusy, this.#openFiles.detail);
      return;
    }
    const most = this.#core.settings['limits.halfOpen'];
    const evicted = this.#halfOpen.add(subscriberOf(remoteAddress), arrival, most);
    evicted?.disconnect('too-many-half-open', ReasonCode.ServerBusy, { is: 'half-open', count: most });
  }

  /** Why nobody can be let in at all now. */
  refusal(clientId: string, address: string): GateRefusal | undefined {
    const reasonCode = ReasonCode.ServerBusy;
    if (this.size > this.#openFiles.connections)
      return { code: 'too-many-open-files', reasonCode, detail: this.#openFiles.detail };
    const maximum = this.#core.settings['limits.connections'];
    if (this.#connected < maximum) return this.gatekeeper.onConnect(clientId, address);
    return { code: 'server-busy', reasonCode, detail: { is: 'connections-all', limit: maximum } };
  }

  onAdmitted(arrival: Arrival, client: Client): void {
    this.#arrivals.delete(arrival);
    this.#clients.add(client);
    this.#connected++;
    this.#halfOpen.delete(subscriberOf(arrival.remoteAddress), arrival);
    client.driver.admit(client);
    this.gatekeeper.onAccepted(client.info);
  }

  onArrivalClosed(arrival: Arrival, cause: CloseCause): void {
    const { counters, observer } = this.#core;
    const { connection, info: client, listener, remoteAddress } = arrival;
    const { remotePort } = arrival.driver.transport.info;
    this.#halfOpen.delete(subscriberOf(remoteAddress), arrival);
    this.#count(arrival, cause);
    counters.countRefused(cause.code);
    this.gatekeeper.onRefused(remoteAddress, cause);
    const at = this.#core.wallNow();
    const { bytesIn } = connection;
    observer.onRefused?.({ listener: listener.url, remoteAddress, remotePort, client, cause, bytesIn, at });
  }

  onClientClosed(client: Client, cause: CloseCause, now: number): void {
    const { counters, observer, registry } = this.#core;
    const { clientSession: session, connection, info, output, takenOverBy } = client;
    this.#connected--;
    this.#count(client, cause);
    this.backpressure.release();
    counters.countClosed(cause.by, cause.code);
    this.gatekeeper.onClosed(info);
    observer.onClosed?.({
      client: info,
      cause,
      connectedForMs: now - client.connectedAtMs,
      bytesIn: connection.bytesIn,
      bytesOut: output.bytesOut + output.pendingBytes,
      packetsIn: connection.packetsIn,
      packetsOut: output.framesOut,
      takenOverBy,
      at: this.#core.wallNow(),
    });
    if (session.holder === client) registry.onDisconnected(session, client.willSettled);
  }

  onArrivalGone(arrival: Arrival): void {
    this.#arrivals.delete(arrival);
    this.#onGone(arrival);
  }

  onClientGone(client: Client): void {
    this.#clients.delete(client);
    this.#onGone(client);
  }

  #onGone({ remoteAddress }: Peer): void {
    this.gatekeeper.onGone(remoteAddress);
    if (this.size === 0) this.#onEmpty?.();
  }

  /** What a connection has brought and taken, when it has ended. */
  #count({ connection, output }: Peer, cause: CloseCause): void {
    const { counters } = this.#core;
    output.detach();
    if (cause.by === 'self' && LIMIT_CODES.has(cause.reasonCode)) counters.limitClosures++;
    counters.bytesIn += connection.bytesIn;
    counters.bytesOut += output.bytesOut;
    counters.packetsIn += connection.packetsIn;
    counters.packetsOut += output.framesOut;
  }

  warnOfIgnoredCredentials(): void {
    if (this.#warnedOfCredentials) return;
    this.#warnedOfCredentials = true;
    this.#core.observer.onWarning?.(
      'credentials-ignored',
      'a client sent a user name or password, but nothing here checks them: anybody is let in',
    );
  }

  /** Ends all connections, with words, and waits for them to be gone: `withinMs` at most. */
  async close(withinMs: number): Promise<void> {
    this.#closing = true;
    for (const peer of this.peers()) sayGoodbye(peer);
    if (this.size === 0) return;
    await new Promise<void>((resolve) => {
      const { clock } = this.#core.driverNode;
      const cancel = clock.setTimer(clock.now() + withinMs, () => {
        for (const peer of this.peers()) peer.driver.destroy();
        resolve();
      });
      this.#onEmpty = () => {
        cancel();
        resolve();
      };
    });
  }
}

function sayGoodbye(peer: Peer): void {
  peer.disconnect('server-shutting-down', ReasonCode.ServerShuttingDown, { is: 'plain' });
}

function decodeLimitsOf(settings: Settings): DecodeLimits {
  return {
    topicLevels: settings['limits.topicLevels'],
    userProperties: settings['limits.userProperties'],
    topicFilters: settings['limits.filters'],
  };
}

function answerBoundsOf(settings: Settings): AnswerBounds {
  return {
    acks: settings['limits.unanswered'],
    unansweredBytes: settings['limits.unansweredBytes'],
    bytes: settings['limits.answerBytes'],
  };
}
