import type { QoS } from '@hawser/codec';
import type { ClientSession } from '../sessions/client-session.ts';
import type { SharedGroup } from './shared-group.ts';

/** What a client asks for with one Topic Filter. */
export interface SubscriptionOptions {
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** Of what it matches only that is delivered which its client may receive. */
  readonly isFiltered?: boolean | undefined;
}

const NO_LOCAL = 4;
const RETAIN_AS_PUBLISHED = 8;
/** Ours, above what is on the wire. */
const SUSPENDED = 64;
const FILTERED = 128;

/** One subscription of one session. There may be millions: options are bits, as they are on the wire [MQTT5-3.8.3.1]. */
export class Subscription {
  readonly session: ClientSession;
  /** As the client wrote it, with `$share/group/`. */
  readonly topicFilter: string;
  readonly identifier: number | undefined;
  /** The shared subscription it is a member of. */
  readonly shared: SharedGroup | undefined;
  #options: number;

  constructor(
    session: ClientSession,
    topicFilter: string,
    options: SubscriptionOptions,
    identifier: number | undefined,
    shared: SharedGroup | undefined,
  ) {
    this.session = session;
    this.topicFilter = topicFilter;
    this.identifier = identifier;
    this.shared = shared;
    const { qos, noLocal, retainAsPublished, retainHandling, isFiltered = false } = options;
    this.#options =
      qos |
      (noLocal ? NO_LOCAL : 0) |
      (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
      (retainHandling << 4) |
      (isFiltered ? FILTERED : 0);
  }

  /** A SUBSCRIBE with these would change nothing. */
  isSameAs(options: SubscriptionOptions, identifier: number | undefined): boolean {
    const { qos, noLocal, retainAsPublished, retainHandling } = options;
    const mine = this.granted;
    const isSame = mine.qos === qos && mine.noLocal === noLocal && mine.retainAsPublished === retainAsPublished;
    return isSame && this.retainHandling === retainHandling && this.identifier === identifier;
  }

  /** What topics are matched with: without `$share/group/`. */
  get filter(): string {
    return this.shared === undefined ? this.topicFilter : this.shared.filter;
  }

  get qos(): QoS {
    return (this.#options & 3) as QoS;
  }

  /** As it was asked for, whatever the session's connection speaks now. */
  get granted(): SubscriptionOptions {
    return {
      qos: this.qos,
      noLocal: (this.#options & NO_LOCAL) !== 0,
      retainAsPublished: (this.#options & RETAIN_AS_PUBLISHED) !== 0,
      retainHandling: this.retainHandling,
      isFiltered: this.isFiltered,
    };
  }

  /** In force: 3.x knows no such option, and behaves as if it were not set [MQTT311-3.3.1-9]. */
  get noLocal(): boolean {
    return (this.#options & NO_LOCAL) !== 0 && this.session.knowsOptions;
  }

  get retainAsPublished(): boolean {
    return (this.#options & RETAIN_AS_PUBLISHED) !== 0 && this.session.knowsOptions;
  }

  get retainHandling(): 0 | 1 | 2 {
    return ((this.#options >> 4) & 3) as 0 | 1 | 2;
  }

  /** Its client may not have it any more: nothing is delivered for it. */
  get isSuspended(): boolean {
    return (this.#options & SUSPENDED) !== 0;
  }

  /** Of what it matches only that is delivered which its client may receive. */
  get isFiltered(): boolean {
    return (this.#options & FILTERED) !== 0;
  }

  /** A message to this topic may be delivered for it. */
  mayDeliver(topic: string): boolean {
    return !this.isSuspended && (!this.isFiltered || this.session.mayReceive(topic));
  }

  /** Until there is another in its place. */
  suspend(): void {
    this.#options |= SUSPENDED;
  }
}

/** Somebody in the broker's own process who is given messages: `broker.subscribe()`. */
export interface LocalSubscriber {
  readonly filter: string;
  onMessage(message: LocalMessage): void;
}

/** A message as the broker's own process sees it. The payload is its own. */
export interface LocalMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly publisher: string | undefined;
}
