import { type AuthPacket, type ConnackProperties, type ConnectPacket, ReasonCode } from '@hawser/codec';
import type { CloseCode, CloseDetail, Ticket } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import type { Permission } from '../policy/answers.ts';
import { type AllowConnect, type ClientInfo, isPromise } from '../policy/policies.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import { willOf } from '../sessions/will.ts';
import { Authentication } from './authentication.ts';
import type { ClientHandler } from './client-handler.ts';
import { closeCodeOf } from './close-code-of.ts';
import { type ConnectRefusal, checkClientId, checkRoom, checkVersion } from './connect-checks.ts';
import { negotiate } from './negotiate.ts';

/** From a CONNECT to its CONNACK: checks, who it is, its Will, its session. */
export class Admission {
  readonly #handler: ClientHandler;
  readonly #core: BrokerCore;
  readonly #packet: ConnectPacket;
  #clientId: string;
  #assigned = false;
  #aborted = false;
  readonly #authentication: Authentication;

  constructor(handler: ClientHandler, packet: ConnectPacket) {
    this.#handler = handler;
    this.#core = handler.core;
    this.#packet = packet;
    this.#clientId = packet.clientId;
    this.#authentication = new Authentication(this, handler, packet);
  }

  abort(): void {
    this.#aborted = true;
  }

  begin(now: number): void {
    const packet = this.#packet;
    const { info } = this.#handler.driver.transport;
    const closed = this.#handler.intake.refusal(packet.clientId, info.remoteAddress);
    const refusal = closed ?? checkVersion(packet, this.#handler.listener) ?? this.#takeClientId();
    this.#handler.client = {
      clientId: this.#clientId,
      username: undefined,
      claimedUsername: packet.username,
      protocolVersion: packet.protocolVersion,
      remoteAddress: info.remoteAddress,
      remotePort: info.remotePort,
      listener: this.#handler.listener.url,
      tls: info.tls,
      userProperties: packet.properties?.userProperties ?? [],
    };
    if (refusal !== undefined) {
      this.refuse(refusal.reasonCode, refusal.detail, now, refusal.code);
      return;
    }
    this.#authentication.begin(now);
  }

  handleAuth(packet: AuthPacket, now: number): void {
    this.#authentication.handleAuth(packet, now);
  }

  /** Nothing of the client's is handled until the promise has settled. */
  whenSettled<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#handler.connection.suspend();
    this.#handler.resumeAfter(promise, (value) => {
      if (!this.#aborted) then(value);
    });
  }

  /** It is who it says. Credentials may be good for one Client Identifier alone. */
  allow(decision: AllowConnect, now: number): void {
    const { clientId } = decision;
    if (clientId !== undefined && clientId !== this.#clientId) {
      if (!this.#assigned) {
        this.refuse(ReasonCode.ClientIdentifierNotValid, { is: 'client-id-of-others' }, now);
        return;
      }
      this.#clientId = clientId;
    }
    this.#checkWill(decision, now);
  }

  refuse(reasonCode: number, detail: CloseDetail, now: number, code: CloseCode = closeCodeOf(reasonCode)): void {
    // [MQTT311-3.1.4-5] [MQTT5-3.1.4-2] [MQTT5-3.1.4-6] [MQTT5-4.12.0-4]
    this.#handler.connection.refuse(code, reasonCode, detail, now);
  }

  /** A Will that its client could not publish refuses the connection, before anybody relies on it. */
  #checkWill(decision: AllowConnect, now: number): void {
    const { asker, client } = this.#handler;
    const { will } = this.#packet;
    if (client === undefined) return;
    const confirmed = {
      ...client,
      clientId: this.#clientId,
      ...namesOf(this.#packet, decision),
      attributes: decision.attributes,
    };
    this.#handler.client = confirmed;
    if (will === undefined) {
      this.#open(decision, now);
      return;
    }
    const permitted = this.#core.policies.mayPublishWill(asker, confirmed, will);
    const finish = (permission: Permission): void => {
      if (permission.decision === 'allow') this.#open(decision, this.#core.now());
      else if (permission.decision === 'deny') {
        this.refuse(ReasonCode.NotAuthorized, { is: 'will-not-permitted', topic: will.topic }, this.#core.now());
      } else {
        this.refuse(ReasonCode.ServerUnavailable, { is: 'will-undecided' }, this.#core.now());
      }
    };
    if (isPromise(permitted)) this.whenSettled(permitted, finish);
    else finish(permitted);
  }

  /** One at a time for each Client Identifier: whoever has the session is cut off [MQTT5-3.1.4-3]. */
  #open(decision: AllowConnect, now: number): void {
    const core = this.#core;
    const packet = this.#packet;
    const known = core.registry.get(this.#clientId);
    const owned = this.#handler.listener.clientIds === 'same-principal' && known !== undefined;
    if (owned && known.username !== this.#handler.client?.username) {
      core.counters.foreignClientIds++;
      this.refuse(ReasonCode.NotAuthorized, { is: 'client-id-of-user' }, now);
      return;
    }
    const cannot = this.#cannotStore(known !== undefined && !packet.cleanStart);
    if (cannot !== undefined) {
      this.refuse(ReasonCode.QuotaExceeded, cannot, now);
      return;
    }
    const client = this.#handler.client;
    const taking = known?.holder === undefined ? undefined : known.client;
    const over = client && this.#handler.intake.gatekeeper.onIdentified(client, taking);
    if (over !== undefined) {
      this.refuse(over.reasonCode, over.detail, now, over.code);
      return;
    }
    const ticketBefore = core.journal.last;
    if (known?.holder !== undefined) {
      core.counters.takeovers++;
      // [MQTT311-3.1.4-2] [MQTT5-3.1.4-3]
      known.holder.takeOver(this.#handler.driver.transport.info);
    }
    const { session, present } = core.registry.open({
      clientId: this.#clientId,
      cleanStart: packet.cleanStart,
      protocolVersion: packet.protocolVersion,
      knowsOptions: packet.protocolVersion === 5 || packet.bridge,
      expiryInterval: this.#grantedExpiry(),
      username: this.#handler.client?.username,
      will: packet.will === undefined ? undefined : willOf(packet.will, this.#clientId, now),
    });
    session.holder = this.#handler;
    session.client = this.#handler.client;
    session.account();
    this.#handler.session = session;
    if (present) core.permissions.revise(session);
    const loading = session.load();
    const storing = this.#storing(ticketBefore);
    if (loading === undefined && storing === undefined) this.#accept(session, present, decision, now);
    else {
      const ready = Promise.all([loading, storing]).then(() => undefined, toError);
      this.whenSettled(ready, (failed) => this.#onLoaded(session, present, decision, failed));
    }
  }

  /** A session that would need more room in a store that has none: why not. One that is there already goes on. */
  #cannotStore(resumes: boolean): CloseDetail | undefined {
    const { guard, store } = this.#core;
    const isKept = this.#grantedExpiry() > 0;
    if (store === undefined || (!isKept && this.#packet.will === undefined)) return undefined;
    const cannot = (isKept && !resumes) || guard.isOverflowing ? guard.refusal : undefined;
    return cannot === undefined ? undefined : { is: 'session-not-kept', why: cannot };
  }

  /** A CONNACK says that session and Will are kept: they are on disk first. Not while the disk fails: who was there goes on. */
  #storing(ticketBefore: Ticket): Promise<void> | undefined {
    const { guard, journal, store } = this.#core;
    const { committed, last: lastTicket } = journal;
    const isWaiting = lastTicket > ticketBefore && lastTicket > committed;
    if (!isWaiting || store?.durable !== true || guard.refusal !== undefined) return undefined;
    return this.#core.journal.untilCommitted(lastTicket);
  }

  #onLoaded(session: ClientSession, present: boolean, decision: AllowConnect, failed: Error | undefined): void {
    const now = this.#core.now();
    if (failed === undefined) this.#accept(session, present, decision, now);
    else this.refuse(ReasonCode.ServerUnavailable, { is: 'session-unreadable', why: failed.message }, now);
  }

  #accept(session: ClientSession, present: boolean, decision: AllowConnect, now: number): void {
    const core = this.#core;
    const { connection, driver } = this.#handler;
    const { settings } = core;
    const packet = this.#packet;
    const maximum = settings['limits.keepAliveMax'];
    const five = packet.protocolVersion === 5;
    const capped = five && maximum > 0 && (packet.keepAlive === 0 || packet.keepAlive > maximum);
    // [MQTT5-3.1.2-21] [MQTT5-3.2.2-21] [MQTT5-3.2.2-22]
    const keepAlive = capped ? maximum : packet.keepAlive;
    const properties = five ? this.#connackProperties(session, decision, capped ? maximum : undefined) : undefined;
    const limits = {
      sessionPresent: present,
      keepAlive,
      receiveMaximum: settings['limits.receiveMaximum'],
      topicAliasMaximum: settings['limits.topicAliasMaximum'],
      properties,
    };
    // Should the CONNACK not fit, all is settled with the connection's end.
    if (!connection.accept(limits, now)) return;
    core.registry.onAccepted(session);
    session.handler = this.#handler;
    this.#handler.connectedAtMs = now;
    core.counters.connectionsAccepted++;
    this.#handler.limitLifetime(decision.expiresAt);
    this.#handler.intake.onAccepted(this.#handler);
    const client = this.#handler.client;
    if (core.observer.onConnected !== undefined && client !== undefined) {
      const negotiated = negotiate(packet, properties, {
        clientId: this.#clientId,
        keepAlive,
        sessionExpiryInterval: session.expiryInterval,
        receiveMaximum: five ? limits.receiveMaximum : 65_535,
        maximumPacketSize: settings['limits.maximumPacketSize'],
        topicAliasMaximum: five ? limits.topicAliasMaximum : 0,
      });
      this.#handler.negotiated = core.recorder.intern(negotiated);
      core.observer.onConnected({
        client,
        sessionPresent: present,
        cleanStart: packet.cleanStart,
        negotiated,
        at: core.wallNow(),
      });
    }
    session.attach(connection, five ? connection.peerReceiveMaximum : settings['limits.inflight3'], now);
    if (session.subscriptions.size > 0) core.router.routes.invalidateSession(session);
    driver.watchDeadline();
    this.#handler.onAdmitted(packet.properties?.authenticationMethod !== undefined);
  }

  #connackProperties(
    session: ClientSession,
    decision: AllowConnect,
    serverKeepAlive: number | undefined,
  ): ConnackProperties {
    const { settings } = this.#core;
    const asked = this.#packet.properties;
    const responseInformation =
      asked?.requestResponseInformation === true && settings.responseInformation !== ''
        ? settings.responseInformation.split('%c').join(this.#clientId)
        : undefined;
    const tells = asked?.requestProblemInformation !== false;
    const lost = tells && session.lost !== undefined ? Object.entries(session.lost) : [];
    if (tells) session.onLossesTold();
    const receiveMaximum = settings['limits.receiveMaximum'];
    return {
      sessionExpiryInterval:
        session.expiryInterval === (asked?.sessionExpiryInterval ?? 0) ? undefined : session.expiryInterval,
      receiveMaximum: receiveMaximum === 65_535 ? undefined : receiveMaximum,
      maximumPacketSize: settings['limits.maximumPacketSize'],
      assignedClientIdentifier: this.#assigned ? this.#clientId : undefined,
      topicAliasMaximum: settings['limits.topicAliasMaximum'] || undefined,
      serverKeepAlive,
      responseInformation,
      // [MQTT5-4.12.0-6]
      authenticationMethod: asked?.authenticationMethod,
      authenticationData: decision.authenticationData,
      userProperties:
        lost.length === 0 ? undefined : lost.map(([cause, count]) => [`lost-${cause}`, String(count)] as const),
    };
  }

  /** Its own, or one that is made for it. */
  #takeClientId(): ConnectRefusal | undefined {
    const core = this.#core;
    const bad = checkClientId(this.#packet, core.settings);
    if (bad !== undefined) return bad;
    if (this.#clientId === '') {
      // [MQTT311-3.1.3-6] [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
      this.#clientId = core.newClientId();
      this.#assigned = true;
    }
    return checkRoom(core, this.#clientId);
  }

  #grantedExpiry(): number {
    const { settings } = this.#core;
    const packet = this.#packet;
    if (packet.protocolVersion !== 5) return packet.cleanStart ? 0 : settings['sessions.expiry3'];
    return Math.min(packet.properties?.sessionExpiryInterval ?? 0, settings['sessions.expiryMax']);
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
