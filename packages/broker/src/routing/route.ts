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
const RECEIVER_BYTES = 192;
const TOPIC_BYTES = 4;

/** Receivers that several topics have in common: made of the same subscriptions. */
export class Audience {
  entries: readonly RouteEntry[];
  readonly shared: readonly SharedGroup[];
  readonly locals: readonly LocalSubscriber[];
  /** Memory it takes, with the groups made for it, as estimated. */
  bytes: number;
  /** Sessions that keep QoS 1 and 2 messages on disk. */
  readonly durableReceivers: number;
  /** By kind of message: QoS over 0 is 1, RETAIN is 2. */
  readonly fans: (Fan | undefined)[] = [undefined, undefined, undefined, undefined];
  /** Remembered topics that have it. */
  uses = 0;
  /** Something about one of its receivers has changed: topics that have it are looked up anew. */
  isStale = false;

  constructor(entries: readonly RouteEntry[], shared: readonly SharedGroup[], locals: readonly LocalSubscriber[]) {
    this.entries = entries;
    this.shared = shared;
    this.locals = locals;
    let durable = shared.length;
    for (const entry of entries) {
      if (entry.session.isStored && entry.qos > 0) durable++;
      entry.session.audiences.add(this);
    }
    this.durableReceivers = durable;
    this.bytes = RECEIVER_BYTES * (entries.length + shared.length);
  }

  /** No topic is to have it any more: its receivers know of it no longer, nor does it hold them. */
  leave(): void {
    for (const { session } of this.entries) session.audiences.delete(this);
    this.isStale = true;
    // A message that is being served may still go to the groups.
    this.entries = [];
    this.bytes = 0;
  }
}

/** The receivers of one topic, remembered until a subscription or connection among them changes. */
export class Route {
  readonly topic: Topic;
  readonly audience: Audience;
  readonly shared: readonly SharedGroup[];
  readonly locals: readonly LocalSubscriber[];
  readonly durableReceivers: number;
  readonly fans: (Fan | undefined)[];
  #isForgotten = false;

  constructor(topic: Topic, audience: Audience) {
    this.topic = topic;
    this.audience = audience;
    this.shared = audience.shared;
    this.locals = audience.locals;
    this.durableReceivers = audience.durableReceivers;
    this.fans = audience.fans;
  }

  get entries(): readonly RouteEntry[] {
    return this.audience.entries;
  }

  /** Nothing about its receivers has changed. */
  get isRemembered(): boolean {
    return !this.#isForgotten && !this.audience.isStale;
  }

  forget(): void {
    this.#isForgotten = true;
  }

  /** Memory it takes without its audience, as estimated. */
  get bytes(): number {
    return ROUTE_BYTES + TOPIC_BYTES * this.topic.bytes.length;
  }

  get hasReceivers(): boolean {
    return this.entries.length > 0 || this.shared.length > 0 || this.locals.length > 0;
  }
}
