import type { PublishPacket, QoS, UserProperties } from '@hawser/codec';

/** Acknowledges one message; a no-op once it is, or when its connection is gone. */
export type Acknowledge = (reasonCode: number) => void;

/** As it was published: a BOM in front stays. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A message that came. */
export class Message {
  declare readonly topic: string;
  /** The message's own bytes. */
  declare readonly payload: Uint8Array;
  /** At which it came. */
  declare readonly qos: QoS;
  /** It was retained (or, with Retain As Published, published so). */
  declare readonly retain: boolean;
  /** It may have come before. */
  declare readonly dup: boolean;
  /** Seconds that are left, as the server counted them. */
  declare readonly messageExpiryInterval: number | undefined;
  declare readonly payloadFormatIndicator: 0 | 1 | undefined;
  declare readonly contentType: string | undefined;
  declare readonly responseTopic: string | undefined;
  declare readonly correlationData: Uint8Array | undefined;
  readonly userProperties: UserProperties = [];
  readonly subscriptionIdentifiers: readonly number[] = [];
  readonly #acknowledge: Acknowledge | undefined;

  /** `acknowledge`: undefined with QoS 0. */
  constructor({ topic, payload, qos, retain, dup, properties }: PublishPacket, acknowledge: Acknowledge | undefined) {
    const correlationData = properties?.correlationData?.slice();
    Object.assign(this, properties, { topic, payload: payload.slice(), qos, retain, dup, correlationData });
    this.#acknowledge = acknowledge;
  }

  /** The payload as UTF-8 text; a byte order mark (U+FEFF) in front is part of it. */
  text(): string {
    return decoder.decode(this.payload);
  }

  /** The payload as JSON, with or without a byte order mark; throws SyntaxError. */
  json(): unknown {
    return JSON.parse(this.text().replace(/^\uFEFF/, ''));
  }

  /** The values of a User Property, in order. */
  userProperty(name: string): readonly string[] {
    return this.userProperties.filter(([key]) => key === name).map(([, value]) => value);
  }

  /**
   * With `acknowledge: 'manual'`: tells the server that the message has been dealt with. `reasonCode` of 0x80 and more
   * refuses it (5.0). A no-op with QoS 0, a second time, and when the connection it came by is gone: the server sends it again.
   */
  acknowledge(reasonCode = 0): void {
    this.#acknowledge?.(reasonCode);
  }
}
