import {
  type AuthPacket,
  type DisconnectPacket,
  PacketType,
  type PublishPacket,
  ReasonCode,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@hawser/codec';
import type { CloseCause, CloseDetail, Output, ServerConnection, ServerSink, Slab } from '@hawser/protocol';
import type { ConnectionDriver } from '../node/connection-driver.ts';
import type { Steps } from '../node/turn-budget.ts';
import { Asker } from '../policy/asker.ts';
import type { DeliveryPermissions } from '../policy/delivery-permissions.ts';
import { PermissionCache, type PermissionHost } from '../policy/permission-cache.ts';
import type { AllowConnect, ClientInfo } from '../policy/policies.ts';
import type { PolicyDesk } from '../policy/policy-desk.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { ClientSession, SessionHandler } from '../sessions/client-session.ts';
import type { Journal } from '../stores/journal.ts';
import type { Backpressure } from './backpressure.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import { Lifetime } from './lifetime.ts';
import type { ListenerInfo } from './listener-info.ts';
import { Peer, type PeerCore } from './peer.ts';
import type { PublishHandler } from './publish-handler.ts';
import { type Credentials, Reauthentication } from './reauthentication.ts';
import type { SubscribeHandler } from './subscribe-handler.ts';
import { Throttle } from './throttle.ts';
import type { UnsubscribeHandler } from './unsubscribe-handler.ts';

/** After it has been slow, a subscriber gets no patience for so long. */
const NO_PATIENCE_MS = 10_000;
/** Times its bound that may wait for a subscriber while publishers are being stopped for it. */
const HARD_BOUND = 8;

/** What a client needs of its broker. */
export interface ClientCore extends PeerCore, Pick<PermissionHost, 'fromWall'> {
  readonly slab: Pick<Slab, 'isShort'>;
  readonly journal: Pick<Journal, 'append' | 'last' | 'waitToRelease'>;
  readonly router: { readonly routes: Pick<RouteTable, 'invalidateSession'> };
  readonly policies: Pick<PolicyDesk, 'generation' | 'mayConnect' | 'mayGoOn' | 'mayPublish' | 'maySubscribe'>;
  readonly permissions: Pick<DeliveryPermissions, 'revise'>;
}

/** What all clients share, and who is told of their end. */
export interface ClientDesk {
  readonly publishing: Pick<PublishHandler, 'handlePublish'>;
  readonly subscribing: Pick<SubscribeHandler, 'handleSubscribe'>;
  readonly unsubscribing: Pick<UnsubscribeHandler, 'handleUnsubscribe'>;
  readonly backpressure: Pick<Backpressure, 'countLater' | 'forget' | 'release'>;
  readonly gatekeeper: Pick<Gatekeeper, 'countFailedLogin' | 'hasRates'>;
  onClientClosed(client: Client, cause: CloseCause, now: number): void;
  onClientGone(client: Client): void;
}

/** What admission has found out of a client, and made for it. */
export interface Admitted {
  readonly peer: Pick<Peer, 'connection' | 'driver' | 'listener' | 'memberNumber' | 'output'>;
  readonly info: ClientInfo;
  readonly session: ClientSession;
  /** What was asked for and what was granted, as JSON that many share; see `Recorder.intern`. */
  readonly negotiated: string;
  /** Its CONNECT said that it is another broker (3.x). */
  readonly isBridge: boolean;
  /** What was asked because of it before; undefined: nothing. */
  readonly asker: Asker | undefined;
  /** Undefined: it cannot authenticate again. */
  readonly credentials: Credentials | undefined;
}

/** A client from its CONNACK on: what its packets do, and its end. */
export class Client extends Peer implements ServerSink, SessionHandler {
  readonly memberNumber: number;
  readonly connection: ServerConnection;
  readonly driver: ConnectionDriver;
  readonly output: Output;
  readonly listener: ListenerInfo;
  info: ClientInfo;
  readonly clientSession: ClientSession;
  readonly connectedAtMs: number;
  readonly negotiated: string;
  readonly isBridge: boolean;
  /** It does not read: QoS 0 for it is lost until it has caught up. */
  isSlow = false;
  /** Address of the connection that took the session over. */
  takenOverBy: string | undefined;
  /** The DISCONNECT of the client took its Will back. */
  willSettled = false;
  protected readonly core: ClientCore;
  readonly #desk: ClientDesk;
  readonly #reauthentication: Reauthentication | undefined;
  #lifetime: Lifetime | undefined;
  #asker: Asker | undefined;
  #permissions: PermissionCache | undefined;
  #throttle: Throttle | undefined;
  /** Publishers have been waiting for it. */
  #isWaitedFor = false;
  #noPatienceUntilMs = 0;
  #missed = 0;
  #missedTopic = '';

  constructor(core: ClientCore, desk: ClientDesk, admitted: Admitted, now: number) {
    super();
    const { peer, credentials } = admitted;
    this.core = core;
    this.#desk = desk;
    this.memberNumber = peer.memberNumber;
    this.connection = peer.connection;
    this.driver = peer.driver;
    this.output = peer.output;
    this.listener = peer.listener;
    this.info = admitted.info;
    this.clientSession = admitted.session;
    this.connectedAtMs = now;
    this.negotiated = admitted.negotiated;
    this.isBridge = admitted.isBridge;
    this.#asker = admitted.asker;
    this.#reauthentication = credentials && new Reauthentication(core, this, credentials);
  }

  protected get inputBound(): 'limits.inputBytesNode' {
    return 'limits.inputBytesNode';
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

  // From the peer.

  onAuth(packet: AuthPacket, now: number): void {
    if (this.#reauthentication !== undefined) this.#reauthentication.handleAuth(packet, now);
    else this.connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'auth-without-method' }, now);
  }

  onPublish(packet: PublishPacket, now: number): void {
    if (this.#desk.gatekeeper.hasRates) this.#countRate(packet.topic.length + packet.payload.length, now);
    this.#desk.publishing.handlePublish(this, packet, now);
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
    if (this.#desk.gatekeeper.hasRates) this.#countRate(0, now);
    this.#desk.subscribing.handleSubscribe(this, packet);
  }

  onUnsubscribe(packet: UnsubscribePacket, now: number): void {
    if (this.#desk.gatekeeper.hasRates) this.#countRate(0, now);
    this.#desk.unsubscribing.handleUnsubscribe(this, packet);
  }

  onDisconnect(packet: DisconnectPacket, now: number): void {
    // [MQTT311-3.14.4-3] [MQTT5-3.14.4-3]
    this.willSettled = packet.reasonCode === ReasonCode.NormalDisconnection;
    const expiry = packet.properties?.sessionExpiryInterval;
    if (expiry === undefined) return;
    const session = this.clientSession;
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

  onClosed(cause: CloseCause, now: number): void {
    this.countMissed();
    this.#asker?.end();
    this.#lifetime?.stop();
    this.#throttle?.stop();
    this.#desk.onClientClosed(this, cause, now);
  }

  // From the network.

  onWritable(now: number): void {
    this.countMissed();
    const session = this.clientSession;
    if (this.#isWaitedFor || this.isSlow) {
      this.#isWaitedFor = false;
      if (this.isSlow) {
        this.isSlow = false;
        this.#noPatienceUntilMs = now + NO_PATIENCE_MS;
        if (!session.ended) this.core.router.routes.invalidateSession(session);
      }
      this.#desk.backpressure.release();
    }
    session.session.pump(now);
    session.replays?.run(now);
  }

  onGone(): void {
    this.#desk.backpressure.forget(this.driver);
    this.#desk.onClientGone(this);
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
    this.core.router.routes.invalidateSession(this.clientSession);
    this.#desk.backpressure.release();
    return true;
  }

  miss(topic: string): void {
    if (this.#missed++ === 0) this.#desk.backpressure.countLater(this);
    this.#missedTopic = topic;
  }

  /** Tells of the messages it has missed since the last time. */
  countMissed(): void {
    const count = this.#missed;
    this.#missed = 0;
    if (count > 0) this.clientSession.countLost('slow-consumer', this.#missedTopic, 0, count);
  }

  takeOver(by: { readonly remoteAddress: string; readonly remotePort: number }): void {
    this.takenOverBy = `${by.remoteAddress}:${by.remotePort}`;
    this.disconnect('session-taken-over', ReasonCode.SessionTakenOver, { is: 'taken-over', by: this.takenOverBy });
  }

  // From its authentication.

  /** Ends the connection at `wallMs`, when its credentials do; undefined: they do not. */
  limitLifetime(wallMs: number | undefined): void {
    this.#lifetime?.stop();
    const { driverNode } = this.core;
    this.#lifetime =
      wallMs === undefined ? undefined : new Lifetime(driverNode.deadlines, this, this.core.fromWall(wallMs));
  }

  onCredentialsExpired(): void {
    this.core.counters.credentialsExpired++;
    this.disconnect('maximum-connect-time', ReasonCode.MaximumConnectTime, { is: 'credentials-expired' });
  }

  /** The same user goes on, with the rights and the time of its new credentials. */
  renew({ attributes, expiresAt }: AllowConnect): void {
    this.info = { ...this.info, attributes };
    this.clientSession.client = this.info;
    this.limitLifetime(expiresAt);
    this.core.permissions.revise(this.clientSession);
  }

  countFailedLogin(): void {
    this.#desk.gatekeeper.countFailedLogin(this.remoteAddress);
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

  #handlePubrel(packetIdentifier: number): void {
    const { isStored, number, session } = this.clientSession;
    // [MQTT311-4.3.3-2] [MQTT5-4.3.3-11] [MQTT5-4.3.3-12]
    if (!session.inbound.end(packetIdentifier)) {
      // [MQTT5-3.7.2-1]; in 3.x PUBCOMP has no Reason Code and ends the exchange. That it ended before may not be on disk yet.
      const ended = isStored ? this.core.journal.last : 0;
      this.connection.acknowledge(PacketType.PUBCOMP, packetIdentifier, ReasonCode.PacketIdentifierNotFound, ended);
      return;
    }
    const ticket = isStored
      ? this.core.journal.append({ kind: 'deleteInbound', session: number, packetIdentifier })
      : 0;
    this.connection.acknowledge(PacketType.PUBCOMP, packetIdentifier, 0, ticket);
  }

  #countRate(bytes: number, now: number): void {
    this.#throttle ??= new Throttle(this.core, this.driver, now);
    this.#throttle.count(bytes, now);
  }

  #wrongAck(name: string, packetIdentifier: number, now: number): void {
    const detail: CloseDetail = { is: 'acknowledgement-misplaced', packet: name, packetIdentifier };
    this.connection.fail('protocol-error', ReasonCode.ProtocolError, detail, now);
  }
}
