import {
  type AuthPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type DisconnectProperties,
  PacketType,
  type PublishPacket,
  ReasonCode,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@hawser/codec';
import {
  type CloseCause,
  type CloseCode,
  type CloseDetail,
  Output,
  ServerConnection,
  type ServerSink,
} from '@hawser/protocol';
import type { Transport, WebSocketError } from '@hawser/transport';
import { causeText } from '../causes/cause-text.ts';
import type { BrokerCore } from '../core.ts';
import { ConnectionDriver, type DriverListener } from '../node/connection-driver.ts';
import type { Steps } from '../node/turn-budget.ts';
import { WORK_OF_PACKET } from '../node/work-kinds.ts';
import { Asker } from '../policy/asker.ts';
import { PermissionCache } from '../policy/permission-cache.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { ClientSession, SessionHandler } from '../sessions/client-session.ts';
import { Admission } from './admission.ts';
import type { Intake, ListenerInfo } from './intake.ts';
import { Lifetime } from './lifetime.ts';
import { PublishHandler } from './publish-handler.ts';
import { SubscribeHandler } from './subscribe-handler.ts';
import { Throttle } from './throttle.ts';

/** After it has been slow, a subscriber gets no patience for so long. */
const NO_PATIENCE_MS = 10_000;
/** Times its bound that may wait for a subscriber while publishers are being stopped for it. */
const HARD_BOUND = 8;

/** One client's connection in the broker: what its packets do, and its end. */
export class ClientHandler implements ServerSink, DriverListener, SessionHandler {
  readonly memberNumber: number;
  readonly connection: ServerConnection;
  readonly driver: ConnectionDriver;
  readonly output: Output;
  readonly listener: ListenerInfo;
  readonly core: BrokerCore;
  readonly intake: Intake;
  /** Set from the CONNECT on. */
  client: ClientInfo | undefined;
  session: ClientSession | undefined;
  connectedAtMs = 0;
  /** What was asked for and what was granted, as JSON that many share; see `Recorder.intern`. */
  negotiated: string | undefined;
  /** Its CONNECT said that it is another broker (3.x). */
  isBridge = false;
  /** It does not read: QoS 0 for it is lost until it has caught up. */
  isSlow = false;
  /** Address of who took the session over. */
  takenOverBy: string | undefined;
  /** The DISCONNECT of the client took its Will back. */
  willSettled = false;
  /** While a connection is being let in; afterwards only where it may authenticate again. */
  #admission: Admission | undefined;
  #lifetime: Lifetime | undefined;
  #asker: Asker | undefined;
  #permissions: PermissionCache | undefined;
  #throttle: Throttle | undefined;
  #publishing: PublishHandler | undefined;
  #subscribing: SubscribeHandler | undefined;
  /** Publishers have been waiting for it. */
  #isWaitedFor = false;
  #noPatienceUntilMs = 0;
  #missed = 0;
  #missedTopic = '';

  constructor(intake: Intake, transport: Transport, listener: ListenerInfo, memberNumber: number) {
    const { core } = intake;
    this.intake = intake;
    this.core = core;
    this.listener = listener;
    this.memberNumber = memberNumber;
    this.output = new Output(core.slab, transport.framing);
    this.output.limit = core.settings['limits.outputBytes'];
    this.connection = new ServerConnection(
      {
        output: this.output,
        commits: core.journal,
        topics: core.topics,
        maximumPacketSize: core.settings['limits.maximumPacketSize'],
        connectPacketSize: core.settings['limits.connectPacketBytes'],
        connectTimeoutMs: core.settings['limits.connectTimeout'] * 1000,
        answers: intake.answerBounds,
        decodeLimits: intake.decodeLimits,
        subscribeLimits: intake.subscribeLimits,
        topicBytes: core.settings['limits.topicBytes'],
        outboundAliases: core.settings['limits.outboundAliases'],
      },
      this,
      core.now(),
    );
    this.driver = new ConnectionDriver(this.connection, transport, core.driverNode, this);
  }

  /** For what policies are asked because of this connection: aborted when it ends. */
  get asker(): Asker {
    this.#asker ??= new Asker();
    return this.#asker;
  }

  /** What the Authorizer has allowed it. */
  get permissions(): PermissionCache {
    this.#permissions ??= new PermissionCache(this.core, this.asker);
    return this.#permissions;
  }

  get clientSession(): ClientSession {
    if (this.session === undefined) throw new Error('a connection that was not accepted has no session');
    return this.session;
  }

  // From the peer.

  onConnect(packet: ConnectPacket, now: number): void {
    this.isBridge = packet.bridge;
    this.#admission = new Admission(this, packet);
    this.#admission.begin(now);
  }

  /** The CONNACK is out. */
  onAdmitted(mayAuthenticateAgain: boolean): void {
    if (!mayAuthenticateAgain) this.#admission = undefined;
  }

  onAuth(packet: AuthPacket, now: number): void {
    if (this.#admission !== undefined) this.#admission.handleAuth(packet, now);
    else this.connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'auth-without-method' }, now);
  }

  onPublish(packet: PublishPacket, now: number): void {
    if (this.intake.gatekeeper.hasRates) this.#countRate(packet.topic.length + packet.payload.length, now);
    this.#publishing ??= new PublishHandler(this);
    this.#publishing.handlePublish(packet, now);
  }

  onAck(type: number, packetIdentifier: number, reasonCode: number, now: number): void {
    const { session, replays } = this.clientSession;
    switch (type) {
      case PacketType.PUBACK:
        if (!session.handlePuback(packetIdentifier, reasonCode, now)) this.#wrongAck('PUBACK', packetIdentifier, now);
        replays?.run(now);
        return;
      case PacketType.PUBREC:
        if (!session.handlePubrec(packetIdentifier, reasonCode, now)) this.#wrongAck('PUBREC', packetIdentifier, now);
        // A refusal frees a place in the window, as PUBCOMP does [MQTT5-4.9.0-2].
        if (reasonCode >= 0x80) replays?.run(now);
        return;
      case PacketType.PUBREL:
        this.#handlePubrel(packetIdentifier);
        return;
      default:
        if (!session.handlePubcomp(packetIdentifier, now)) this.#wrongAck('PUBCOMP', packetIdentifier, now);
        replays?.run(now);
    }
  }

  onSubscribe(packet: SubscribePacket, now: number): void {
    if (this.intake.gatekeeper.hasRates) this.#countRate(0, now);
    this.#subscribing ??= new SubscribeHandler(this);
    this.#subscribing.handleSubscribe(packet);
  }

  onUnsubscribe(packet: UnsubscribePacket, now: number): void {
    if (this.intake.gatekeeper.hasRates) this.#countRate(0, now);
    this.#subscribing ??= new SubscribeHandler(this);
    this.#subscribing.handleUnsubscribe(packet);
  }

  onDisconnect(packet: DisconnectPacket, now: number): void {
    // [MQTT311-3.14.4-3] [MQTT5-3.14.4-3]
    this.willSettled = packet.reasonCode === ReasonCode.NormalDisconnection;
    const expiry = packet.properties?.sessionExpiryInterval;
    const { session } = this;
    if (expiry === undefined || session === undefined) return;
    if (session.expiryInterval === 0 && expiry > 0) {
      // [MQTT5-3.14.2-2]
      this.willSettled = false;
      this.connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'expiry-not-allowed' }, now);
      return;
    }
    session.expiryInterval = Math.min(expiry, this.core.settings['sessions.expiryMax']);
    session.session.survives = session.expiryInterval > 0;
  }

  onAcksWaiting(): void {
    this.core.journal.waitToRelease(this.connection);
  }

  reasonStringOf(cause: CloseCause): string {
    return causeText(cause, 'en');
  }

  onClosed(cause: CloseCause, now: number): void {
    this.countMissed();
    this.#admission?.abort();
    if (this.connectedAtMs === 0 && cause.by !== 'self' && (this.#asker?.open ?? 0) > 0) {
      this.intake.gatekeeper.countAbandonedLogin(this.driver.transport.info.remoteAddress);
    }
    this.#asker?.end();
    this.#lifetime?.stop();
    this.#throttle?.stop();
    this.intake.onClosed(this, cause, now);
  }

  onHandled(type: number): void {
    const { turn } = this.core.driverNode;
    turn.spend(type, WORK_OF_PACKET);
    if (!turn.isOver || this.connection.closeCause !== undefined) return;
    this.core.counters.turnsYielded++;
    this.connection.yieldTurn();
  }

  // From the network.

  onWritable(now: number): void {
    this.countMissed();
    if (this.#isWaitedFor || this.isSlow) {
      this.#isWaitedFor = false;
      if (this.isSlow) {
        this.isSlow = false;
        this.#noPatienceUntilMs = now + NO_PATIENCE_MS;
        if (this.session !== undefined && !this.session.ended) this.core.router.routes.invalidateSession(this.session);
      }
      this.intake.backpressure.release();
    }
    this.session?.session.pump(now);
    this.session?.replays?.run(now);
  }

  onInputOverflow(): void {
    this.core.counters.inputOverflows++;
    const key = this.connectedAtMs > 0 ? 'limits.inputBytesNode' : 'limits.inputBytesStrangers';
    const detail: CloseDetail = { is: 'input-bytes', limit: this.core.settings[key], key };
    this.connection.fail('quota-exceeded', ReasonCode.QuotaExceeded, detail, this.core.now());
  }

  onTransportFault({ code, why }: WebSocketError): void {
    const detail: CloseDetail = why === undefined ? { is: 'plain' } : { is: 'websocket-frame', why };
    this.connection.fail(code, ReasonCode.ProtocolError, detail, this.core.now());
  }

  onAhead(): void {
    this.core.counters.readingPauses++;
  }

  onFault(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const who = this.client?.clientId ?? this.driver.transport.info.remoteAddress;
    this.core.observer.onWarning?.(
      'internal-error',
      `an error in the broker itself cost ${who} its connection: ${stack}`,
    );
    this.connection.fail('internal-error', ReasonCode.UnspecifiedError, { is: 'plain' }, this.core.now());
  }

  onGone(): void {
    this.intake.backpressure.forget(this.driver);
    this.intake.onGone(this);
  }

  // From the router.

  flushOutput(now: number): void {
    this.driver.flush(now);
  }

  losesWhenCongested(now: number): boolean {
    if (this.isSlow) return true;
    const { output } = this;
    // Patience begins when it stopped to read: one that had stopped long before it was over its bound gets none, so that
    // a thousand of them cost their publishers no more than one.
    const patient =
      now >= this.#noPatienceUntilMs &&
      now - output.blockedSinceMs < this.core.settings['backpressure.pauseMax'] * 1000 &&
      output.pendingBytes <= HARD_BOUND * output.limit &&
      !this.core.slab.isShort;
    if (patient) {
      this.#isWaitedFor = true;
      return false;
    }
    this.isSlow = true;
    this.core.counters.slowConsumers++;
    output.detach();
    if (this.session !== undefined) this.core.router.routes.invalidateSession(this.session);
    this.intake.backpressure.release();
    return true;
  }

  miss(topic: string): void {
    if (this.#missed++ === 0) this.intake.backpressure.countLater(this);
    this.#missedTopic = topic;
  }

  /** Tells of the messages it has missed since the last time. */
  countMissed(): void {
    const count = this.#missed;
    this.#missed = 0;
    if (count > 0) this.session?.countLost('slow-consumer', this.#missedTopic, 0, count);
  }

  takeOver(by: { readonly remoteAddress: string; readonly remotePort: number }): void {
    this.takenOverBy = `${by.remoteAddress}:${by.remotePort}`;
    const detail: CloseDetail = { is: 'taken-over', by: this.takenOverBy };
    this.disconnect('session-taken-over', ReasonCode.SessionTakenOver, detail);
  }

  /** Ends the connection from this side. */
  disconnect(code: CloseCode, reasonCode: number, detail: CloseDetail, properties?: DisconnectProperties): void {
    this.connection.disconnect(code, reasonCode, detail, this.core.now(), properties);
    this.driver.afterTurn();
  }

  /** Ends the connection at `wallMs`, when its credentials do; undefined: they do not. */
  limitLifetime(wallMs: number | undefined): void {
    this.#lifetime?.stop();
    this.#lifetime = wallMs === undefined ? undefined : new Lifetime(this, this.core.fromWall(wallMs));
  }

  /**
   * Does the steps of one packet: now, as far as the turn has time for them, and the rest in later turns; no further packet is handled
   * before. The steps see for themselves whether the connection is still there.
   */
  runSteps(steps: Steps<void>): void {
    const { turn } = this.core.driverNode;
    let waiting: undefined | Promise<unknown>;
    do {
      const { done, value } = steps.next();
      if (done === true) return;
      waiting = value ?? undefined;
    } while (waiting === undefined && !turn.isOver);
    this.core.counters.turnsYielded++;
    this.connection.suspend();
    const rest = waiting === undefined ? turn.run(steps) : waiting.then(() => turn.run(steps));
    this.resumeAfter(rest, () => undefined);
  }

  /** After a promise: `then`, and on with what the peer has sent meanwhile. What is thrown costs this connection. */
  resumeAfter<T>(promise: Promise<T>, then: (value: T) => void): void {
    const onSettled = (): void => this.driver.resume();
    const onFault = (error: unknown): void => {
      this.onFault(error);
      this.driver.afterTurn();
    };
    promise.then(then).then(onSettled).catch(onFault);
  }

  #handlePubrel(packetIdentifier: number): void {
    const { session } = this.clientSession;
    // [MQTT311-4.3.3-2] [MQTT5-4.3.3-11] [MQTT5-4.3.3-12]
    if (!session.inbound.end(packetIdentifier)) {
      // [MQTT5-3.7.2-1]; in 3.x PUBCOMP has no Reason Code and ends the exchange. That it ended before may not be on disk yet.
      const ended = this.clientSession.isStored ? this.core.journal.last : 0;
      this.connection.acknowledge(PacketType.PUBCOMP, packetIdentifier, ReasonCode.PacketIdentifierNotFound, ended);
      return;
    }
    const ticket = this.clientSession.isStored
      ? this.core.journal.append({ kind: 'deleteInbound', session: this.clientSession.number, packetIdentifier })
      : 0;
    this.connection.acknowledge(PacketType.PUBCOMP, packetIdentifier, 0, ticket);
  }

  #countRate(bytes: number, now: number): void {
    this.#throttle ??= new Throttle(this, now);
    this.#throttle.count(bytes, now);
  }

  #wrongAck(name: string, packetIdentifier: number, now: number): void {
    const detail: CloseDetail = { is: 'acknowledgement-misplaced', packet: name, packetIdentifier };
    this.connection.fail('protocol-error', ReasonCode.ProtocolError, detail, now);
  }
}
