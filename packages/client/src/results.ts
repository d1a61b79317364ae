import type { QoS } from '@hawser/codec';

/** How a message was taken: QoS 0 when its bytes were handed to the network, QoS 1 and 2 when acknowledged. */
export interface PublishResult {
  readonly qos: QoS;
  /** 0, or 0x10: no subscribers (5.0). */
  readonly reasonCode: number;
}

/** The answer to one Topic Filter of a SUBSCRIBE. */
export interface Grant {
  readonly topicFilter: string;
  /** QoS that was granted; undefined: refused. */
  readonly qos: QoS | undefined;
  readonly reasonCode: number;
  /** `granted-qos-1`, `not-authorized`, … */
  readonly reason: string;
}

/** The answer to one Topic Filter of an UNSUBSCRIBE. */
export interface UnsubscribeResult {
  readonly topicFilter: string;
  /** 0, or 0x11: there was no such subscription; over 0x7F: refused. */
  readonly reasonCode: number;
}
