import type { QoS } from '@hawser/codec';
import type { ClientSession } from '../sessions/client-session.ts';
import type { SharedGroup } from './shared-group.ts';

/** One subscription of one session. */
export interface Subscription {
  readonly session: ClientSession;
  /** As the client wrote it, with `$share/group/`. */
  readonly topicFilter: string;
  /** What topics are matched with. */
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly identifier: number | undefined;
  /** The shared subscription it is a member of. */
  readonly shared: SharedGroup | undefined;
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
