import type { Client } from '../api.ts';
import { connectWith, createClientWith, optionsOf } from '../connect-with.ts';
import type { ClientOptions } from '../options.ts';
import { browserPlatform } from './platform.ts';

export type { Client, ClientState, MessageHandler } from '../api.ts';
export { ScramError, type ScramOptions, scramSha256 } from '../authentication/scram-sha-256.ts';
export { connectWith, createClientWith } from '../connect-with.ts';
export { type Address, formatAddress, parseAddress } from '../connection/address.ts';
export * from '../errors.ts';
export type { ClientEvents, ConnectedEvent, ConnectingEvent, DisconnectedEvent, WarningEvent } from '../events.ts';
export { Message } from '../inbound/message.ts';
export type { MessageStream } from '../inbound/message-stream.ts';
export type { Negotiated, NegotiatedValue } from '../negotiated.ts';
export type * from '../options.ts';
export type { DialFailure, Platform, PlatformDialOptions } from '../platform.ts';
export type { Grant, PublishResult, UnsubscribeResult } from '../results.ts';
export { memorySessionStore } from '../session/memory-session-store.ts';
export type { SessionEntries, StoreChange } from '../session/session-entries.ts';
export { type SessionStore, sessionStore } from '../session/session-store.ts';
export {
  PayloadError,
  type PayloadFormat,
  type StandardSchema,
  type TopicParameters,
  type TypedMessage,
  type TypedMessageStream,
  type TypedTopic,
  topic,
} from '../typed-topic.ts';
export { indexedDbSessionStore } from './indexed-db-session-store.ts';
export { browserPlatform } from './platform.ts';

/** Connects to an MQTT server over WebSocket and stays connected; see the same function of Node. */
export function connect(url: string | URL, options?: Omit<ClientOptions, 'url'>): Promise<Client>;
export function connect(options?: ClientOptions): Promise<Client>;
export async function connect(first: string | URL | ClientOptions = {}, rest: ClientOptions = {}): Promise<Client> {
  return connectWith(browserPlatform, optionsOf(first, rest));
}

/**
 * A client before its first connection: it connects by itself and goes on trying, from the end of this turn on. Messages and subscriptions wait until then (`queue`, `store`). Throws
 * UsageError; what stops it is told by `closed`, `disconnected`, streams, or `error`. `connect()` is this and a wait.
 */
export function createClient(url: string | URL, options?: Omit<ClientOptions, 'url'>): Client;
export function createClient(options?: ClientOptions): Client;
export function createClient(first: string | URL | ClientOptions = {}, rest: ClientOptions = {}): Client {
  return createClientWith(browserPlatform, optionsOf(first, rest));
}
