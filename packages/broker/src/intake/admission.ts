import { type AuthPacket, type ConnectPacket, ReasonCode } from '@hawser/codec';
import type { CloseCode, CloseDetail, Ticket } from '@hawser/protocol';
import type { Permission } from '../policy/answers.ts';
import type { Asker } from '../policy/asker.ts';
import {
  ALLOW_ANONYMOUS,
  type AllowConnect,
  type Authenticator,
  type ClientInfo,
  type DenyConnect,
  isPromise,
} from '../policy/policies.ts';
import type { PolicyDesk } from '../policy/policy-desk.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { ClientSession, SessionHolder } from '../sessions/client-session.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import { willOf } from '../sessions/will.ts';
import type { Journal } from '../stores/journal.ts';
import type { Store } from '../stores/store.ts';
import type { StoreGuard } from '../stores/store-guard.ts';
import { type Authenticated, Authentication, detailOf } from './authentication.ts';
import { Client, type ClientCore, type ClientDesk } from './client.ts';
import { closeCodeOf } from './close-code-of.ts';
import { connackProperties, grantedExpiry, grantedKeepAlive, wantsProblemInformation } from './connack.ts';
import { type ConnectRefusal, checkClientId, checkRoom, checkVersion } from './connect-checks.ts';
import type { Gatekeeper, GateRefusal } from './gatekeeper.ts';
import { type InForce, negotiate } from './negotiate.ts';
import type { Peer } from './peer.ts';

/** What admission needs of its broker. */
export interface AdmissionCore extends ClientCore {
  readonly policies: ClientCore['policies'] & Pick<PolicyDesk, 'authenticate' | 'mayPublishWill'>;
  readonly registry: Pick<SessionRegistry, 'get' | 'onAccepted' | 'onDisconnected' | 'open' | 'size' | 'stateBytes'>;
  readonly journal: ClientCore['journal'] & Pick<Journal, 'committed' | 'untilCommitted'>;
  readonly guard: Pick<StoreGuard, 'isOverflowing' | 'refusal'>;
  readonly store: Pick<Store, 'durable'> | undefined;
  readonly recorder: Pick<Recorder, 'intern'>;
  wallNow(): number;
  /** Random Client Identifier for a client that has none. */
  newClientId(): string;
}

/** What all admissions share. */
export interface AdmissionDesk extends ClientDesk {
  readonly gatekeeper: ClientDesk['gatekeeper'] & Pick<Gatekeeper, 'onIdentified'>;
  /** Why nobody can be let in at all now. */
  refusal(clientId: string, address: string): GateRefusal | undefined;
  warnOfIgnoredCredentials(): void;
}

/** The connection that is to be let in. */
export interface Arriving
  extends SessionHolder,
    Pick<Peer, 'connection' | 'driver' | 'listener' | 'memberNumber' | 'output' | 'whenSettled'> {
  readonly askerSoFar: Asker | undefined;
  /** The CONNACK is out. */
  onAdmitted(client: Client): void;
}

/** The session that was opened for a client. */
interface Opened {
  readonly session: ClientSession;
  /** It was there before. */
  readonly present: boolean;
}

/** From a CONNECT to its CONNACK: checks, who it is, its Will, its session. What comes out is a Client, or a refusal. */
export class Admission implements Authenticated {
  /** As far as it is known: the name of the user is confirmed with the Authenticator's answer. */
  info: ClientInfo;
  readonly #core: AdmissionCore;
  readonly #desk: AdmissionDesk;
  readonly #arriving: Arriving;
  readonly #packet: ConnectPacket;
  readonly #authenticate: Authenticator | undefined;
  /** Undefined: nobody was asked. */
  #authentication: Authentication | undefined;
  #opened: Opened | undefined;

  constructor(core: AdmissionCore, desk: AdmissionDesk, arriving: Arriving, packet: ConnectPacket) {
    const { listener, driver } = arriving;
    const { remoteAddress, remotePort, tls } = driver.transport.info;
    this.#core = core;
    this.#desk = desk;
    this.#arriving = arriving;
    this.#packet = packet;
    this.#authenticate = listener.authenticate ?? core.policies.authenticate;
    this.info = {
      clientId: packet.clientId,
      username: undefined,
      claimedUsername: packet.username,
      protocolVersion: packet.protocolVersion,
      remoteAddress,
      remotePort,
      listener: listener.url,
      tls,
      userProperties: packet.properties?.userProperties ?? [],
    };
  }

  get asker(): Asker {
    return this.#arriving.asker;
  }

  get connection(): Arriving['connection'] {
    return this.#arriving.connection;
  }

  whenSettled<T>(promise: Promise<T>, then: (value: T) => unknown): void {
    this.#arriving.whenSettled(promise, then);
  }

  begin(now: number): void {
    const packet = this.#packet;
    const refusal: ConnectRefusal | undefined =
      this.#desk.refusal(packet.clientId, this.info.remoteAddress) ??
      checkVersion(packet, this.#arriving.listener) ??
      checkClientId(packet, this.#core.settings) ??
      this.#checkRoom();
    if (refusal !== undefined) this.#refuse(refusal.reasonCode, refusal.detail, now, refusal.code);
    else this.#ask(now);
  }

  handleAuth(packet: AuthPacket, now: number): void {
    if (this.#authentication !== undefined) this.#authentication.handleAuth(packet, now);
    else this.connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'auth-without-method' }, now);
  }

  /** The connection has ended without a CONNACK: its session is as before. */
  giveUp(): void {
    const session = this.#opened?.session;
    if (session !== undefined && session.holder === this.#arriving) this.#core.registry.onDisconnected(session, false);
  }

  /** It is who it says. Credentials may be good for one Client Identifier alone. */
  onAllowed(decision: AllowConnect, now: number): void {
    const clientId = decision.clientId ?? this.info.clientId;
    if (clientId !== this.info.clientId && !this.#isAssigned) {
      this.#refuse(ReasonCode.ClientIdentifierNotValid, { is: 'client-id-of-others' }, now);
      return;
    }
    this.info = { ...this.info, clientId, ...namesOf(this.#packet, decision), attributes: decision.attributes };
    this.#checkWill(decision, now);
  }

  onDenied(decision: DenyConnect, now: number): void {
    this.#refuse(decision.reasonCode, detailOf(decision), now);
  }

  #refuse(reasonCode: number, detail: CloseDetail, now: number, code: CloseCode = closeCodeOf(reasonCode)): void {
    // [MQTT311-3.1.4-5] [MQTT5-3.1.4-2] [MQTT5-3.1.4-6] [MQTT5-4.12.0-4]
    this.connection.refuse(code, reasonCode, detail, now);
  }

  /** Whether there is room for the client's session. */
  #checkRoom(): ConnectRefusal | undefined {
    // [MQTT311-3.1.3-6] [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
    if (this.#isAssigned) this.info = { ...this.info, clientId: this.#core.newClientId() };
    return checkRoom(this.#core, this.info.clientId);
  }

  /** Who it is. */
  #ask(now: number): void {
    const { username, password, properties } = this.#packet;
    const method = properties?.authenticationMethod;
    const authenticate = this.#authenticate;
    if (authenticate === undefined && method !== undefined) {
      // [MQTT5-4.12.0-1]
      this.#refuse(ReasonCode.BadAuthenticationMethod, { is: 'method-unknown', method }, now);
    } else if (authenticate === undefined) {
      if (username !== undefined || password !== undefined) this.#desk.warnOfIgnoredCredentials();
      this.onAllowed(ALLOW_ANONYMOUS, now);
    } else {
      this.#authentication = new Authentication(this.#core, this, authenticate, method);
      const request = {
        // What is to be checked.
        client: { ...this.info, username },
        password,
        authenticationMethod: method,
        authenticationData: properties?.authenticationData,
        again: false,
      };
      this.#authentication.begin(request, now);
    }
  }

  /** A Will that its client could not publish refuses the connection, before anybody relies on it. */
  #checkWill(decision: AllowConnect, now: number): void {
    const { will } = this.#packet;
    if (will === undefined) {
      this.#open(decision, now);
      return;
    }
    const finish = (permission: Permission): void => {
      const at = this.#core.now();
      if (permission.decision === 'allow') this.#open(decision, at);
      else if (permission.decision === 'deny')
        this.#refuse(ReasonCode.NotAuthorized, { is: 'will-not-permitted', topic: will.topic }, at);
      else this.#refuse(ReasonCode.ServerUnavailable, { is: 'will-undecided' }, at);
    };
    const permitted = this.#core.policies.mayPublishWill(this.asker, this.info, will);
    if (isPromise(permitted)) this.whenSettled(permitted, finish);
    else finish(permitted);
  }

  /** One at a time for each Client Identifier: whoever has the session is cut off [MQTT5-3.1.4-3]. */
  #open(decision: AllowConnect, now: number): void {
    const { counters, journal, permissions, registry } = this.#core;
    const packet = this.#packet;
    const { clientId, username } = this.info;
    const known = registry.get(clientId);
    const refusal = this.#refusal(known);
    if (refusal !== undefined) {
      this.#refuse(refusal.reasonCode, refusal.detail, now, refusal.code);
      return;
    }
    const ticketBefore = journal.last;
    if (known?.holder !== undefined) {
      counters.takeovers++;
      // [MQTT311-3.1.4-2] [MQTT5-3.1.4-3]
      known.holder.takeOver(this.#arriving.driver.transport.info);
    }
    const opened = registry.open({
      clientId,
      cleanStart: packet.cleanStart,
      protocolVersion: packet.protocolVersion,
      knowsOptions: packet.protocolVersion === 5 || packet.bridge,
      expiryInterval: this.#expiry,
      username,
      will: packet.will === undefined ? undefined : willOf(packet.will, clientId, now),
    });
    const { session, present } = opened;
    this.#opened = opened;
    session.holder = this.#arriving;
    session.client = this.info;
    session.account();
    if (present) permissions.revise(session);
    const loading = session.load();
    const storing = this.#storing(ticketBefore);
    if (loading === undefined && storing === undefined) this.#accept(opened, decision, now);
    else {
      const ready = Promise.all([loading, storing]).then(() => undefined, toError);
      this.whenSettled(ready, (failed) => this.#onLoaded(opened, decision, failed));
    }
  }

  /** Why the client may not have the session, or can't be given one. */
  #refusal(known: ClientSession | undefined): ConnectRefusal | undefined {
    const { counters } = this.#core;
    if (known !== undefined && this.#arriving.listener.clientIds === 'same-principal') {
      if (known.username !== this.info.username) {
        counters.foreignClientIds++;
        return { reasonCode: ReasonCode.NotAuthorized, detail: { is: 'client-id-of-user' } };
      }
    }
    const cannot = this.#cannotStore(known !== undefined && !this.#packet.cleanStart);
    if (cannot !== undefined) return { reasonCode: ReasonCode.QuotaExceeded, detail: cannot };
    const taking = known?.holder === undefined ? undefined : known.client;
    return this.#desk.gatekeeper.onIdentified(this.info, taking);
  }

  /** A session that would need more room in a store that has none: why not. One that is there already goes on. */
  #cannotStore(resumes: boolean): CloseDetail | undefined {
    const { guard, store } = this.#core;
    const isKept = this.#expiry > 0;
    if (store === undefined || (!isKept && this.#packet.will === undefined)) return undefined;
    const cannot = (isKept && !resumes) || guard.isOverflowing ? guard.refusal : undefined;
    return cannot === undefined ? undefined : { is: 'session-not-kept', why: cannot };
  }

  /** A CONNACK says that session and Will are kept: they are on disk first. Not while the disk fails: who was there goes on. */
  #storing(ticketBefore: Ticket): Promise<void> | undefined {
    const { guard, journal, store } = this.#core;
    const { committed, last } = journal;
    const isWaiting = last > ticketBefore && last > committed;
    if (!isWaiting || store?.durable !== true || guard.refusal !== undefined) return undefined;
    return journal.untilCommitted(last);
  }

  #onLoaded(opened: Opened, decision: AllowConnect, failed: Error | undefined): void {
    const now = this.#core.now();
    if (failed === undefined) this.#accept(opened, decision, now);
    else this.#refuse(ReasonCode.ServerUnavailable, { is: 'session-unreadable', why: failed.message }, now);
  }

  #accept({ session, present }: Opened, decision: AllowConnect, now: number): void {
    const core = this.#core;
    const { counters, observer, registry, router, settings } = core;
    const packet = this.#packet;
    const { connection, driver } = this.#arriving;
    const five = packet.protocolVersion === 5;
    const { keepAlive, serverKeepAlive } = grantedKeepAlive(packet, settings);
    const tells = five && wantsProblemInformation(packet);
    const properties = five
      ? connackProperties(packet, settings, {
          clientId: this.info.clientId,
          isAssigned: this.#isAssigned,
          sessionExpiryInterval: session.expiryInterval,
          serverKeepAlive,
          authenticationData: decision.authenticationData,
          lost: tells ? session.lost : undefined,
        })
      : undefined;
    if (tells) session.onLossesTold();
    const receiveMaximum = settings['limits.receiveMaximum'];
    const topicAliasMaximum = settings['limits.topicAliasMaximum'];
    const negotiated = negotiate(packet, properties, {
      clientId: this.info.clientId,
      keepAlive,
      sessionExpiryInterval: session.expiryInterval,
      receiveMaximum: five ? receiveMaximum : 65_535,
      maximumPacketSize: settings['limits.maximumPacketSize'],
      topicAliasMaximum: five ? topicAliasMaximum : 0,
    } satisfies InForce);
    const client = this.#clientOf(session, core.recorder.intern(negotiated), now);
    const limits = { sessionPresent: present, keepAlive, receiveMaximum, topicAliasMaximum, properties };
    // Should the CONNACK not fit, all is settled with the connection's end.
    if (!connection.accept(limits, client, now)) return;
    registry.onAccepted(session);
    session.holder = client;
    session.handler = client;
    counters.connectionsAccepted++;
    client.limitLifetime(decision.expiresAt);
    this.#arriving.onAdmitted(client);
    const { cleanStart } = packet;
    observer.onConnected?.({ client: this.info, sessionPresent: present, cleanStart, negotiated, at: core.wallNow() });
    // The observer may have ended it.
    if (connection.closeCause !== undefined) return;
    session.attach(connection, five ? connection.peerReceiveMaximum : settings['limits.inflight3'], now);
    if (session.subscriptions.size > 0) router.routes.invalidateSession(session);
    driver.watchDeadline();
  }

  #clientOf(session: ClientSession, negotiated: string, now: number): Client {
    const { bridge, password, properties } = this.#packet;
    const method = properties?.authenticationMethod;
    const authenticate = this.#authenticate;
    const credentials =
      method === undefined || authenticate === undefined ? undefined : { authenticate, method, password };
    const { askerSoFar: asker } = this.#arriving;
    return new Client(
      this.#core,
      this.#desk,
      { peer: this.#arriving, info: this.info, session, negotiated, isBridge: bridge, asker, credentials },
      now,
    );
  }

  /** The client leaves it to the broker what its Client Identifier is. */
  get #isAssigned(): boolean {
    return this.#packet.clientId === '';
  }

  get #expiry(): number {
    return grantedExpiry(this.#packet, this.#core.settings);
  }
}

/** A name that nobody has checked is no name: it is only told. */
function namesOf(
  { username: claimed }: ConnectPacket,
  { anonymous, username }: AllowConnect,
): Pick<ClientInfo, 'username' | 'claimedUsername'> {
  if (username !== undefined) return { username, claimedUsername: undefined };
  return anonymous === true
    ? { username: undefined, claimedUsername: claimed }
    : { username: claimed, claimedUsername: undefined };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
