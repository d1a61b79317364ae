import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { Message } from '../messages/message.ts';
import type { Timed } from '../node/deadlines.ts';
import type { DriverNode } from '../node/driver-node.ts';
import { Work } from '../node/work-kinds.ts';
import type { Settings } from '../settings.ts';
import type { Journal } from '../stores/journal.ts';
import { storedMessage, type WallTime } from '../stores/stored.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import type { TopicCursor } from './topic-cursor.ts';
import { TopicIndex } from './topic-index.ts';
import { WORK_OF_DELIVERY } from './work.ts';

/** Topics that are looked at before others may have their turn. */
const STEP_TOPICS = 16;

/** What a message takes beside its bytes: objects, buffers, places in maps and in the index. */
const MESSAGE_BYTES = 768;
/** For each byte of a topic: its bytes, its text, and the parts of it that the index keeps. */
const TOPIC_BYTES = 3;
/** To take out what has expired. */
const WORK_OF_EXPIRY = 4 * WORK_OF_DELIVERY;

/** What retained messages need of the broker they are in. */
export interface RetainedHost extends WallTime {
  readonly settings: Pick<Settings, 'limits.retainedMessages' | 'limits.retainedBytes'>;
  readonly driverNode: Pick<DriverNode, 'deadlines' | 'turn'>;
  readonly journal: Pick<Journal, 'append'>;
}

/**
 * The last message of each topic that was published with RETAIN, bounded by count and by what it takes in memory. What has expired leaves
 * by a deadline, a turn's share at a time, from the store too.
 */
export class RetainedMessages implements Timed {
  readonly #core: RetainedHost;
  readonly #index = new TopicIndex<Message>();
  readonly #expiring = new ExpiryHeap();
  #bytes = 0;

  constructor(core: RetainedHost) {
    this.#core = core;
  }

  get count(): number {
    return this.#index.size;
  }

  /** Memory they take, as estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  values(): Iterable<Message> {
    return this.#index.values();
  }

  get(topic: string): Message | undefined {
    return this.#index.get(topic);
  }

  /** Whether the bounds allow to keep a message of this size, its topic included, under this topic. */
  hasRoom(topic: string, size: number): boolean {
    const { settings } = this.#core;
    const known = this.#index.get(topic);
    if (known === undefined && this.#index.size >= settings['limits.retainedMessages']) return false;
    const bytes = size + (TOPIC_BYTES - 1) * topic.length + MESSAGE_BYTES;
    return this.#bytes - (known === undefined ? 0 : bytesOf(known)) + bytes <= settings['limits.retainedBytes'];
  }

  /** Keeps a message, or with an empty payload removes what is kept [MQTT5-3.3.1-6] [MQTT311-3.3.1-10]. */
  set(message: Message): Ticket {
    const topic = message.topic.name;
    // [MQTT311-3.3.1-11] [MQTT5-3.3.1-7]
    if (message.payload.length === 0) return this.delete(topic);
    // [MQTT311-3.3.1-7]
    this.restore(message.keep());
    return this.#core.journal.append({ kind: 'putRetained', message: storedMessage(message, this.#core) });
  }

  delete(topic: string): Ticket {
    const known = this.#index.get(topic);
    if (known === undefined) return NO_TICKET;
    this.#bytes -= bytesOf(known);
    this.#index.delete(topic);
    this.#expiring.delete(topic);
    return this.#core.journal.append({ kind: 'deleteRetained', topic });
  }

  /** Puts back what a store has kept. */
  restore(message: Message): void {
    const known = this.#index.get(message.topic.name);
    this.#bytes += bytesOf(message) - (known === undefined ? 0 : bytesOf(known));
    this.#index.set(message.topic.name, message);
    this.#expiring.set(message);
    if (this.#expiring.first === message) this.#core.driverNode.deadlines.watch(this);
  }

  nextTimeout(): number {
    return this.#expiring.first?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** What a turn has no time for is due again at once. */
  handleTimeout(now: number): void {
    const { turn } = this.#core.driverNode;
    for (let first = this.#expiring.first; first?.isExpired(now) === true; first = this.#expiring.first) {
      if (turn.isOver) return;
      turn.spend(Work.deadline, WORK_OF_EXPIRY);
      this.delete(first.topic.name);
    }
  }

  /** The same, a few at a time; what has expired is among them. */
  cursor(filter: string): TopicCursor<Message> {
    return this.#index.cursor(filter);
  }

  /** Those that a filter matches, without what has expired; undefined: there was none among the next few topics. */
  *matching(filter: string, now: number): Generator<Message | undefined, void> {
    const cursor = this.cursor(filter);
    while (!cursor.done) {
      const message = cursor.next(STEP_TOPICS);
      if (message === undefined || !message.isExpired(now)) yield message;
      else this.delete(message.topic.name);
    }
  }
}

/** Memory that a message takes, as estimated. */
function bytesOf(message: Message): number {
  return message.size + (TOPIC_BYTES - 1) * message.topic.bytes.length + MESSAGE_BYTES;
}
