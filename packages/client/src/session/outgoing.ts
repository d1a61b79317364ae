import { encodePublishProperties } from '@hawser/codec';
import type { MessageContent, Ticket } from '@hawser/protocol';
import type { PublishResult } from '../results.ts';

/** A PromiseWithResolvers, written out: compilers of users read this, and no library before es2024 has the name. */
interface Waiting {
  readonly promise: Promise<PublishResult>;
  readonly resolve: (result: PublishResult) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a message is made of. */
export type OutgoingContent = Omit<MessageContent, 'publisher'>;

/** One message on its way to the server, with a promise for whoever waits for it (nobody, after a restart). */
export interface Outgoing extends OutgoingContent, Waiting {
  /** Its properties as they are sent, unless the connection or the time adds to them. */
  readonly encoded: Uint8Array | undefined;
  /** Bytes, as the bound of the queue counts them. */
  readonly size: number;
  /** 0: it is in the queue. */
  packetIdentifier: number;
  /** PUBREC has come: PUBREL is due or sent. */
  isReleased: boolean;
  /** Number of the connection it was sent on last; 0: none yet, so that it goes without DUP [MQTT5-3.3.1-1]. */
  sentOn: number;
  /** It may be sent when this is written. */
  ready: Ticket;
  /** Under which a journal keeps it; 0: it does not. */
  sequence: number;
}

/** Makes a message that is in no queue yet. Throws UsageError for properties that cannot be. */
export function outgoingOf(content: OutgoingContent): Outgoing {
  const encoded = encodePublishProperties(content.properties);
  return {
    ...content,
    ...Promise.withResolvers<PublishResult>(),
    encoded,
    size: content.topic.bytes.length + content.payload.length + (encoded?.length ?? 0),
    packetIdentifier: 0,
    isReleased: false,
    sentOn: 0,
    ready: 0,
    sequence: 0,
  };
}
