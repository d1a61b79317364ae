import type { QoS, SubscribePacket } from '@hawser/codec';
import type { CloseDetail, ServerConnection, Ticket } from '@hawser/protocol';
import { causeText } from '../causes/cause-text.ts';
import { fitsSuback, reasonString } from './reason-string.ts';

/** Refusals of one SUBSCRIBE that are told in words. */
const MOST_REASONS = 10;

/** What a SUBACK goes out by. */
export type SubackConnection = Pick<
  ServerConnection,
  'acknowledgeWith' | 'peerMaximumPacketSize' | 'releaseAcks' | 'sendsProblemInformation' | 'version'
>;

/** The answer to one SUBSCRIBE while it is being made: a Reason Code for each Topic Filter, in order. */
export class Suback {
  readonly #connection: SubackConnection;
  readonly #reasonCodes: number[] = [];
  readonly #told: CloseDetail[] = [];

  constructor(connection: SubackConnection) {
    this.#connection = connection;
  }

  grant(qos: QoS): void {
    this.#reasonCodes.push(qos);
  }

  /** 5.0 says why, 3.1.1 has 0x80; 3.1 has no refusal: the QoS is granted and nothing delivered (docs/conformance.md). */
  refuse(qos: QoS, reasonCode: number, detail: CloseDetail): void {
    const { version } = this.#connection;
    this.#reasonCodes.push(version === 5 ? reasonCode : version === 4 ? 0x80 : qos);
    this.tell(detail);
  }

  /** Says more about a Topic Filter than its Reason Code does. */
  tell(detail: CloseDetail): void {
    if (this.#told.length < MOST_REASONS) this.#told.push(detail);
  }

  send({ packetIdentifier }: SubscribePacket, ticket: Ticket, now: number): void {
    const reasonCodes = this.#reasonCodes;
    const properties = this.#words();
    // [MQTT311-3.8.4-1] [MQTT311-3.8.4-2] [MQTT311-2.3.1-7] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2] [MQTT5-2.2.1-6]
    this.#connection.acknowledgeWith({ type: 'suback', packetIdentifier, properties, reasonCodes }, ticket, now);
    this.#connection.releaseAcks();
  }

  /** Why subscriptions were refused, for a client that wants to know (section 3.9.2.1.2). */
  #words(): { readonly reasonString: string } | undefined {
    const { peerMaximumPacketSize, sendsProblemInformation } = this.#connection;
    // [MQTT5-3.1.2-29]
    if (this.#told.length === 0 || !sendsProblemInformation) return undefined;
    const words = reasonString(this.#told.map((detail) => causeText({ code: '', detail }, 'en')).join('; '));
    return fitsSuback(words, this.#reasonCodes.length, peerMaximumPacketSize) ? { reasonString: words } : undefined;
  }
}
