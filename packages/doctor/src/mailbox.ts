import { type Client, ClosedError, type Message } from '@hawser/client';

/** More than the doctor ever sends: who else publishes to its topics must not fill the memory. */
const MOST_KEPT = 1000;

interface Waiting {
  readonly matches: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
}

/** Messages of the doctor's own topics, kept until somebody asks for them. Others stay unacknowledged, in the session they belong to. */
export class Mailbox {
  readonly received: Message[];
  /** Messages that are somebody else's. */
  foreign = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #client: Client;

  /** `client` with `acknowledge: 'manual'`. `received`: what came over the connection before. */
  constructor(client: Client, topic: string, received: Message[] = []) {
    this.#client = client;
    this.received = received;
    client.on('message', (message) => {
      if (!message.topic.startsWith(`${topic}/`)) {
        this.foreign++;
        return;
      }
      message.acknowledge();
      if (this.received.length < MOST_KEPT) this.received.push(message);
      for (const waiting of this.#waiting) {
        if (!waiting.matches(message)) continue;
        this.#waiting.delete(waiting);
        waiting.resolve(message);
      }
    });
  }

  /** The first that matches, of those that are there or come. Rejects when the client is closed. */
  async take(matches: (message: Message) => boolean): Promise<Message> {
    const there = this.received.find(matches);
    if (there !== undefined) return there;
    const coming = new Promise<Message>((resolve) => {
      this.#waiting.add({ matches, resolve });
    });
    const closed = this.#client.closed.then((error) =>
      Promise.reject(error ?? new ClosedError('client-closed', 'the client was closed')),
    );
    return Promise.race([coming, closed]);
  }
}
