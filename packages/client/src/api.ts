// Brings AsyncDisposable along, which no `target` of a user's has by itself before esnext.
/// <reference lib="esnext.disposable" preserve="true" />
import type { ClientEvents } from './events.ts';
import type { Message } from './inbound/message.ts';
import type { MessageStream } from './inbound/message-stream.ts';
import type { Negotiated } from './negotiated.ts';
import type {
  DisconnectOptions,
  MessagesOptions,
  Payload,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import type { Grant, PublishResult, UnsubscribeResult } from './results.ts';

/** `connecting`: an attempt is under way; `waiting`: for the next one; `closed`: for good. */
export type ClientState = 'connecting' | 'connected' | 'waiting' | 'closed';

/** An MQTT client that stays connected. Made by `connect` or `createClient`. A promise that a program ignores does not end the program. */
export interface Client extends AsyncDisposable {
  readonly state: ClientState;
  /** In force: generated, given, or assigned by the server. */
  readonly clientId: string;
  /** What was asked for and granted; undefined before the first CONNACK. */
  readonly negotiated: Negotiated | undefined;
  /** Resolves when the client is closed for good; with the error when that was not `disconnect()`. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  /** Messages that wait to be sent or acknowledged, of QoS 0 to be handed to the network. */
  readonly pending: number;
  /**
   * Messages that came and were dropped: of QoS 0 what nobody took, or not fast enough; of QoS 1 and 2 what the program had unsubscribed from. Told by the warning
   * `message-dropped` as well.
   */
  readonly dropped: number;

  /**
   * Sends a message. Resolves when it is acknowledged at its QoS (QoS 0: when its bytes were handed to the network, which is waited for while it takes no
   * more); waits through lost connections. Rejects: RefusedError with the server's Reason Code, or for a limit of the server (`packet-too-large`, `qos-not-supported`,
   * `retain-not-supported`), `queue-full`, `message-expired`, ClosedError, UsageError. Who does not wait for it is not stopped by that.
   */
  publish(topic: string, payload?: Payload, options?: PublishOptions): Promise<PublishResult>;

  /** Subscribes; reports each grant in the order of the filters. Rejects with RefusedError when every one is refused. */
  subscribe(filters: string | readonly string[], options?: SubscribeOptions): Promise<Grant[]>;
  unsubscribe(filters: string | readonly string[], options?: UnsubscribeOptions): Promise<UnsubscribeResult[]>;

  /**
   * Subscribes, and gives the messages one by one: `for await (const message of client.messages('a/+/b', { qos: 1 }))`. QoS 1 and 2 are
   * acknowledged when the next one is asked for. A full buffer stops reading from the network. Leaving the loop is done at once, and unsubscribes. The stream ends with the error
   * that stops the client.
   */
  messages(filters: string | readonly string[], options?: MessagesOptions): MessageStream;

  /**
   * Calls `handler` with each message that matches one of the filters (all, without filters), from the subscriptions there are.
   * QoS 1 and 2 are acknowledged when what it returns has settled. Returns how to stop.
   */
  onMessage(handler: MessageHandler, filters?: string | readonly string[]): () => void;

  /**
   * Publishes with a Response Topic and Correlation Data, and waits for the answer (5.0), which the client acknowledges. Rejects with TimeoutError; with RefusedError (0x10) at
   * once when the topic has no subscribers.
   */
  request(topic: string, payload?: Payload, options?: RequestOptions): Promise<Message>;

  /** Runs the authentication exchange again (5.0, with `authentication`). */
  reauthenticate(): Promise<void>;

  /** Hands an error to the listeners of `error`, throws it in a turn of its own when there is none: for code that works on top of a client. */
  reportError(error: unknown): void;

  /**
   * Says good-bye and closes for good, after waiting (5 s at most, unless `drain` says otherwise) for what is not acknowledged or answered; then that rejects with
   * ClosedError. Idempotent.
   */
  disconnect(options?: DisconnectOptions): Promise<void>;

  /** Listens to an event; returns how to stop. */
  on<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void;
  once<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): () => void;
  off<E extends keyof ClientEvents>(event: E, listener: (data: ClientEvents[E]) => void): void;
}

export type MessageHandler = (message: Message) => void | Promise<void>;
