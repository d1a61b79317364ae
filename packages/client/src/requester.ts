import type { Clock } from '@hawser/transport';
import type { Client } from './api.ts';
import { TimeoutError, UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { Payload, RequestOptions } from './options.ts';
import { abortable, timed } from './settle.ts';

interface RequesterClient extends Pick<Client, 'publish' | 'subscribe' | 'onMessage' | 'negotiated' | 'clientId'> {
  readonly clock: Clock;
}

/** Request and response (section 4.10): one Response Topic for the client, a Correlation Data for each request. */
export class Requester {
  readonly #client: RequesterClient;
  readonly #asked = new Map<string, PromiseWithResolvers<Message>>();
  #responseTopic: Promise<string> | undefined;
  #count = 0;

  constructor(client: RequesterClient) {
    this.#client = client;
  }

  async request(topic: string, payload: Payload, options: RequestOptions): Promise<Message> {
    const { timeout = 10, signal, responseTopic, correlationData, ...publish } = options;
    if (responseTopic !== undefined || correlationData !== undefined) {
      const text = 'request() sets responseTopic and correlationData itself';
      throw new UsageError('conflicting-options', text);
    }
    signal?.throwIfAborted();
    const key = `${++this.#count}`;
    const asked = Promise.withResolvers<Message>();
    this.#asked.set(key, asked);
    this.#responseTopic ??= this.#subscribe();
    this.#responseTopic
      .then((to) => this.#client.publish(topic, payload, { ...publish, responseTopic: to, correlationData: key }))
      .catch(asked.reject);
    const onLate = (): void => {
      const text = `no answer to the request on '${topic}' within ${timeout} s`;
      asked.reject(new TimeoutError('request-timeout', text));
    };
    try {
      return await timed(
        abortable(asked.promise, signal, () => asked.reject(signal?.reason)),
        this.#client.clock,
        timeout * 1000,
        onLate,
      );
    } finally {
      this.#asked.delete(key);
    }
  }

  close(error: Error): void {
    for (const asked of this.#asked.values()) asked.reject(error);
  }

  /** Once for all requests; after a failure, again with the next. */
  async #subscribe(): Promise<string> {
    // The server may have said which topics are this client's own (section 3.2.2.3.15).
    const base = this.#client.negotiated?.responseInformation ?? 'responses';
    const topic = `${base.replace(/\/$/, '')}/${this.#client.clientId}`;
    const stop = this.#client.onMessage((message) => {
      this.#asked.get(new TextDecoder().decode(message.correlationData))?.resolve(message);
    }, topic);
    try {
      await this.#client.subscribe(topic, { qos: 1 });
    } catch (error) {
      stop();
      this.#responseTopic = undefined;
      throw error;
    }
    return topic;
  }
}
