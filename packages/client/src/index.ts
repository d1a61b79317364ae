import type { Client } from './api.ts';
import { connectWith, createClientWith, optionsOf } from './connect-with.ts';
import { nodePlatform } from './node/platform.ts';
import type { ClientOptions } from './options.ts';

export type { Client, ClientState, MessageHandler } from './api.ts';
export { ScramError, type ScramOptions, scramSha256 } from './authentication/scram-sha-256.ts';
export { connectWith, createClientWith } from './connect-with.ts';
export type { Address } from './connection/address.ts';
export { formatAddress, parseAddress } from './connection/address.ts';
export {
  AddressError,
  type CertificateSeen,
  ClosedError,
  ConnectError,
  type ConnectEvidence,
  type ConnectStage,
  type HttpSeen,
  MalformedPacketError,
  ProtocolError,
  RefusedError,
  type Retry,
  TimeoutError,
  UsageError,
} from './errors.ts';
export type { ClientEvents, ConnectedEvent, ConnectingEvent, DisconnectedEvent, WarningEvent } from './events.ts';
export { Message } from './inbound/message.ts';
export type { MessageStream } from './inbound/message-stream.ts';
export type { Negotiated, NegotiatedValue } from './negotiated.ts';
export { nodePlatform } from './node/platform.ts';
export type {
  AuthenticationOptions,
  ClientOptions,
  ConnectOptions,
  DisconnectOptions,
  MessageProperties,
  MessagesOptions,
  Payload,
  Provider,
  PublishOptions,
  QueueOptions,
  ReconnectOptions,
  RequestOptions,
  SubscribeOptions,
  TlsOptions,
  UnsubscribeOptions,
  UserPropertiesOption,
  WillOptions,
} from './options.ts';
export type { DialFailure, Platform, PlatformDialOptions } from './platform.ts';
export type { Grant, PublishResult, UnsubscribeResult } from './results.ts';
export { levelSessionStore } from './session/level-session-store.ts';
export { memorySessionStore } from './session/memory-session-store.ts';
export type { SessionEntries, StoreChange } from './session/session-entries.ts';
export { type SessionStore, sessionStore } from './session/session-store.ts';
export {
  PayloadError,
  type PayloadFormat,
  type StandardSchema,
  type TopicParameters,
  type TypedMessage,
  type TypedMessageStream,
  type TypedTopic,
  topic,
} from './typed-topic.ts';

/**
 * Connects to an MQTT server and stays connected. Resolves with the CONNACK; rejects with a ConnectError that names the stage and
 * the reason of the first attempt (`reconnect.initial`: goes on trying). Wrong options are a UsageError.
 *
 * `const client = await connect('mqtts://broker.example.com', { username, password })`, then `subscribe`, `publish`, `messages`; at the end
 * `disconnect()`, or `await using`.
 */
export function connect(url: string | URL, options?: Omit<ClientOptions, 'url'>): Promise<Client>;
export function connect(options?: ClientOptions): Promise<Client>;
export async function connect(first: string | URL | ClientOptions = {}, rest: ClientOptions = {}): Promise<Client> {
  return connectWith(nodePlatform, optionsOf(first, rest));
}

/**
 * A client before its first connection: it connects by itself and goes on trying, from the end of this turn on. Messages and subscriptions wait until then (`queue`, `store`). Throws
 * UsageError; what stops it is told by `closed`, `disconnected`, streams, or `error`. `connect()` is this and a wait.
 */
export function createClient(url: string | URL, options?: Omit<ClientOptions, 'url'>): Client;
export function createClient(options?: ClientOptions): Client;
export function createClient(first: string | URL | ClientOptions = {}, rest: ClientOptions = {}): Client {
  return createClientWith(nodePlatform, optionsOf(first, rest));
}
