import {
  type AuthPacket,
  type ConnackProperties,
  type ConnectPacket,
  encodeUtf8,
  type PublishProperties,
  ReasonCode,
  reasonCodeName,
  type WillMessage,
} from '@hawser/codec';
import { Message, type Ticket } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import { ask } from '../policy/ask.ts';
import {
  ALLOW_CONNECT,
  type AllowConnect,
  type AuthenticationDecision,
  type Authenticator,
  type ContinueConnect,
  type Decision,
  type DenyConnect,
  isPromise,
} from '../policy/policies.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Will } from '../sessions/will.ts';
import type { ClientHandler } from './client-handler.ts';
import { negotiate } from './negotiate.ts';

const POLICY_FAILED: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: ReasonCode.ServerUnavailable,
  reason: 'the server could not check who this is; try again later',
});

interface Refusal {
  /** Absent: the name of the Reason Code. */
  readonly code?: string;
  readonly reasonCode: number;
  readonly text: string;
}

/** From a CONNECT to its CONNACK: checks, authentication, the session; and authentication again later on. */
export class Admission {
  readonly #handler: ClientHandler;
  readonly #core: BrokerCore;
  readonly #packet: ConnectPacket;
  #clientId: string;
  #assigned = false;
  /** An exchange of AUTH packets is under way. */
  #continuing: ContinueConnect | undefined;
  #again = false;
  #aborted = false;

  constructor(handler: ClientHandler, packet: ConnectPacket) {
    this.#handler = handler;
    this.#core = handler.core;
    this.#packet = packet;
    this.#clientId = packet.clientId;
  }

  abort(): void {
    this.#aborted = true;
  }

  begin(now: number): void {
    const packet = this.#packet;
    const { info } = this.#handler.driver.transport;
    const closed = this.#handler.intake.refusal(packet.clientId, info.remoteAddress);
    const refusal = closed ?? this.#checkVersion() ?? this.#checkClientId();
    this.#handler.client = {
      clientId: this.#clientId,
      username: packet.username,
      protocolVersion: packet.protocolVersion,
      remoteAddress: info.remoteAddress,
      remotePort: info.remotePort,
      listener: this.#handler.listener.url,
      tls: info.tls,
      userProperties: packet.properties?.userProperties ?? [],
    };
    if (refusal !== undefined) {
      this.#refuse(refusal.reasonCode, refusal.text, now, refusal.code);
      return;
    }
    const method = packet.properties?.authenticationMethod;
    if (method !== undefined && this.#authenticator === undefined) {
      // [MQTT5-4.12.0-1]
      this.#refuse(ReasonCode.BadAuthenticationMethod, `the authentication method ${method} is not known here`, now);
      return;
    }
    if (this.#authenticator === undefined) {
      if (packet.username !== undefined || packet.password !== undefined)
        this.#handler.intake.warnOfIgnoredCredentials();
      this.#checkWill(ALLOW_CONNECT, now);
      return;
    }
    this.#handleDecision(this.#authenticate(packet.properties?.authenticationData), now);
  }

  handleAuth(packet: AuthPacket, now: number): void {
    const { connection } = this.#handler;
    const method = packet.properties?.authenticationMethod;
    const agreed = this.#packet.properties?.authenticationMethod;
    if (agreed === undefined || method === undefined) {
      // [MQTT5-4.12.0-7]; section 3.15.2.2.2
      const text = `AUTH with the method ${method ?? 'none'}, the CONNECT had ${agreed ?? 'none'}`;
      connection.fail('protocol-error', ReasonCode.ProtocolError, text, now);
      return;
    }
    if (method !== agreed) {
      // [MQTT5-4.12.0-5] [MQTT5-4.12.1-1]; 0x8C is for a method that "does not match the method currently in use" (section 2.4)
      const text = `AUTH with the method ${method}, the CONNECT had ${agreed}`;
      connection.fail('bad-authentication-method', ReasonCode.BadAuthenticationMethod, text, now);
      return;
    }
    const data = packet.properties?.authenticationData;
    if (packet.reasonCode === ReasonCode.ReAuthenticate && connection.isConnected && this.#continuing === undefined) {
      this.#again = true;
      this.#handleDecision(this.#authenticate(data), now);
      return;
    }
    const continuing = this.#continuing;
    if (packet.reasonCode !== ReasonCode.ContinueAuthentication || continuing === undefined) {
      connection.fail('protocol-error', ReasonCode.ProtocolError, 'an AUTH that nothing had asked for', now);
      return;
    }
    this.#continuing = undefined;
    this.#handleDecision(
      this.#ask((signal) => continuing.next(data, signal)),
      now,
    );
  }

  get #authenticator(): Authenticator | undefined {
    return this.#handler.listener.authenticate ?? this.#core.authenticate;
  }

  #authenticate(authenticationData: Uint8Array | undefined): AuthenticationDecision | Promise<AuthenticationDecision> {
    const authenticate = this.#authenticator;
    const { client } = this.#handler;
    if (authenticate === undefined || client === undefined) return ALLOW_CONNECT;
    return this.#ask((signal) =>
      authenticate(
        {
          client,
          password: this.#packet.password,
          authenticationMethod: this.#packet.properties?.authenticationMethod,
          authenticationData,
          again: this.#again,
        },
        signal,
      ),
    );
  }

  #ask(policy: (signal: AbortSignal) => AuthenticationDecision | Promise<AuthenticationDecision>) {
    const { settings, driverNode, observer } = this.#core;
    return ask<AuthenticationDecision>(
      policy,
      POLICY_FAILED,
      settings['policy.timeout'] * 1000,
      driverNode.clock,
      (text) =>
        observer.onWarning?.('authenticator-failed', `nobody could say whether ${this.#clientId} may connect: ${text}`),
    );
  }

  #handleDecision(decision: AuthenticationDecision | Promise<AuthenticationDecision>, now: number): void {
    if (!isPromise(decision)) {
      this.#decided(decision, now);
      return;
    }
    this.#whenSettled(decision, (decided) => this.#decided(decided, this.#core.now()));
  }

  /** Nothing of the client's is handled until the promise has settled. */
  #whenSettled<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#handler.connection.suspend();
    this.#handler.resumeAfter(promise, (value) => {
      if (!this.#aborted) then(value);
    });
  }

  #decided(decision: AuthenticationDecision, now: number): void {
    if (decision.kind === 'deny') {
      // [MQTT5-4.12.1-2]
      if (this.#again) this.#refuseAgain(decision, now);
      else this.#refuse(decision.reasonCode, decision.reason, now);
    } else if (decision.kind === 'continue') {
      this.#continuing = decision;
      // [MQTT5-4.12.0-2]
      this.#writeAuth(ReasonCode.ContinueAuthentication, decision.authenticationData);
    } else if (this.#again) this.#allowAgain(decision, now);
    else this.#allowClientId(decision, now);
  }

  /** A DISCONNECT cannot say 0x86 (section 3.14.2.1): 0x87 stands for it. */
  #refuseAgain({ reasonCode, reason }: DenyConnect, now: number): void {
    const code = reasonCode === ReasonCode.BadUserNameOrPassword ? ReasonCode.NotAuthorized : reasonCode;
    this.#handler.connection.disconnect(reasonCodeName(code), code, reason, now);
  }

  /** The same user goes on, with the rights and the time of its new credentials. */
  #allowAgain(decision: AllowConnect, now: number): void {
    const { client, connection, session } = this.#handler;
    if (client === undefined || session === undefined) return;
    if (decision.username !== undefined && decision.username !== client.username) {
      const text = `authenticated again as another user than ${client.username ?? 'nobody'}`;
      connection.disconnect('not-authorized', ReasonCode.NotAuthorized, text, now);
      return;
    }
    this.#handler.client = { ...client, attributes: decision.attributes };
    session.client = this.#handler.client;
    this.#handler.limitLifetime(decision.expiresAt);
    this.#core.permissions.revise(session);
    this.#writeAuth(ReasonCode.Success, decision.authenticationData);
  }

  /** Credentials may be good for one Client Identifier alone. */
  #allowClientId(decision: AllowConnect, now: number): void {
    const { clientId } = decision;
    if (clientId !== undefined && clientId !== this.#clientId) {
      if (!this.#assigned) {
        this.#refuse(ReasonCode.ClientIdentifierNotValid, 'these credentials are for another Client Identifier', now);
        return;
      }
      this.#clientId = clientId;
    }
    this.#checkWill(decision, now);
  }

  #writeAuth(reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const authenticationMethod = this.#packet.properties?.authenticationMethod;
    this.#handler.connection.write({
      type: 'auth',
      reasonCode,
      properties: { authenticationMethod, authenticationData },
    });
  }

  /** A Will that its client could not publish refuses the connection, before anybody relies on it. */
  #checkWill(decision: AllowConnect, now: number): void {
    const { authorize, settings, driverNode, observer } = this.#core;
    const { will } = this.#packet;
    const client = this.#handler.client;
    if (client !== undefined) {
      const { username = client.username, attributes } = decision;
      this.#handler.client = { ...client, clientId: this.#clientId, username, attributes };
    }
    if (will === undefined || authorize === undefined || this.#handler.client === undefined) {
      this.#open(decision, now);
      return;
    }
    const request = {
      client: this.#handler.client,
      action: 'publish' as const,
      topic: will.topic,
      qos: will.qos,
      retain: will.retain,
    };
    const permitted = ask<Decision>(
      (signal) => authorize(request, signal),
      'deny',
      settings['policy.timeout'] * 1000,
      driverNode.clock,
      (text) => observer.onWarning?.('authorizer-failed', `no permission for the Will of ${this.#clientId}: ${text}`),
    );
    const finish = (allowed: Decision): void => {
      if (allowed === 'allow') this.#open(decision, this.#core.now());
      else
        this.#refuse(
          ReasonCode.NotAuthorized,
          `publishing the Will to ${will.topic} is not permitted`,
          this.#core.now(),
        );
    };
    if (isPromise(permitted)) this.#whenSettled(permitted, finish);
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
      this.#refuse(ReasonCode.NotAuthorized, 'this Client Identifier belongs to another user', now);
      return;
    }
    const cannot = this.#cannotStore(known !== undefined && !packet.cleanStart);
    if (cannot !== undefined) {
      this.#refuse(ReasonCode.QuotaExceeded, cannot, now);
      return;
    }
    const client = this.#handler.client;
    const taking = known?.handler === undefined ? undefined : known.client;
    const over = client && this.#handler.intake.gatekeeper.onIdentified(client, taking);
    if (over !== undefined) {
      this.#refuse(over.reasonCode, over.text, now);
      return;
    }
    const ticketBefore = core.lastTicket;
    if (known?.handler !== undefined) {
      core.counters.takeovers++;
      // [MQTT311-3.1.4-2] [MQTT5-3.1.4-3]
      known.handler.takeOver(this.#handler.driver.transport.info);
    }
    const { session, present } = core.registry.open({
      clientId: this.#clientId,
      cleanStart: packet.cleanStart,
      protocolVersion: packet.protocolVersion,
      expiryInterval: this.#grantedExpiry(),
      username: this.#handler.client?.username,
      will: packet.will === undefined ? undefined : willOf(packet.will, this.#clientId, now),
    });
    session.handler = this.#handler;
    session.client = this.#handler.client;
    session.account();
    this.#handler.session = session;
    if (present) core.permissions.revise(session);
    const loading = session.load();
    const storing = this.#storing(ticketBefore);
    if (loading === undefined && storing === undefined) this.#accept(session, present, decision, now);
    else {
      const ready = Promise.all([loading, storing]).then(() => undefined, toError);
      this.#whenSettled(ready, (failed) => this.#onLoaded(session, present, decision, failed));
    }
  }

  /** A session that would need more room in a store that has none: why not. One that is there already goes on. */
  #cannotStore(resumes: boolean): string | undefined {
    const { guard, store } = this.#core;
    const isKept = this.#grantedExpiry() > 0;
    if (store === undefined || (!isKept && this.#packet.will === undefined)) return undefined;
    const cannot = (isKept && !resumes) || guard.isOverflowing ? guard.refusal : undefined;
    return cannot === undefined ? undefined : `the session cannot be kept: ${cannot}`;
  }

  /** A CONNACK says that session and Will are kept: they are on disk first. Not while the disk fails: who was there goes on. */
  #storing(ticketBefore: Ticket): Promise<void> | undefined {
    const { committed, guard, lastTicket, store } = this.#core;
    const isWaiting = lastTicket > ticketBefore && lastTicket > committed;
    if (!isWaiting || store?.durable !== true || guard.refusal !== undefined) return undefined;
    return this.#core.untilCommitted(lastTicket);
  }

  #onLoaded(session: ClientSession, present: boolean, decision: AllowConnect, failed: Error | undefined): void {
    const now = this.#core.now();
    if (failed === undefined) this.#accept(session, present, decision, now);
    else this.#refuse(ReasonCode.ServerUnavailable, `the session could not be read or kept: ${failed.message}`, now);
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
    session.session.attach(connection, five ? connection.peerReceiveMaximum : settings['limits.inflight3'], now);
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
        ? settings.responseInformation.replaceAll('%c', this.#clientId)
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

  #grantedExpiry(): number {
    const { settings } = this.#core;
    const packet = this.#packet;
    if (packet.protocolVersion !== 5) return packet.cleanStart ? 0 : settings['sessions.expiry3'];
    return Math.min(packet.properties?.sessionExpiryInterval ?? 0, settings['sessions.expiryMax']);
  }

  #checkVersion(): Refusal | undefined {
    const { protocolVersion } = this.#packet;
    const { versions, url } = this.#handler.listener;
    if (versions === undefined || versions.includes(protocolVersion)) return undefined;
    return {
      reasonCode: ReasonCode.UnsupportedProtocolVersion,
      text: `the listener ${url} does not take this protocol version`,
    };
  }

  #checkClientId(): Refusal | undefined {
    const { settings, registry } = this.#core;
    const packet = this.#packet;
    // [MQTT5-3.1.3-8] [MQTT311-3.1.3-5] [MQTT5-3.1.3-5]
    const bad = (text: string): Refusal => ({ reasonCode: ReasonCode.ClientIdentifierNotValid, text });
    if (packet.clientId === '') {
      if (packet.protocolVersion === 3) return bad('MQTT 3.1 needs a Client Identifier of 1 to 23 characters');
      // [MQTT311-3.1.3-8]
      // [MQTT311-3.1.3-7] [MQTT311-3.1.3-9]
      if (packet.protocolVersion === 4 && !packet.cleanStart)
        return bad('an empty Client Identifier needs Clean Session 1');
      // [MQTT311-3.1.3-6] [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
      this.#clientId = this.#core.newClientId();
      this.#assigned = true;
    } else if (packet.protocolVersion === 3 && packet.clientId.length > 23 && !settings['limits.clientIdLong31']) {
      return bad(
        `MQTT 3.1 allows 23 characters in a Client Identifier, this has ${packet.clientId.length} (limits.clientIdLong31 allows more)`,
      );
    } else if (encodeUtf8(packet.clientId).length > settings['limits.clientIdBytes']) {
      return bad(`a Client Identifier may have ${settings['limits.clientIdBytes']} bytes here`);
    }
    if (registry.get(this.#clientId) === undefined && registry.size >= settings['sessions.max']) {
      this.#core.counters.quotaRefusals++;
      return {
        reasonCode: ReasonCode.QuotaExceeded,
        text: `there are ${registry.size} sessions already (sessions.max)`,
      };
    }
    if (registry.get(this.#clientId) === undefined && registry.stateBytes >= settings['sessions.bytes']) {
      this.#core.counters.quotaRefusals++;
      return {
        reasonCode: ReasonCode.QuotaExceeded,
        text: 'the sessions there are take all the memory they may (sessions.bytes)',
      };
    }
    return undefined;
  }

  #refuse(reasonCode: number, text: string, now: number, code = reasonCodeName(reasonCode)): void {
    // [MQTT311-3.1.4-5] [MQTT5-3.1.4-2] [MQTT5-3.1.4-6] [MQTT5-4.12.0-4]
    this.#handler.connection.refuse(code, reasonCode, text, now);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function willOf(will: WillMessage, publisher: string, now: number): Will {
  const { willDelayInterval = 0, ...properties } = will.properties ?? {};
  const message = new Message(
    {
      topic: { name: will.topic, bytes: encodeUtf8(will.topic) },
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: Object.keys(properties).length === 0 ? undefined : (properties satisfies PublishProperties),
      publisher,
      receivedAtMs: now,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    false,
  );
  return { message: message.keep(), delayInterval: willDelayInterval ?? 0, dueAtMs: Number.POSITIVE_INFINITY };
}
