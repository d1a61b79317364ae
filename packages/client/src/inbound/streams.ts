import { UsageError } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { MessagesOptions } from '../options.ts';
import type { SubscriptionBook } from '../session/subscription-book.ts';
import type { Inbox } from './inbox.ts';
import { MessageStream } from './message-stream.ts';

/** The MessageStreams of a client: each with subscriptions of its own, given up when no other stream has them. */
export class Streams {
  readonly #inbox: Inbox;
  readonly #book: SubscriptionBook;
  readonly #unsubscribe: (topicFilters: readonly string[]) => Promise<unknown>;
  readonly #open = new Set<MessageStream>();

  constructor(
    inbox: Inbox,
    book: SubscriptionBook,
    unsubscribe: (topicFilters: readonly string[]) => Promise<unknown>,
  ) {
    this.#inbox = inbox;
    this.#book = book;
    this.#unsubscribe = unsubscribe;
  }

  open(topicFilters: readonly string[], options: MessagesOptions, negotiated: Negotiated | undefined): MessageStream {
    const { buffer = 100, ...subscribe } = options;
    if (!Number.isInteger(buffer) || buffer < 1) {
      throw new UsageError('out-of-range', `buffer: ${buffer} is not a whole number of messages, 1 or more`);
    }
    const stream = new MessageStream(this.#inbox, topicFilters, buffer, () => this.#onEnd(stream));
    this.#open.add(stream);
    // With an identifier of its own a stream gets a message once, however many subscriptions of this client match it.
    const hasOwn = negotiated?.subscriptionIdentifierAvailable.effective ?? false;
    const identifier = subscribe.subscriptionIdentifier ?? (hasOwn ? this.#book.nextIdentifier() : undefined);
    if (identifier !== undefined) this.#identify(stream, identifier);
    try {
      this.#book.subscribe(topicFilters, subscribe, negotiated, identifier).catch((error) => stream.end(error));
    } catch (error) {
      stream.end(undefined);
      this.#open.delete(stream);
      throw error;
    }
    return stream;
  }

  close(error: Error | undefined): void {
    for (const stream of this.#open) stream.end(error);
    this.#open.clear();
  }

  async #onEnd(stream: MessageStream): Promise<void> {
    this.#open.delete(stream);
    const kept = new Set([...this.#open].flatMap(({ filters }) => filters));
    const given = stream.filters.filter((filter) => !kept.has(filter));
    // A client that is closed has no subscriptions left.
    if (given.length > 0) await this.#unsubscribe(given).catch(() => {});
  }

  /** A filter that is subscribed to again changes its identifier, for those who have had it before too. */
  #identify(stream: MessageStream, identifier: number): void {
    for (const other of this.#open) {
      if (other !== stream && !other.filters.some((filter) => stream.filters.includes(filter))) continue;
      if (other === stream || other.identifiers !== undefined) {
        other.identifiers = new Set([...(other.identifiers ?? []), identifier]);
      }
    }
  }
}
