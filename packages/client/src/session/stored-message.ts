import { encodeUtf8, type PublishProperties, type QoS } from '@hawser/codec';
import { type Outgoing, outgoingOf } from './outgoing.ts';

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

/** Length of the header (four bytes), the header as JSON, the payload. `wallOffsetMs`: milliseconds since 1970, less the clock's. */
export function encodeStored(message: Outgoing, wallOffsetMs: number): Uint8Array {
  const { topic, qos, retain, receivedAtMs, expiresAtMs, packetIdentifier, isReleased } = message;
  const { correlationData, ...properties } = message.properties ?? {};
  const header: Header = {
    topic: topic.name,
    qos,
    retain,
    id: packetIdentifier,
    state: isReleased ? 'released' : packetIdentifier > 0 ? 'published' : 'queued',
    taken: receivedAtMs + wallOffsetMs,
    ...(expiresAtMs !== Number.POSITIVE_INFINITY && { expires: expiresAtMs + wallOffsetMs }),
    ...(message.properties !== undefined && {
      properties: { ...properties, ...(correlationData && { correlationData: [...correlationData] }) },
    }),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const payload = isReleased ? new Uint8Array(0) : message.payload;
  const bytes = new Uint8Array(4 + json.length + payload.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, 4);
  bytes.set(payload, 4 + json.length);
  return bytes;
}

/** On the clock of a new run. */
export function decodeStored(sequence: number, bytes: Uint8Array, wallOffsetMs: number): Outgoing {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  const { topic, qos, retain, id, state, taken, expires } = header;
  const { correlationData, ...properties } = header.properties ?? {};
  const message = outgoingOf({
    topic: { name: topic, bytes: encodeUtf8(topic) },
    payload: bytes.slice(4 + length),
    qos,
    retain,
    properties: header.properties && {
      ...properties,
      ...(correlationData && { correlationData: new Uint8Array(correlationData) }),
    },
    receivedAtMs: taken - wallOffsetMs,
    expiresAtMs: expires === undefined ? Number.POSITIVE_INFINITY : expires - wallOffsetMs,
  });
  message.promise.catch(() => {});
  message.sequence = sequence;
  message.packetIdentifier = id;
  message.isReleased = state === 'released';
  // It may have been sent by the run that wrote it.
  message.sentOn = id > 0 ? -1 : 0;
  return message;
}
