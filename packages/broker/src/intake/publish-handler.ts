import { PacketType, type PublishPacket, ReasonCode } from '@hawser/codec';
import { type CloseCode, type CloseDetail, NO_TICKET, type Ticket } from '@hawser/protocol';
import { causeText } from '../causes/cause-text.ts';
import type { BrokerCore } from '../core.ts';
import { WORK_OF_REFUSAL } from '../node/work-kinds.ts';
import { ALLOWED, type Permission } from '../policy/answers.ts';
import { isPromise } from '../policy/policies.ts';
import { isOfServer } from '../policy/server-topics.ts';
import type { Routed } from '../routing/router.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { ClientHandler } from './client-handler.ts';
import { reasonString } from './reason-string.ts';

/** Why a message is not taken. */
interface Refusal {
  /** Of the end of the connection, in 3.x. */
  readonly code: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
}

/** What a client's PUBLISH goes through: duplicate, permission, room, routing, acknowledgement. */
export class PublishHandler {
  readonly #handler: ClientHandler;
  readonly #core: BrokerCore;
  readonly #session: ClientSession;

  constructor(handler: ClientHandler) {
    this.#handler = handler;
    this.#core = handler.core;
    this.#session = handler.clientSession;
  }

  handlePublish(packet: PublishPacket, now: number): void {
    const { counters } = this.#core;
    counters.messagesIn++;
    counters.payloadBytesIn += packet.payload.length;
    if (packet.qos === 2 && this.#session.session.inbound.has(packet.packetIdentifier)) {
      // A duplicate: answered, and it goes no further [MQTT5-4.3.3-10]. It was stored with the first, at the latest now.
      this.#handler.connection.acknowledge(PacketType.PUBREC, packet.packetIdentifier, 0, this.#storedTicket());
      return;
    }
    if (packet.qos === 2 && this.#session.session.inbound.size >= this.#core.settings['limits.inboundQos2']) {
      this.#refuseUnreleased(packet, now);
      return;
    }
    const { policies } = this.#core;
    if (policies.authorize === undefined && policies.intercept === undefined && !isOfServer(packet.topic)) {
      this.#waitFor(this.#onPermission(packet, ALLOWED, now));
      return;
    }
    const permission = this.#decide(packet, now);
    if (!isPromise(permission)) {
      this.#waitFor(this.#onPermission(packet, permission, now));
      return;
    }
    const { connection } = this.#handler;
    const kept = keptPacket(packet);
    connection.suspend();
    this.#handler.resumeAfter(permission, (decided) =>
      connection.closeCause === undefined ? this.#onPermission(kept, decided, this.#core.now()) : undefined,
    );
  }

  /** Nothing more is taken from this client before the last receiver of its message has it. */
  #waitFor(rest: Promise<void> | undefined): void {
    if (rest === undefined) return;
    this.#handler.connection.suspend();
    this.#handler.resumeAfter(rest, () => undefined);
  }

  /** More QoS 2 messages than may be waiting for their PUBREL. 5.0 is told; in 3.x nothing but the end says no. */
  #refuseUnreleased(packet: PublishPacket, now: number): void {
    const { core } = this.#handler;
    const detail: CloseDetail = { is: 'inbound-qos2', limit: core.settings['limits.inboundQos2'] };
    core.counters.quotaRefusals++;
    this.#session.countLost('quota-exceeded', packet.topic, 2);
    this.#refuse(packet, { code: 'quota-exceeded', reasonCode: ReasonCode.QuotaExceeded, detail }, now);
  }

  #decide(packet: PublishPacket, now: number): Permission | Promise<Permission> {
    const permitted = this.#permitted(packet, now);
    if (this.#core.policies.intercept === undefined) return permitted;
    if (isPromise(permitted))
      return permitted.then((permission) => (permission.decision === 'allow' ? this.#intercepted(packet) : permission));
    return permitted.decision === 'allow' ? this.#intercepted(packet) : permitted;
  }

  #permitted({ topic, qos, retain }: PublishPacket, now: number): Permission | Promise<Permission> {
    const { client, permissions } = this.#handler;
    if (client === undefined) return ALLOWED;
    return permissions.decide({ client, action: 'publish', topic, qos, retain }, now);
  }

  #intercepted({ topic, payload, qos, retain }: PublishPacket): Permission | Promise<Permission> {
    const { asker, client } = this.#handler;
    if (client === undefined) return ALLOWED;
    return this.#core.policies.mayPass(asker, { client, topic, payload, qos, retain });
  }

  /** A promise: the last of its receivers are served in later turns. */
  #onPermission(packet: PublishPacket, { decision }: Permission, now: number): Promise<void> | undefined {
    // Not before: should the connection end while a policy is asked, the message comes again and is no duplicate.
    if (packet.qos === 2) this.#session.session.inbound.begin(packet.packetIdentifier);
    if (decision === 'allow') return this.#route(packet, now);
    if (decision === 'unknown') {
      this.#refuseUndecided(packet, now);
      return undefined;
    }
    const { connection, core } = this.#handler;
    // [MQTT311-3.3.5-2]
    core.counters.publishesDenied++;
    core.driverNode.turn.spend(PacketType.PUBLISH, WORK_OF_REFUSAL);
    this.#session.countLost('not-authorized', packet.topic, packet.qos);
    const detail: CloseDetail = { is: 'publish-not-permitted', topic: packet.topic };
    if (connection.version === 5 && packet.qos > 0) {
      this.#refuse(packet, { code: 'not-authorized', reasonCode: ReasonCode.NotAuthorized, detail }, now);
    } else if (core.settings['policy.denyCloses']) {
      connection.fail('not-authorized', ReasonCode.NotAuthorized, detail, now);
    } else this.#acknowledge(packet, 0, NO_TICKET);
    return undefined;
  }

  /** Nobody could say whether it is permitted: it is not acknowledged as if it had been delivered, so that it can come again. */
  #refuseUndecided(packet: PublishPacket, now: number): void {
    const { core } = this.#handler;
    const detail: CloseDetail = { is: 'publish-undecided', topic: packet.topic };
    core.counters.publishesUndecided++;
    this.#session.countLost('policy-failed', packet.topic, packet.qos);
    if (packet.qos === 0) return;
    this.#refuse(packet, { code: 'policy-failed', reasonCode: ReasonCode.ImplementationSpecificError, detail }, now);
  }

  #route(packet: PublishPacket, now: number): Promise<void> | undefined {
    const core = this.#core;
    const { connection } = this.#handler;
    const { qos } = packet;
    if (
      core.settings['messages.checkPayloadFormat'] &&
      packet.properties?.payloadFormatIndicator === 1 &&
      !isUtf8(packet.payload)
    ) {
      const detail: CloseDetail = { is: 'payload-not-utf8', topic: packet.topic };
      this.#session.countLost('payload-format-invalid', packet.topic, qos);
      if (qos > 0)
        this.#refuse(
          packet,
          { code: 'payload-format-invalid', reasonCode: ReasonCode.PayloadFormatInvalid, detail },
          now,
        );
      else connection.fail('payload-format-invalid', ReasonCode.PayloadFormatInvalid, detail, now);
      return undefined;
    }
    if (qos > 0) {
      const refusal = this.#refusal(packet);
      if (refusal !== undefined) {
        this.#session.countLost(refusal.cause, packet.topic, qos);
        this.#refuse(
          packet,
          { code: refusal.cause, reasonCode: ReasonCode.QuotaExceeded, detail: refusal.detail },
          now,
        );
        return undefined;
      }
    }
    const isStored = qos === 2 && this.#session.isStored && core.store !== undefined;
    const routed = isStored
      ? this.#publishStored(packet, now)
      : core.router.publish(packet, this.#session, connection, NO_TICKET, now);
    core.driverNode.turn.spend(PacketType.PUBLISH, routed.work);
    if (routed.rest !== undefined) {
      const answered = { ...packet };
      return routed.rest.then((all) => this.#onRouted(answered, all, core.now()));
    }
    this.#onRouted(packet, routed, now);
    return undefined;
  }

  #onRouted(packet: PublishPacket, { ticket, matched, congested }: Routed, now: number): void {
    const { connection, core, driver, intake } = this.#handler;
    if (connection.closeCause !== undefined) return;
    const reasonCode = matched || connection.version !== 5 ? 0 : ReasonCode.NoMatchingSubscribers;
    this.#acknowledge(packet, reasonCode, ticket);
    if (congested || (packet.qos > 0 && core.guard.isSlow)) intake.backpressure.pause(driver, now);
  }

  /** The identifier and all that the message causes are on disk together, or a crash between doubles or loses it. */
  #publishStored(packet: PublishPacket, now: number): Routed {
    const core = this.#core;
    core.journal.beginGroup();
    try {
      const ready = core.journal.append({
        kind: 'putInbound',
        session: this.#session.number,
        packetIdentifier: packet.packetIdentifier,
      });
      return core.router.publish(packet, this.#session, this.#handler.connection, ready, now, true);
    } finally {
      core.journal.endGroup();
    }
  }

  /** Why a message cannot be taken: decided before any delivery. */
  #refusal(
    packet: PublishPacket,
  ): { readonly cause: 'quota-exceeded' | 'store-fault' | 'retained-limit'; readonly detail: CloseDetail } | undefined {
    const { guard, router } = this.#core;
    // Mostly there is room for whatever it would need, and its receivers need not be looked for.
    const mayNeed = router.mostStoreBytes(packet);
    const bytes = guard.refusalOf(mayNeed) === undefined ? 0 : router.storeBytes(packet);
    const needsStore = bytes > 0 || (packet.qos === 2 && this.#session.isStored);
    const cannot = needsStore ? guard.refusalOf(bytes) : undefined;
    if (cannot !== undefined) {
      return { cause: 'store-fault', detail: { is: 'message-not-stored', why: cannot } };
    }
    if (router.refuses(packet, this.#session))
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
  #refuse(packet: PublishPacket, { code, reasonCode, detail }: Refusal, now: number): void {
    const { connection } = this.#handler;
    // [MQTT5-4.3.3-9]
    if (packet.qos === 2) this.#session.session.inbound.end(packet.packetIdentifier);
    if (connection.version !== 5) {
      connection.fail(code, reasonCode, detail, now);
      return;
    }
    const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    const words = connection.sendsProblemInformation ? reasonString(causeText({ code, detail }, 'en')) : undefined;
    connection.acknowledge(type, packet.packetIdentifier, reasonCode, NO_TICKET, words);
  }

  #acknowledge(packet: PublishPacket, reasonCode: number, ticket: Ticket): void {
    // [MQTT311-3.3.4-1] [MQTT5-3.3.4-1] [MQTT311-4.3.2-2] [MQTT311-4.3.3-2] [MQTT5-4.3.2-4] [MQTT5-4.3.2-5]
    // [MQTT5-4.3.3-8]
    if (packet.qos === 0) return;
    const type = packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC;
    this.#handler.connection.acknowledge(type, packet.packetIdentifier, reasonCode, ticket);
  }

  #storedTicket(): Ticket {
    return this.#session.isStored ? this.#core.journal.last : NO_TICKET;
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
