import type { QoS } from '@hawser/codec';
import type { Message } from './message.ts';

/** One message for one receiver. */
export class Delivery {
  readonly message: Message;
  /** QoS at which this receiver gets it. */
  readonly qos: QoS;
  /** RETAIN flag as this receiver gets it. */
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[] | undefined;
  /** The shared subscription it came by; it may move to another member. */
  readonly shared: string | undefined;
  /** Its place in the store; 0: not stored. */
  sequence: number;
  /** It may be sent once this is committed. */
  ready: number;
  /** Sent before, so that it goes with DUP the next time [MQTT5-3.3.1-1]. */
  sent = false;
  /** It is a retained message, sent because of a new subscription: RETAIN says so to every version [MQTT311-3.3.1-8]. */
  isReplay = false;

  constructor(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    shared: string | undefined,
    sequence: number,
    ready: number,
  ) {
    this.message = message;
    this.qos = qos;
    this.retain = retain;
    this.subscriptionIdentifiers = subscriptionIdentifiers;
    this.shared = shared;
    this.sequence = sequence;
    this.ready = ready;
  }

  get size(): number {
    return this.message.size;
  }

  /** Memory it takes beside its message. */
  get cost(): number {
    const identifiers = this.subscriptionIdentifiers;
    return DELIVERY_BYTES + (identifiers === undefined ? 0 : IDENTIFIER_BYTES * identifiers.length);
  }
}

const DELIVERY_BYTES = 160;
const IDENTIFIER_BYTES = 8;
