import { encodePublishProperties } from '@hawser/codec';
import type { MessageContent, Ticket } from '@hawser/protocol';
import type { PublishResult } from '../api.ts';

/** A PromiseWithResolvers, written out: compilers of users read this, and no library before es2024 has the name. */
interface Waiting {
  readonly promise: Promise<PublishResult>;
  readonly resolve: (result: PublishResult) => void;
  readonly reject: (reason: unknown) => void;
}

/** One message on its way to the server. */
export class Outgoing {
  readonly content: MessageContent;
  /** Its properties as they are sent, unless the connection or the time adds to them. */
  readonly properties: Uint8Array | undefined;
  /** Bytes, as the bound of the queue counts them. */
  readonly size: number;
  /** For whoever waits for it; nobody, after a restart. */
  readonly done: Waiting = Promise.withResolvers();
  /** 0: it is in the queue. */
  packetIdentifier = 0;
  /** PUBREC has come: PUBREL is due or sent. */
  isReleased = false;
  /** Number of the connection it was sent on last; 0: none yet, so that it goes without DUP [MQTT5-3.3.1-1]. */
  sentOn = 0;
  /** It may be sent when this is written. */
  ready: Ticket = 0;
  /** Under which a journal keeps it; 0: it does not. */
  sequence = 0;

  constructor(content: MessageContent) {
    this.content = content;
    this.properties = encodePublishProperties(content.properties);
    this.size = content.topic.bytes.length + content.payload.length + (this.properties?.length ?? 0);
  }
}
