import { encodeUtf8, type PublishProperties, type QoS } from '@hawser/codec';
import type { Delivery, MessageContent } from '@hawser/protocol';
import type { StoreChange } from './session-store.ts';

/** A message as it was found. */
export interface StoredMessage {
  readonly sequence: number;
  readonly qos: QoS;
  readonly packetIdentifier: number;
  readonly state: 'queued' | 'published' | 'released';
  /** Orders handshakes: the sequence, for they begin in the order in which they were taken. */
  readonly began: number;
  /** On a clock whose `now` plus `offsetMs` is milliseconds since 1970. */
  content(now: number, offsetMs: number): MessageContent;
}

/** All that a store had for a Client ID. */
export interface Loaded {
  /** In the order in which they were taken. */
  readonly messages: readonly StoredMessage[];
  /** Packet Identifiers of QoS 2 messages whose PUBREL has not come. */
  readonly inbound: readonly number[];
  /** The Client ID had a session when the program ended. */
  readonly hasSession: boolean;
}

interface Header {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly id: number;
  readonly state: 'queued' | 'published' | 'released';
  readonly taken: number;
  /** Milliseconds since 1970; absent: never. */
  readonly expires?: number;
  readonly properties?: Omit<PublishProperties, 'correlationData'> & { correlationData?: readonly number[] };
}

const SESSION_KEY = 's';

/** Keys sort in the order of their sequences. */
export function messageKey(sequence: number): string {
  return `m${sequence.toString(16).padStart(14, '0')}`;
}

export function inboundKey(packetIdentifier: number): string {
  return `i${packetIdentifier}`;
}

/** Remembers that there is a session, or that there is none. */
export function sessionChange(exists: boolean): StoreChange {
  return { key: SESSION_KEY, value: exists ? new Uint8Array([1]) : undefined };
}

/** Length of the header (four bytes), the header as JSON, the payload. */
export function encodeStored(
  delivery: Delivery,
  packetIdentifier: number,
  state: Header['state'],
  offsetMs: number,
): Uint8Array {
  const { message, qos, retain } = delivery;
  const { correlationData, ...properties } = message.properties ?? {};
  const header: Header = {
    topic: message.topic.name,
    qos,
    retain,
    id: packetIdentifier,
    state,
    taken: message.receivedAtMs + offsetMs,
    ...(message.expiresAtMs !== Number.POSITIVE_INFINITY && { expires: message.expiresAtMs + offsetMs }),
    ...(message.properties !== undefined && {
      properties: { ...properties, ...(correlationData && { correlationData: [...correlationData] }) },
    }),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const payload = state === 'released' ? new Uint8Array(0) : message.payload;
  const bytes = new Uint8Array(4 + json.length + payload.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, 4);
  bytes.set(payload, 4 + json.length);
  return bytes;
}

/** Reads what `SessionStore.load` gave; throws for what was not written by `encodeStored`. */
export function decodeLoaded(entries: readonly (readonly [string, Uint8Array])[]): Loaded {
  const messages: StoredMessage[] = [];
  const inbound: number[] = [];
  let hasSession = false;
  for (const [key, value] of entries) {
    if (key === SESSION_KEY) hasSession = true;
    else if (key.startsWith('i')) inbound.push(Number(key.slice(1)));
    else if (key.startsWith('m')) messages.push(decodeStored(Number.parseInt(key.slice(1), 16), value));
  }
  messages.sort((a, b) => a.sequence - b.sequence);
  return { messages, inbound, hasSession };
}

function decodeStored(sequence: number, bytes: Uint8Array): StoredMessage {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  const payload = bytes.slice(4 + length);
  return {
    sequence,
    qos: header.qos,
    packetIdentifier: header.id,
    state: header.state,
    began: sequence,
    content: (_now, offsetMs) => {
      const { correlationData, ...rest } = header.properties ?? {};
      return {
        topic: { name: header.topic, bytes: encodeUtf8(header.topic) },
        payload,
        qos: header.qos,
        retain: header.retain,
        properties:
          header.properties === undefined
            ? undefined
            : { ...rest, ...(correlationData && { correlationData: new Uint8Array(correlationData) }) },
        publisher: undefined,
        receivedAtMs: header.taken - offsetMs,
        expiresAtMs: header.expires === undefined ? Number.POSITIVE_INFINITY : header.expires - offsetMs,
      };
    },
  };
}
