import type { Clock } from '@hawser/transport';
import type { Client } from './api.ts';
import { TimeoutError, UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { Payload, RequestOptions } from './options.ts';

interface Asked {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: unknown) => void;
}

type RequesterClient = Pick<Client, 'publish' | 'subscribe' | 'onMessage' | 'negotiated' | 'clientId'>;

/** Request and response (section 4.10): one Response Topic for the client, a Correlation Data for each request. */
export class Requester {
  readonly #client: RequesterClient;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asked>();
  #ready: Promise<string> | undefined;
  #count = 0;

  constructor(client: RequesterClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async request(topic: string, payload: Payload, options: RequestOptions): Promise<Message> {
    const { timeout = 10, signal, responseTopic, correlationData, ...publish } = options;
    if (this.#client.negotiated !== undefined && this.#client.negotiated.protocolVersion.effective !== 5) {
      throw new UsageError(
        'option-not-in-this-version',
        'request(): only MQTT 5.0 has Response Topic and Correlation Data',
      );
    }
    if (responseTopic !== undefined || correlationData !== undefined) {
      throw new UsageError(
        'conflicting-options',
        'request() sets responseTopic and correlationData itself; use publish() for your own',
      );
    }
    signal?.throwIfAborted();
    const key = `${++this.#count}`;
    let cancel = (): void => {};
    const onAbort = (): void => this.#asked.get(key)?.reject(signal?.reason);
    const answer = new Promise<Message>((resolve, reject) => {
      this.#asked.set(key, { resolve, reject });
      cancel = this.#clock.setTimer(this.#clock.now() + timeout * 1000, () => {
        reject(
          new TimeoutError(
            'request-timeout',
            `no answer to the request on '${topic}' within ${timeout} s: does anybody serve it?`,
          ),
        );
      });
    });
    // Whoever fails first is told; the other must not count as unhandled.
    answer.catch(() => {});
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const to = await Promise.race([this.#prepare(), answer]);
      if (typeof to === 'string') {
        this.#client
          .publish(topic, payload, { ...publish, responseTopic: to, correlationData: key })
          .catch((error: unknown) => {
            this.#asked.get(key)?.reject(error);
          });
      }
      return await answer;
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
      this.#asked.delete(key);
    }
  }

  close(error: Error): void {
    for (const asked of this.#asked.values()) asked.reject(error);
  }

  /** Subscribes once. */
  #prepare(): Promise<string> {
    this.#ready ??= this.#subscribe().catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #subscribe(): Promise<string> {
    // The server may have said which topics are this client's own (section 3.2.2.3.15).
    const base = this.#client.negotiated?.responseInformation ?? 'responses';
    const topic = `${base.replace(/\/$/, '')}/${this.#client.clientId}`;
    this.#client.onMessage((message) => {
      const key = message.correlationData === undefined ? '' : new TextDecoder().decode(message.correlationData);
      this.#asked.get(key)?.resolve(message);
    }, topic);
    await this.#client.subscribe(topic, { qos: 1 });
    return topic;
  }
}
