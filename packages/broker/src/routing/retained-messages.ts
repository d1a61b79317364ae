import type { Message } from '@hawser/protocol';
import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import { storedMessage } from '../stores/stored.ts';
import type { TopicCursor } from './topic-cursor.ts';
import { TopicIndex } from './topic-index.ts';

/** Topics that are looked at before others may have their turn. */
const STEP_TOPICS = 16;

/** The last message of each topic that was published with RETAIN, bounded by count and bytes. */
export class RetainedMessages {
  readonly #core: BrokerCore;
  readonly #index = new TopicIndex<Message>();
  #bytes = 0;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  get count(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  values(): Iterable<Message> {
    return this.#index.values();
  }

  get(topic: string): Message | undefined {
    return this.#index.get(topic);
  }

  /** Whether the bounds allow to keep a message of this size under this topic. */
  hasRoom(topic: string, size: number): boolean {
    const { settings } = this.#core;
    const known = this.#index.get(topic);
    if (known === undefined && this.#index.size >= settings['limits.retainedMessages']) return false;
    return this.#bytes - (known?.size ?? 0) + size <= settings['limits.retainedBytes'];
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
    this.#bytes -= known.size;
    this.#index.delete(topic);
    return this.#core.journal.append({ kind: 'deleteRetained', topic });
  }

  /** Puts back what a store has kept. */
  restore(message: Message): void {
    const known = this.#index.get(message.topic.name);
    this.#bytes += message.size - (known?.size ?? 0);
    this.#index.set(message.topic.name, message);
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
