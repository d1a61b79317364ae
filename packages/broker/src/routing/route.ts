import type { QoS, Topic } from '@hawser/codec';
import type { ClientSession } from '../sessions/client-session.ts';
import type { FanoutGroup, Member } from './fanout-group.ts';
import type { SharedGroup } from './shared-group.ts';
import type { LocalSubscriber } from './subscription.ts';

/** What one session gets of a topic: its matching subscriptions made one. */
export interface RouteEntry {
  readonly session: ClientSession;
  /** The highest that was granted. */
  qos: QoS;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifiers: number[] | undefined;
  /** The same of those subscriptions that bring the session its own messages, where others have No Local. */
  own: RouteEntry | undefined;
}

/** A member as the router sees it: numbered, never twice in the life of a broker. */
export interface GroupMember extends Member {
  readonly memberNumber: number;
  readonly clientSession: ClientSession;
}

/** A group and how its frames look. */
export interface GroupTarget {
  readonly group: FanoutGroup;
  /** Key under which it is interned. */
  readonly key: string;
  /** 5.0, with a property length; otherwise 3.x. */
  readonly five: boolean;
  readonly retain: boolean;
  /** The largest packet that all members take. */
  readonly maximumPacketSize: number;
}

/** Who gets what when a message of one kind is published. */
export interface Fan {
  readonly groups: readonly GroupTarget[];
  readonly singles: readonly RouteEntry[];
}

/** What a route takes at least, for each receiver, and for each byte of its topic: an estimate. */
const ROUTE_BYTES = 768;
const RECEIVER_BYTES = 128;
const TOPIC_BYTES = 4;

/** Receivers that several topics have in common: made of the same subscriptions. */
export class Audience {
  readonly entries: readonly RouteEntry[];
  readonly shared: readonly SharedGroup[];
  readonly locals: readonly LocalSubscriber[];
  /** Sessions that keep QoS 1 and 2 messages on disk. */
  readonly durableReceivers: number;
  /** By kind of message: QoS over 0 is 1, RETAIN is 2. */
  readonly fans: (Fan | undefined)[] = [undefined, undefined, undefined, undefined];
  /** Remembered topics that have it. */
  uses = 0;

  constructor(entries: readonly RouteEntry[], shared: readonly SharedGroup[], locals: readonly LocalSubscriber[]) {
    this.entries = entries;
    this.shared = shared;
    this.locals = locals;
    let durable = shared.length;
    for (const entry of entries) if (entry.session.isStored && entry.qos > 0) durable++;
    this.durableReceivers = durable;
  }

  /** Memory it takes, with the groups made for it, as estimated. */
  get bytes(): number {
    return RECEIVER_BYTES * (this.entries.length + this.shared.length);
  }
}

/** The receivers of one topic, remembered until a subscription or connection among them changes. */
export class Route {
  readonly topic: Topic;
  readonly audience: Audience;
  readonly entries: readonly RouteEntry[];
  readonly shared: readonly SharedGroup[];
  readonly locals: readonly LocalSubscriber[];
  readonly durableReceivers: number;
  readonly fans: (Fan | undefined)[];
  /** Nothing about its receivers has changed. */
  isRemembered = true;

  constructor(topic: Topic, audience: Audience) {
    this.topic = topic;
    this.audience = audience;
    this.entries = audience.entries;
    this.shared = audience.shared;
    this.locals = audience.locals;
    this.durableReceivers = audience.durableReceivers;
    this.fans = audience.fans;
  }

  /** Memory it takes without its audience, as estimated. */
  get bytes(): number {
    return ROUTE_BYTES + TOPIC_BYTES * this.topic.bytes.length;
  }

  get hasReceivers(): boolean {
    return this.entries.length > 0 || this.shared.length > 0 || this.locals.length > 0;
  }
}
