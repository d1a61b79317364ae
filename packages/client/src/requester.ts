import { type ProtocolVersion, reasonCodeName } from '@hawser/codec';
import * as ReasonCode from '@hawser/codec/reason-code';
import { show } from '@hawser/parameters';
import type { Clock } from '@hawser/transport/clock';
import type { Client } from './api.ts';
import { checkSignal } from './check-options.ts';
import { RefusedError, TimeoutError, UsageError } from './errors.ts';
import type { Message } from './inbound/message.ts';
import type { Payload, PublishOptions, SubscribeOptions } from './options.ts';
import { onlyIn5 } from './outgoing-message.ts';
import { abortable, timed } from './promises.ts';
import type { PublishResult } from './results.ts';

interface RequesterHost extends Pick<Client, 'negotiated' | 'clientId'> {
  readonly clock: Clock;
  readonly version: ProtocolVersion;
}

/** The calls of the client that a request is made of. */
interface RequesterCalls extends Pick<Client, 'onMessage'> {
  publish(topic: string, payload: Payload, options: PublishOptions): Promise<PublishResult>;
  subscribe(filters: string, options: SubscribeOptions): Promise<unknown>;
}

interface Requester {
  readonly request: Client['request'];
  /** Requests that wait for their answer. */
  readonly pending: number;
  /** Resolves when all that are pending now have been settled. */
  whenIdle(): Promise<unknown>;
  close(error: Error): void;
}

/** Request and response (section 4.10): one Response Topic for the client, a Correlation Data for each request. */
export function requesterOf(client: RequesterHost, calls: RequesterCalls): Requester {
  const asked = new Map<string, PromiseWithResolvers<Message>>();
  let subscribed: Promise<string> | undefined;
  let count = 0;

  /** Once for all requests; after a failure, again with the next. */
  const subscribe = async (): Promise<string> => {
    // The server may have said which topics are this client's own (section 3.2.2.3.15).
    const base = client.negotiated?.responseInformation ?? 'responses';
    const topic = `${base.replace(/\/$/, '')}/${client.clientId.replace(/[+#]/g, encodeURIComponent)}`;
    const stop = calls.onMessage((message) => {
      // One that comes too late has nobody else to do so.
      message.acknowledge();
      asked.get(new TextDecoder().decode(message.correlationData))?.resolve(message);
    }, topic);
    try {
      await calls.subscribe(topic, { qos: 1 });
    } catch (error) {
      stop();
      subscribed = undefined;
      throw error;
    }
    return topic;
  };

  return {
    async request(topic, payload, options = {}) {
      const { timeout = 10, signal, responseTopic, correlationData, qos = 1, ...publish } = options;
      if ((responseTopic ?? correlationData) !== undefined) {
        const text = 'request() sets responseTopic and correlationData itself';
        throw new UsageError('conflicting-options', text);
      }
      if (client.version !== 5) throw onlyIn5('request()');
      checkSignal(signal);
      if (!(timeout > 0))
        throw new UsageError('out-of-range', `timeout: takes seconds, more than 0, not ${show(timeout)}`);
      signal?.throwIfAborted();
      const key = `${++count}`;
      // A request that has been given up is not sent any more.
      const over = new AbortController();
      const answer = Promise.withResolvers<Message>();
      const { promise, reject } = answer;
      asked.set(key, answer);
      subscribed ??= subscribe();
      subscribed
        .then((responseTopic) => {
          const asked = { ...publish, qos, signal: over.signal, responseTopic, correlationData: key };
          return calls.publish(topic, payload ?? '', asked);
        })
        .then(({ reasonCode }) => {
          // What is retained may find its reader later.
          if (reasonCode === ReasonCode.NoMatchingSubscribers && !publish.retain) throw unheard(topic);
        })
        .catch(reject);
      const onLate = (): void => {
        const text = `no answer to the request on '${topic}' within ${timeout} s`;
        reject(new TimeoutError('request-timeout', text));
      };
      abortable(promise, signal, () => reject(signal?.reason));
      return timed(promise, client.clock, timeout * 1000, onLate).finally(() => {
        asked.delete(key);
        over.abort();
      });
    },

    get pending() {
      return asked.size;
    },

    whenIdle: () => Promise.allSettled([...asked.values()].map(({ promise }) => promise)),

    close(error) {
      for (const { reject } of asked.values()) reject(error);
    },
  };
}

function unheard(topic: string): RefusedError {
  const code = ReasonCode.NoMatchingSubscribers;
  return new RefusedError(reasonCodeName(code), code, `nobody answers: '${topic}' has no subscribers`);
}
