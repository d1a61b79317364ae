import type { Client } from '../api.ts';
import { connectWith, optionsOf } from '../connect-with.ts';
import type { ClientOptions } from '../options.ts';
import { browserPlatform } from './platform.ts';

export type { Client, ClientState, Grant, MessageHandler, PublishResult, UnsubscribeResult } from '../api.ts';
export { ScramError, type ScramOptions, scramSha256 } from '../authentication/scram-sha-256.ts';
export { connectWith } from '../connect-with.ts';
export { type Address, formatAddress, parseAddress } from '../connection/address.ts';
export * from '../errors.ts';
export type { ClientEvents, ConnectedEvent, ConnectingEvent, DisconnectedEvent, WarningEvent } from '../events.ts';
export { Message } from '../inbound/message.ts';
export type { MessageStream } from '../inbound/message-stream.ts';
export type { Negotiated, NegotiatedValue } from '../negotiated.ts';
export type * from '../options.ts';
export type { DialFailure, Platform, PlatformDialOptions } from '../platform.ts';
export { memorySessionStore } from '../session/memory-session-store.ts';
export { type SessionEntries, type SessionStore, type StoreChange, sessionStore } from '../session/session-store.ts';
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
