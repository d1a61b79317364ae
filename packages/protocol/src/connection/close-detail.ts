import type { PacketExcess } from '@hawser/codec';

/** Why a store takes nothing, with the figures of the sentence. */
export interface StoreProblems {
  readonly 'store-failed': { readonly why: string };
  readonly 'store-behind': { readonly bytes: number };
  readonly 'store-cannot-hold': { readonly bytes: number; readonly limit: number };
  readonly 'disk-full': { readonly free: number; readonly minimum: number };
  readonly 'data-full': { readonly bytes: number; readonly limit: number };
}

export type StoreProblem = Tagged<StoreProblems>;

/**
 * What there is to say about the end of a connection or a refusal, by the name of the sentence: its figures. One code may have several
 * sentences. A new one is a row here and a row in the catalogue of the broker (`broker/src/causes/sentences.ts`).
 */
export interface CloseDetails extends StoreProblems {
  /** Nothing but what the code means. */
  readonly plain: unknown;
  /** What somebody else said, a policy or an operator. */
  readonly said: { readonly text: string };
  /** The client's DISCONNECT, with its Reason String. */
  readonly disconnected: { readonly said?: string };
  readonly 'network-broke': { readonly why: string };
  /** Bytes that are no packet, or one that may not come. */
  readonly packet: { readonly seen: string };
  readonly excess: { readonly excess: PacketExcess };
  readonly 'keep-alive-over': { readonly gapSeconds: number; readonly keepAlive: number };
  readonly 'taken-over': { readonly by: string };
  readonly 'connect-late': { readonly seconds: number; readonly bytes: number };
  readonly 'http-request': unknown;
  readonly 'tls-handshake': unknown;
  readonly 'other-packet': { readonly firstByte: string };
  readonly 'answer-too-large': { readonly packet: string; readonly bytes: number; readonly limit: number };
  readonly 'acknowledgement-misplaced': { readonly packet: string; readonly packetIdentifier: number };
  readonly 'expiry-not-allowed': unknown;
  readonly 'websocket-frame': { readonly why: string };
  readonly 'credentials-expired': unknown;
  readonly 'session-cleared': unknown;

  // Before the CONNACK.
  readonly 'half-open': { readonly count: number };
  readonly 'open-files': { readonly limit: number };
  readonly 'connection-rate': unknown;
  readonly 'connections-all': { readonly limit: number };
  readonly 'connections-of-address': { readonly address: string; readonly limit: number };
  readonly 'connections-of-user': { readonly limit: number };
  readonly 'loop-late': { readonly ms: number };
  readonly 'banned-for': { readonly reason: BanReason; readonly until: number };
  readonly 'version-not-taken': { readonly listener: string };
  readonly 'client-id-too-long': { readonly limit: number };
  readonly 'client-id-missing-3': unknown;
  readonly 'client-id-long-31': { readonly length: number };
  readonly 'client-id-empty-kept': unknown;
  readonly 'client-id-of-others': unknown;
  readonly 'client-id-of-user': unknown;
  readonly 'sessions-all': { readonly limit: number };
  readonly 'sessions-bytes': unknown;
  readonly 'session-not-kept': { readonly why: StoreProblem };
  readonly 'session-unreadable': { readonly why: string };
  readonly 'will-not-permitted': { readonly topic: string };
  readonly 'will-undecided': unknown;
  readonly credentials: unknown;
  readonly 'authenticator-silent': unknown;
  readonly 'method-unknown': { readonly method: string };
  readonly 'method-changed': { readonly method: string; readonly agreed: string };
  readonly 'auth-unasked': unknown;
  readonly 'auth-without-method': unknown;
  readonly 'other-user': { readonly username: string };

  // Messages.
  readonly 'publish-not-permitted': { readonly topic: string };
  readonly 'publish-undecided': { readonly topic: string };
  readonly 'payload-not-utf8': { readonly topic: string };
  readonly 'inbound-qos2': { readonly limit: number };
  readonly 'input-bytes': { readonly limit: number; readonly key: string };
  readonly 'queue-full': { readonly topic: string };
  readonly 'retained-full': unknown;
  readonly 'message-not-stored': { readonly why: StoreProblem };

  // Subscriptions.
  readonly 'subscription-not-permitted': { readonly topicFilter: string };
  readonly 'subscription-undecided': { readonly topicFilter: string };
  /** Wider than what its client may receive: told, so that nobody looks for the rest. */
  readonly 'subscription-filtered': { readonly topicFilter: string };
  readonly 'subscription-suspended': { readonly topicFilter: string };
  readonly 'subscriptions-full': { readonly topicFilter: string; readonly limit: number };
  readonly 'shared-subscriptions-full': { readonly topicFilter: string; readonly limit: number };
  readonly 'subscription-too-deep': { readonly topicFilter: string; readonly levels: number; readonly limit: number };
  readonly 'subscription-too-long': { readonly topicFilter: string; readonly limit: number };
  readonly 'subscription-no-room': { readonly topicFilter: string };
  readonly 'subscription-no-room-node': { readonly topicFilter: string };
  readonly 'subscription-not-kept': { readonly topicFilter: string; readonly why: StoreProblem };
}

/** Why somebody is banned: what was counted, or what an operator wrote. */
export type BanReason =
  | { readonly is: 'failed-logins' }
  | { readonly is: 'connects' }
  | { readonly is: 'said'; readonly text: string };

/** What there is to say, as data: `{ is: 'taken-over', by: '10.0.0.7:1234' }`. */
export type CloseDetail = Tagged<CloseDetails>;

type Tagged<Details> = { [Is in keyof Details]: { readonly is: Is } & Details[Is] }[keyof Details];
