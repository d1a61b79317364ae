import { PacketType, type PublishPacket, ReasonCode } from '@hawser/codec';
import { type CloseCode, type CloseDetail, NO_TICKET, type ServerConnection, type Ticket } from '@hawser/protocol';
import { causeText } from '../causes/cause-text.ts';
import type { TurnBudget } from '../node/turn-budget.ts';
import { WORK_OF_REFUSAL } from '../node/work-kinds.ts';
import { ALLOWED, type Permission } from '../policy/answers.ts';
import type { Asker } from '../policy/asker.ts';
import type { PermissionCache } from '../policy/permission-cache.ts';
import { type ClientInfo, isPromise } from '../policy/policies.ts';
import type { PolicyDesk } from '../policy/policy-desk.ts';
import { isOfServer } from '../policy/server-topics.ts';
import type { Counters } from '../recorder/counters.ts';
import { FramedPublication } from '../routing/publication.ts';
import type { RetainedMessages } from '../routing/retained-messages.ts';
import type { Routed, Router } from '../routing/router.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Settings } from '../settings.ts';
import type { Journal } from '../stores/journal.ts';
import type { StoreGuard } from '../stores/store-guard.ts';
import type { Backpressure, Pausable } from './backpressure.ts';
import { reasonString } from './reason-string.ts';

/** What taking a message needs of the broker. */
export interface PublishCore {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly driverNode: { readonly turn: Pick<TurnBudget, 'spend'> };
  readonly policies: Pick<PolicyDesk, 'authorize' | 'intercept' | 'mayPass'>;
  readonly router: Pick<Router, 'mostStoreBytes' | 'publish' | 'refuses' | 'storeBytes'> & {
    readonly retained: Pick<RetainedMessages, 'hasRoom'>;
  };
  readonly guard: Pick<StoreGuard, 'isSlow' | 'refusalOf'>;
  readonly journal: Pick<Journal, 'append' | 'beginGroup' | 'endGroup' | 'last'>;
  /** Undefined: nothing is written down. */
  readonly store: object | undefined;
  now(): number;
}

/** The client that publishes. */
export interface Publisher {
  readonly connection: Pick<
    ServerConnection,
    'acknowledge' | 'closeCause' | 'fail' | 'reader' | 'sendsProblemInformation' | 'version'
  >;
  readonly driver: Pausable;
  readonly clientSession: ClientSession;
  readonly info: ClientInfo;
  readonly asker: Asker;
  readonly permissions: Pick<PermissionCache, 'decide'>;
  /** See `Peer.whenSettled`. */
  whenSettled<T>(promise: Promise<T>, then: (value: T) => unknown): void;
}

/** Why a message is not taken. */
interface Refusal {
  /** Of the end of the connection, in 3.x. */
  readonly code: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
}

/** What a PUBLISH of any client goes through: duplicate, permission, room, routing, acknowledgement. */
export class PublishHandler {
  readonly #core: PublishCore;
  readonly #backpressure: Pick<Backpressure, 'pause'>;
  readonly #framed = new FramedPublication();

  constructor(core: PublishCore, backpressure: Pick<Backpressure, 'pause'>) {
    this.#core = core;
    this.#backpressure = backpressure;
  }

  handlePublish(client: Publisher, packet: PublishPacket, now: number): void {
    const { counters, policies, settings } = this.#core;
    counters.messagesIn++;
    counters.payloadBytesIn += packet.payload.length;
    if (packet.qos === 2) {
      const { inbound } = client.clientSession.session;
      if (inbound.has(packet.packetIdentifier)) {
        // A duplicate: answered, and it goes no further [MQTT5-4.3.3-10]. It was stored with the first, at the latest now.
        const ticket = client.clientSession.isStored ? this.#core.journal.last : NO_TICKET;
        client.connection.acknowledge(PacketType.PUBREC, packet.packetIdentifier, 0, ticket);
        return;
      }
      if (inbound.size >= settings['limits.inboundQos2']) {
        this.#refuseUnreleased(client, packet, now);
        return;
      }
    }
    if (policies.authorize === undefined && policies.intercept === undefined && !isOfServer(packet.topic)) {
      this.#waitFor(client, this.#onPermission(client, packet, ALLOWED, now));
      return;
    }
    const permission = this.#decide(client, packet, now);
    if (!isPromise(permission)) {
      this.#waitFor(client, this.#onPermission(client, packet, permission, now));
      return;
    }
    const kept = keptPacket(packet);
    client.whenSettled(permission, (decided) => this.#onPermission(client, kept, decided, this.#core.now()));
  }

  /** Nothing more is taken from this client before the last receiver of its message has it. */
  #waitFor(client: Publisher, rest: Promise<void> | undefined): void {
    if (rest !== undefined) client.whenSettled(rest, () => undefined);
  }

  /** More QoS 2 messages than may be waiting for their PUBREL. 5.0 is told; in 3.x nothing but the end says no. */
  #refuseUnreleased(client: Publisher, packet: PublishPacket, now: number): void {
    const { counters, settings } = this.#core;
    const detail: CloseDetail = { is: 'inbound-qos2', limit: settings['limits.inboundQos2'] };
    counters.quotaRefusals++;
    client.clientSession.countLost('quota-exceeded', packet.topic, 2);
    this.#refuse(client, packet, { code: 'quota-exceeded', reasonCode: ReasonCode.QuotaExceeded, detail }, now);
  }

  #decide(client: Publisher, packet: PublishPacket, now: number): Permission | Promise<Permission> {
    const { topic, qos, retain } = packet;
    const permitted = client.permissions.decide({ client: client.info, action: 'publish', topic, qos, retain }, now);
    if (this.#core.policies.intercept === undefined) return permitted;
    if (isPromise(permitted))
      return permitted.then((permission) =>
        permission.decision === 'allow' ? this.#intercepted(client, packet) : permission,
      );
    return permitted.decision === 'allow' ? this.#intercepted(client, packet) : permitted;
  }

  #intercepted(client: Publisher, { topic, payload, qos, retain }: PublishPacket): Permission | Promise<Permission> {
    return this.#core.policies.mayPass(client.asker, { client: client.info, topic, payload, qos, retain });
  }

  /** A promise: the last of its receivers are served in later turns. */
  #onPermission(
    client: Publisher,
    packet: PublishPacket,
    { decision }: Permission,
    now: number,
  ): Promise<void> | undefined {
    const { clientSession, connection } = client;
    // Not before: should the connection end while a policy is asked, the message comes again and is no duplicate.
    if (packet.qos === 2) clientSession.session.inbound.begin(packet.packetIdentifier);
    if (decision === 'allow') return this.#route(client, packet, now);
    if (decision === 'unknown') {
      this.#refuseUndecided(client, packet, now);
      return undefined;
    }
    const { counters, driverNode, settings } = this.#core;
    // [MQTT311-3.3.5-2]
    counters.publishesDenied++;
    driverNode.turn.spend(PacketType.PUBLISH, WORK_OF_REFUSAL);
    clientSession.countLost('not-authorized', packet.topic, packet.qos);
    const detail: CloseDetail = { is: 'publish-not-permitted', topic: packet.topic };
    if (connection.version === 5 && packet.qos > 0) {
      this.#refuse(client, packet, { code: 'not-authorized', reasonCode: ReasonCode.NotAuthorized, detail }, now);
    } else if (settings['policy.denyCloses']) {
      connection.fail('not-authorized', ReasonCode.NotAuthorized, detail, now);
    } else this.#acknowledge(client, packet, 0, NO_TICKET);
    return undefined;
  }

  /** Nobody could say whether it is permitted: it is not acknowledged as if it had been delivered, so that it can come again. */
  #refuseUndecided(client: Publisher, packet: PublishPacket, now: number): void {
    const detail: CloseDetail = { is: 'publish-undecided', topic: packet.topic };
    this.#core.counters.publishesUndecided++;
    client.clientSession.countLost('policy-failed', packet.topic, packet.qos);
    if (packet.qos === 0) return;
    const reasonCode = ReasonCode.ImplementationSpecificError;
    this.#refuse(client, packet, { code: 'policy-failed', reasonCode, detail }, now);
  }

  #route(client: Publisher, packet: PublishPacket, now: number): Promise<void> | undefined {
    const core = this.#core;
    const { clientSession, connection } = client;
    const { qos } = packet;
    if (
      core.settings['messages.checkPayloadFormat'] &&
      packet.properties?.payloadFormatIndicator === 1 &&
      !isUtf8(packet.payload)
    ) {
      const code = 'payload-format-invalid';
      const reasonCode = ReasonCode.PayloadFormatInvalid;
      const detail: CloseDetail = { is: 'payload-not-utf8', topic: packet.topic };
      clientSession.countLost(code, packet.topic, qos);
      if (qos > 0) this.#refuse(client, packet, { code, reasonCode, detail }, now);
      else connection.fail(code, reasonCode, detail, now);
      return undefined;
    }
    if (qos > 0) {
      const refusal = this.#refusal(clientSession, packet);
      if (refusal !== undefined) {
        const { cause, detail } = refusal;
        clientSession.countLost(cause, packet.topic, qos);
        this.#refuse(client, packet, { code: cause, reasonCode: ReasonCode.QuotaExceeded, detail }, now);
        return undefined;
      }
    }
    const isStored = qos === 2 && clientSession.isStored && core.store !== undefined;
    const routed = isStored
      ? this.#publishStored(client, packet, now)
      : core.router.publish(
          // QoS 1 and 2 are encoded anew for each receiver: the Packet Identifier is its own.
          qos === 0 ? this.#framed.take(packet, connection.reader, connection.version) : packet,
          clientSession,
          NO_TICKET,
          now,
        );
    core.driverNode.turn.spend(PacketType.PUBLISH, routed.work);
    if (routed.rest !== undefined) {
      const answered = { ...packet };
      return routed.rest.then((all) => this.#onRouted(client, answered, all, core.now()));
    }
    this.#onRouted(client, packet, routed, now);
    return undefined;
  }

  #onRouted(client: Publisher, packet: PublishPacket, { ticket, matched, congested }: Routed, now: number): void {
    const { connection } = client;
    if (connection.closeCause !== undefined) return;
    const reasonCode = matched || connection.version !== 5 ? 0 : ReasonCode.NoMatchingSubscribers;
    this.#acknowledge(client, packet, reasonCode, ticket);
    if (congested || (packet.qos > 0 && this.#core.guard.isSlow)) this.#backpressure.pause(client.driver, now);
  }

  /** The identifier and all that the message causes are on disk together, or a crash between doubles or loses it. */
  #publishStored({ clientSession }: Publisher, packet: PublishPacket, now: number): Routed {
    const { journal, router } = this.#core;
    const { packetIdentifier } = packet;
    journal.beginGroup();
    try {
      const ready = journal.append({ kind: 'putInbound', session: clientSession.number, packetIdentifier });
      return router.publish(packet, clientSession, ready, now, true);
    } finally {
      journal.endGroup();
    }
  }

  /** Why a message cannot be taken: decided before any delivery. */
  #refusal(
    session: ClientSession,
    packet: PublishPacket,
  ): { readonly cause: 'quota-exceeded' | 'store-fault' | 'retained-limit'; readonly detail: CloseDetail } | undefined {
    const { guard, router } = this.#core;
    // Mostly there is room for whatever it would need, and its receivers need not be looked for.
    const mayNeed = router.mostStoreBytes(packet);
    const bytes = guard.refusalOf(mayNeed) === undefined ? 0 : router.storeBytes(packet);
    const needsStore = bytes > 0 || (packet.qos === 2 && session.isStored);
    const cannot = needsStore ? guard.refusalOf(bytes) : undefined;
    if (cannot !== undefined) {
      return { cause: 'store-fault', detail: { is: 'message-not-stored', why: cannot } };
    }
    if (router.refuses(packet, session))
      return { cause: 'quota-exceeded', detail: { is: 'queue-full', topic: packet.topic } };
    if (
      packet.retain &&
      packet.payload.length > 0 &&
      !router.retained.hasRoom(packet.topic, packet.payload.length + packet.topic.length)
    ) {
      return { cause: 'retained-limit', detail: { is: 'retained-full' } };
    }
    return undefined;
  }

  /**
   * The message was not taken. 5.0 is told with the acknowledgement; in 3.x nothing but the end of the connection says no. The identifier is
   * free again in both: the message comes again, and is no duplicate then.
   */
  #refuse(
    { clientSession, connection }: Publisher,
    packet: PublishPacket,
    { code, reasonCode, detail }: Refusal,
    now: number,
  ): void {
    // [MQTT5-4.3.3-9]
    if (packet.qos === 2) clientSession.session.inbound.end(packet.packetIdentifier);
    if (connection.version !== 5) {
      connection.fail(code, reasonCode, detail, now);
      return;
    }
    const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    const words = connection.sendsProblemInformation ? reasonString(causeText({ code, detail }, 'en')) : undefined;
    connection.acknowledge(type, packet.packetIdentifier, reasonCode, NO_TICKET, words);
  }

  #acknowledge({ connection }: Publisher, packet: PublishPacket, reasonCode: number, ticket: Ticket): void {
    // [MQTT311-3.3.4-1] [MQTT5-3.3.4-1] [MQTT311-4.3.2-2] [MQTT311-4.3.3-2] [MQTT5-4.3.2-4] [MQTT5-4.3.2-5]
    // [MQTT5-4.3.3-8]
    if (packet.qos === 0) return;
    const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    connection.acknowledge(type, packet.packetIdentifier, reasonCode, ticket);
  }
}

/** A PUBLISH that waits for a policy: its chunk belongs to somebody else by then. */
function keptPacket(packet: PublishPacket): PublishPacket {
  const { payload, properties } = packet;
  const correlationData = properties?.correlationData;
  return {
    ...packet,
    payload: payload.slice(),
    properties:
      correlationData === undefined ? properties : { ...properties, correlationData: correlationData.slice() },
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
