import {
  encodePublishProperties,
  PacketType,
  publishSize,
  type QoS,
  type Topic,
  topicMatches,
  writePublishInto,
} from '@hawser/codec';
import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import type { Message } from '../messages/message.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { FanoutGroup } from './fanout-group.ts';
import { type Publication, toMessage, withoutConnectionProperties } from './publication.ts';
import { RetainedMessages } from './retained-messages.ts';
import type { GroupMember, GroupTarget, Route, RouteEntry } from './route.ts';
import { RouteTable } from './route-table.ts';
import type { SharedGroup } from './shared-group.ts';
import { type SlicedPublication, SlicedReceivers, SlicedTopic } from './sliced-topic.ts';
import { WORK_OF_DELIVERY } from './work.ts';

/** What an entry of a queue is written with, beside its message. */
const ENTRY_BYTES = 64;
const WORK_OF_STORING = 4 * WORK_OF_DELIVERY;
/** To take a message, whoever gets it. */
const WORK_OF_PUBLICATION = WORK_OF_DELIVERY / 4;
/** What members of a group get is copied by the system: 16 KiB take as long as a delivery. As a shift: 2 ** 14 / 64. */
const BYTES_TO_WORK = 8;

/** More receivers than these are served in slices, a share of a turn at a time. */
const MOST_AT_ONCE = 512;

/** What became of a publication; one object, reused. */
export interface Routed {
  /** Its acknowledgement waits for this. */
  ticket: Ticket;
  /** Somebody subscribes to the topic. */
  matched: boolean;
  /** What it took, in units of WORK_OF_DELIVERY / 64. */
  work: number;
  /** A receiver does not read and is over its bound: the publisher should be slowed down. */
  congested: boolean;
  /** It has so many receivers that the last are served in later turns; only then is it known what became of it. */
  rest: Promise<Routed> | undefined;
}

/** From a message to its receivers: each gets it in its own way, by a group's bytes, by its session, or in this process. */
export class Router {
  /** Who is to get what is published to a topic. */
  readonly routes: RouteTable;
  readonly retained: RetainedMessages;
  readonly #core: BrokerCore;
  #routed: Routed = newRouted();
  #isPublishing = false;
  /** Topics that have a publication which is served over several turns. */
  readonly #sliced = new Map<string, SlicedTopic>();
  /** A publication that has waited behind another one and begins now. */
  #begun: { receivers: SlicedReceivers | undefined } | undefined;

  constructor(core: BrokerCore) {
    this.#core = core;
    this.retained = new RetainedMessages(core);
    this.routes = new RouteTable(core);
  }

  /** Whether some receiver's policy is to refuse what does not fit its queue, and this does not. */
  refuses(publication: Publication, publisher: ClientSession | undefined): boolean {
    if (this.#core.settings['queue.policy'] !== 'refuse' || publication.qos === 0) return false;
    const route = this.routes.find(publication.topic);
    const size = route.topic.bytes.length + publication.payload.length;
    for (const { session, qos, noLocal } of route.entries) {
      if (qos > 0 && !(noLocal && session === publisher) && session.session.refuses(size)) return true;
    }
    return route.shared.some(
      ({ members }) => members.length > 0 && members.every(({ session }) => session.session.refuses(size)),
    );
  }

  /** Bytes that routing it would write, about; 0: it does not need the disk. */
  storeBytes(publication: Publication, route = this.routes.find(publication.topic)): number {
    const { durableReceivers } = route;
    const waits = publication.qos > 0 && durableReceivers > 0;
    if (!waits && !publication.retain) return 0;
    const size = publication.topic.length + publication.payload.length;
    return (publication.retain ? size + ENTRY_BYTES : 0) + (waits ? size + ENTRY_BYTES * durableReceivers : 0);
  }

  /** No fewer than `storeBytes` says, without looking for the receivers. */
  mostStoreBytes({ payload, topic }: Publication): number {
    return 2 * (payload.length + topic.length + ENTRY_BYTES) + ENTRY_BYTES * this.#core.registry.size;
  }

  /**
   * Sends a message to all that are to get it. `ready`: nothing may be seen of it before this is committed. `isWhole`: it is served at once,
   * however many its receivers are, for it is written down in one piece with something else.
   */
  publish(
    publication: Publication,
    publisher: ClientSession | undefined,
    ready: Ticket,
    now: number,
    isWhole = false,
  ): Routed {
    if (this.#sliced.size > 0) {
      // Nobody sees two messages of a topic in another order than they came in.
      const before = this.#sliced.get(publication.topic);
      if (before !== undefined && !isWhole) return this.#publishBehind(publication, publisher, ready, now);
      before?.finish(now);
    }
    if (!this.#isPublishing) {
      this.#isPublishing = true;
      try {
        return this.#publish(publication, publisher, ready, now, isWhole);
      } finally {
        this.#isPublishing = false;
      }
    }
    // From within another: a subscriber in the broker's own process publishes. The ticket of the outer one is not touched.
    const outer = this.#routed;
    const begun = this.#begun;
    this.#routed = newRouted();
    this.#begun = undefined;
    try {
      return this.#publish(publication, publisher, ready, now, isWhole);
    } finally {
      this.#routed = outer;
      this.#begun = begun;
    }
  }

  #publish(
    publication: Publication,
    publisher: ClientSession | undefined,
    ready: Ticket,
    now: number,
    isWhole: boolean,
  ): Routed {
    const routed = this.#routed;
    routed.rest = undefined;
    routed.ticket = ready;
    routed.congested = false;
    routed.work = WORK_OF_PUBLICATION;
    const route = this.routes.find(publication.topic);
    routed.work += this.routes.takeWork();
    routed.matched = route.hasReceivers;
    let message: Message | undefined;
    // [MQTT311-3.3.1-5] [MQTT311-3.3.1-12] [MQTT5-3.3.1-5] [MQTT5-3.3.1-8]
    if (publication.retain) {
      message = toMessage(publication, route, publisher?.clientId, now, this.#core);
      message.isStorable = this.#core.guard.takes(this.storeBytes(publication, route));
      routed.ticket = Math.max(routed.ticket, this.#retain(message));
    }
    if (!routed.matched) return routed;
    const { qos } = publication;
    if (qos === 0 && ready === NO_TICKET) {
      this.#publishNow(publication, route, publisher, message, now, isWhole);
    } else {
      if (message === undefined) {
        message = toMessage(publication, route, publisher?.clientId, now, this.#core);
        if (route.durableReceivers > 0)
          message.isStorable = this.#core.guard.takes(this.storeBytes(publication, route));
      }
      if (route.durableReceivers > 1 && this.#core.store !== undefined)
        message.storeSequence = this.#core.journal.nextSequence();
      this.#publishMessage(message, route, publisher, publication, ready, now, isWhole);
    }
    return routed;
  }

  /** QoS 0, to be seen at once: groups by reference, others one by one. */
  #publishNow(
    publication: Publication,
    route: Route,
    publisher: ClientSession | undefined,
    message: Message | undefined,
    now: number,
    isWhole: boolean,
  ): void {
    const kind = publication.retain ? 2 : 0;
    const fan = this.routes.fanOf(route, kind);
    if (fan.groups.length > 0) this.#appendToGroups(fan.groups, publication, route, now);
    const { singles } = fan;
    if (!isWhole && singles.length + route.shared.length > MOST_AT_ONCE) {
      const kept = message ?? toMessage(publication, route, publisher?.clientId, now, this.#core);
      this.#serveInSlices(new SlicedReceivers(kept, route, singles, publisher, NO_TICKET));
      return;
    }
    this.#routed.work += WORK_OF_DELIVERY * singles.length;
    let kept = message;
    for (let i = 0; i < singles.length; i++) {
      const entry = ownEntry(singles[i] as RouteEntry, publisher);
      if (entry === undefined) continue;
      const connection = entry.session.session.connection;
      if (
        connection !== undefined &&
        !entry.session.session.isHeld &&
        entry.identifiers === undefined &&
        connection.aliases === undefined &&
        publication.properties === undefined
      ) {
        if (connection.output.congested && this.#losesToCongestion(entry.session, route.topic.name, now)) continue;
        const retain = publication.retain && entry.retainAsPublished;
        if (!connection.writePublish(route.topic.bytes, publication.payload, 0, retain, false, 0, undefined)) {
          entry.session.countLost('packet-too-large', route.topic.name, 0);
        }
        continue;
      }
      kept ??= toMessage(publication, route, publisher?.clientId, now, this.#core);
      this.#deliverTo(entry, kept, NO_TICKET, now);
    }
    if (route.shared.length > 0 || route.locals.length > 0) {
      kept ??= toMessage(publication, route, publisher?.clientId, now, this.#core);
      this.#publishShared(route, kept, NO_TICKET, now);
      this.#publishLocally(route, kept);
    }
  }

  #publishMessage(
    message: Message,
    route: Route,
    publisher: ClientSession | undefined,
    publication: Publication,
    ready: Ticket,
    now: number,
    isWhole: boolean,
  ): void {
    let entries = route.entries;
    if (ready === NO_TICKET) {
      const kind = 1 | (message.retain ? 2 : 0);
      const fan = this.routes.fanOf(route, kind);
      if (fan.groups.length > 0) this.#appendToGroups(fan.groups, publication, route, now);
      entries = fan.singles;
    }
    if (!isWhole && entries.length + route.shared.length > MOST_AT_ONCE) {
      this.#serveInSlices(new SlicedReceivers(message, route, entries, publisher, ready));
      return;
    }
    this.#routed.work += WORK_OF_DELIVERY * entries.length + WORK_OF_STORING * route.durableReceivers;
    for (let i = 0; i < entries.length; i++) {
      const entry = ownEntry(entries[i] as RouteEntry, publisher);
      if (entry === undefined) continue;
      this.#deliverTo(entry, message, ready, now);
    }
    this.#publishShared(route, message, ready, now);
    this.#publishLocally(route, message);
  }

  /** All receivers in later goes of the turn budget; others to the topic wait behind them. What became of it is told by `rest`. */
  #serveInSlices(receivers: SlicedReceivers): void {
    receivers.message.keep();
    if (this.#begun !== undefined) {
      this.#begun.receivers = receivers;
      return;
    }
    const routed = { ...this.#routed };
    this.#routed.rest = this.#addSliced(receivers.route.topic.name, routed, (now, all) =>
      this.#serveSlice(receivers, routed, now, all),
    );
  }

  /** A publication to a topic of which another is still being served. */
  #publishBehind(publication: Publication, publisher: ClientSession | undefined, ready: Ticket, now: number): Routed {
    const { payload, properties } = publication;
    const correlationData = properties?.correlationData?.slice();
    const kept: Publication = {
      ...publication,
      payload: payload.slice(),
      properties: correlationData === undefined ? properties : { ...properties, correlationData },
      frame: undefined,
    };
    const routed: Routed = { ...newRouted(), ticket: ready, work: WORK_OF_PUBLICATION };
    routed.matched = this.routes.find(publication.topic).hasReceivers;
    const begun: { receivers: SlicedReceivers | undefined } = { receivers: undefined };
    let isWaiting = true;
    const rest = this.#addSliced(publication.topic, routed, (at, all) => {
      if (isWaiting) {
        isWaiting = false;
        this.#begun = begun;
        try {
          this.#within(routed, () => this.#publish(kept, publisher, ready, now, false));
        } finally {
          this.#begun = undefined;
        }
        this.#core.driverNode.turn.spend(PacketType.PUBLISH, routed.work);
      }
      return begun.receivers !== undefined && this.#serveSlice(begun.receivers, routed, at, all);
    });
    return { ...routed, rest };
  }

  /** Resolves with `routed` when `serve` says that nobody is left. */
  #addSliced(name: string, routed: Routed, serve: SlicedPublication['serve']): Promise<Routed> {
    let topic = this.#sliced.get(name);
    if (topic === undefined) {
      topic = new SlicedTopic(() => this.#sliced.delete(name));
      this.#sliced.set(name, topic);
      this.#core.driverNode.turn.later(topic);
    }
    const place = topic;
    return new Promise((resolve) => {
      place.add({
        serve: (now, all) => {
          if (serve(now, all)) return true;
          resolve(routed);
          return false;
        },
      });
    });
  }

  /** True: some are left. */
  #serveSlice(receivers: SlicedReceivers, routed: Routed, now: number, all: boolean): boolean {
    const { message, route, entries, publisher, ready } = receivers;
    const { turn } = this.#core.driverNode;
    const { shared } = route;
    const count = entries.length + shared.length;
    const work = message.qos > 0 && route.durableReceivers > 0 ? WORK_OF_DELIVERY + WORK_OF_STORING : WORK_OF_DELIVERY;
    this.#within(routed, () => {
      while (receivers.next < count && (all || !turn.isOver)) {
        turn.spend(PacketType.PUBLISH, work);
        const at = receivers.next++;
        if (at < entries.length) {
          const entry = ownEntry(entries[at] as RouteEntry, publisher);
          if (entry !== undefined && (route.isRemembered || this.#isStillDue(entry.session, message.topic.name)))
            this.#deliverTo(entry, message, ready, now);
        } else {
          const group = shared[at - entries.length] as SharedGroup;
          if (group.members.length > 0) this.deliverShared(group, message, ready, now);
        }
      }
      if (receivers.next >= count) this.#publishLocally(route, message);
    });
    return receivers.next < count;
  }

  /** Receivers have changed since the first were served: whether this session still has a subscription that matches. */
  #isStillDue(session: ClientSession, topic: string): boolean {
    if (session.ended) return false;
    const { subscriptions } = session;
    this.#core.driverNode.turn.spend(PacketType.PUBLISH, subscriptions.size);
    for (const { filter, shared, isSuspended } of subscriptions.values())
      if (shared === undefined && !isSuspended && topicMatches(filter, topic)) return true;
    return false;
  }

  /** Serves at once whoever is still to be served in later turns. */
  finish(): void {
    for (const topic of [...this.#sliced.values()]) topic.finish(this.#core.now());
  }

  /** What is published meanwhile by a subscriber of this process is another publication. */
  #within(routed: Routed, publish: () => void): void {
    const outer = this.#routed;
    const wasPublishing = this.#isPublishing;
    this.#routed = routed;
    this.#isPublishing = true;
    try {
      publish();
    } finally {
      this.#routed = outer;
      this.#isPublishing = wasPublishing;
    }
  }

  /** One receiver's trouble is none of the others', nor of the publisher's. */
  #deliverTo(entry: RouteEntry, message: Message, ready: Ticket, now: number): void {
    try {
      this.#deliver(entry, message, ready, now);
    } catch (error) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const text = `an error in the broker itself cost ${entry.session.clientId} a message to ${message.topic.name}: ${stack}`;
      this.#core.observer.onWarning?.('internal-error', text);
    }
  }

  #deliver(entry: RouteEntry, message: Message, ready: Ticket, now: number): void {
    const { session } = entry;
    // [MQTT311-3.8.4-6] [MQTT5-3.8.4-8]
    const qos = Math.min(message.qos, entry.qos) as QoS;
    const connection = session.session.connection;
    if (qos === 0) {
      if (connection === undefined) {
        if (!session.isKept || !this.#core.settings['queue.qos0']) {
          if (session.isKept) session.countLost('offline-qos0', message.topic.name, 0);
          return;
        }
        if (session.isStored && this.#core.guard.refusal !== undefined) {
          session.countLost('store-fault', message.topic.name, 0);
          return;
        }
      } else if (connection.output.congested && this.#losesToCongestion(session, message.topic.name, now)) return;
    }
    // [MQTT311-3.3.1-9] [MQTT5-3.3.1-12] [MQTT5-3.3.1-13]
    const retain = message.retain && entry.retainAsPublished;
    const ticket = session.session.deliver(message, qos, retain, entry.identifiers, undefined, ready, now);
    if (ticket > this.#routed.ticket) this.#routed.ticket = ticket;
  }

  /** A QoS 0 message meets a receiver over its bound: publishers wait for it a moment, then it loses. */
  #losesToCongestion(session: ClientSession, topic: string, now: number): boolean {
    if (!session.losesWhenCongested(now)) {
      this.#routed.congested = true;
      return false;
    }
    session.miss(topic);
    return true;
  }

  #publishShared(route: Route, message: Message, ready: Ticket, now: number): void {
    for (const group of route.shared) {
      this.deliverShared(group, message, ready, now);
    }
  }

  /** Gives a message to one member of a shared subscription. */
  deliverShared(group: SharedGroup, message: Message, ready: Ticket, now: number): void {
    const member = group.pick(message.topic.name, message.qos > 0, message.size);
    if (member === undefined) {
      // Nobody of the group is there, and QoS 0 does not wait.
      this.#core.losses.count('', 'offline-qos0', message.topic.name, 0);
      return;
    }
    const { session } = member;
    // [MQTT5-4.8.2-3]
    const qos = Math.min(message.qos, member.qos) as QoS;
    if (qos === 0 && session.session.connection === undefined) {
      session.countLost('offline-qos0', message.topic.name, 0);
      return;
    }
    const congested = qos === 0 && session.session.connection?.output.congested === true;
    if (congested && this.#losesToCongestion(session, message.topic.name, now)) return;
    const identifiers = member.identifier === undefined ? undefined : [member.identifier];
    const retain = message.retain && member.retainAsPublished;
    const ticket = session.session.deliver(message, qos, retain, identifiers, group.topicFilter, ready, now);
    if (ticket > this.#routed.ticket) this.#routed.ticket = ticket;
  }

  #publishLocally(route: Route, message: Message): void {
    if (route.locals.length === 0) return;
    const { topic, payload, qos, retain, publisher } = message.keep();
    for (const local of route.locals) {
      try {
        local.onMessage({ topic: topic.name, payload, qos, retain, publisher });
      } catch (error) {
        // A fault of the program around the broker is none of the publisher's, nor of the other receivers'.
        const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
        const text = `the subscriber of this process to ${local.filter} threw: ${stack}`;
        this.#core.observer.onWarning?.('subscriber-failed', text);
      }
    }
  }

  #retain(message: Message): Ticket {
    const topic = message.topic.name;
    const cause = message.payload.length === 0 ? undefined : this.#retainedLoss(message);
    if (cause !== undefined) {
      this.#core.losses.count(message.publisher ?? '', cause, topic, message.qos);
      return NO_TICKET;
    }
    const ticket = this.retained.set(message);
    // A QoS 0 publisher has nothing to wait with.
    return message.qos === 0 ? NO_TICKET : ticket;
  }

  /** Why a message cannot be kept. Another value of a topic that is there takes the place of the one before. */
  #retainedLoss(message: Message): 'retained-limit' | 'store-fault' | undefined {
    const { name } = message.topic;
    if (!this.retained.hasRoom(name, message.size)) return 'retained-limit';
    const { guard } = this.#core;
    if (!message.isStorable || (this.retained.get(name) === undefined && guard.refusal !== undefined))
      return 'store-fault';
    return undefined;
  }

  #appendToGroups(groups: readonly GroupTarget[], publication: Publication, route: Route, now: number): void {
    const { frame } = publication;
    const { counters } = this.#core;
    let encoded: Uint8Array | undefined;
    let isEncoded = false;
    for (let i = 0; i < groups.length; i++) {
      const target = groups[i] as GroupTarget;
      const { group, five, retain } = target;
      if (group.congested) this.#groupCongested(group);
      if (frame !== undefined && (frame.version === 5) === five && publication.retain === retain) {
        const { bytes, start, end } = frame;
        if (end - start > target.maximumPacketSize) {
          this.#writeToMembers(target, publication, route.topic, encodePublishProperties(publication.properties), now);
          continue;
        }
        counters.groupMessagesOut += group.members.length;
        counters.groupPayloadBytesOut += group.members.length * publication.payload.length;
        const at = group.append(end - start);
        this.#routed.work += (group.members.length * (end - start)) >> BYTES_TO_WORK;
        copy(bytes, start, end, group.bytes, at);
        continue;
      }
      if (five && !isEncoded) {
        isEncoded = true;
        encoded = encodePublishProperties(withoutConnectionProperties(publication.properties));
      }
      const topic = route.topic.bytes;
      const properties = five ? encoded : undefined;
      const version = five ? 5 : 4;
      const size = publishSize(topic.length, publication.payload.length, 0, version, properties);
      // With a property length, and its topic in place of an alias, a packet may have grown [MQTT5-3.1.2-24].
      if (size > target.maximumPacketSize) {
        this.#writeToMembers(target, publication, route.topic, properties, now);
        continue;
      }
      counters.groupMessagesOut += group.members.length;
      counters.groupPayloadBytesOut += group.members.length * publication.payload.length;
      const at = group.append(size);
      this.#routed.work += (group.members.length * size) >> BYTES_TO_WORK;
      writePublishInto(group.bytes, at, topic, publication.payload, 0, retain, false, 0, version, properties);
    }
  }

  /** What is too large for some members of a group, to each of the others alone. */
  #writeToMembers(
    { group, retain }: GroupTarget,
    { payload }: Publication,
    topic: Topic,
    properties: Uint8Array | undefined,
    now: number,
  ): void {
    this.#routed.work += WORK_OF_DELIVERY * group.members.length;
    for (const member of group.members) {
      const { clientSession } = member as GroupMember;
      const { connection } = clientSession.session;
      if (connection === undefined) continue;
      if (connection.output.congested && this.#losesToCongestion(clientSession, topic.name, now)) continue;
      // [MQTT5-3.1.2-25]
      if (!connection.writePublish(topic.bytes, payload, 0, retain, false, 0, properties))
        clientSession.countLost('packet-too-large', topic.name, 0);
    }
  }

  #groupCongested(group: FanoutGroup): void {
    const now = this.#core.now();
    for (const member of group.members) {
      if (member.output.congested && !(member as GroupMember).clientSession.losesWhenCongested(now))
        this.#routed.congested = true;
    }
  }
}

function newRouted(): Routed {
  return { ticket: NO_TICKET, matched: false, work: 0, congested: false, rest: undefined };
}

/** How a session gets a message: its own by the subscriptions without No Local alone [MQTT5-3.8.3-3]. Undefined: not at all. */
function ownEntry(entry: RouteEntry, publisher: ClientSession | undefined): RouteEntry | undefined {
  if (entry.session !== publisher) return entry;
  return entry.noLocal ? undefined : (entry.own ?? entry);
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start <= 32) for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] as number;
  else to.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), at);
}
