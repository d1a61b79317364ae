import type { StoredMessage } from '@hawser/broker';
import type { PublishProperties, QoS } from '@hawser/codec';
import { RecordError, type RecordReader } from './record-reader.ts';
import type { RecordWriter } from './record-writer.ts';

/*
 * message    = flags published-at [expires-at] [publisher] topic [properties] payload
 * flags      = bits 0-1 QoS, 2 RETAIN, 3 properties, 4 expires-at, 5 publisher
 * properties = present format? expiry? content-type? response-topic? correlation-data? user-properties?
 */
const RETAIN = 0x04;
const HAS_PROPERTIES = 0x08;
const HAS_EXPIRY = 0x10;
const HAS_PUBLISHER = 0x20;

const PAYLOAD_FORMAT = 0x01;
const EXPIRY_INTERVAL = 0x02;
const CONTENT_TYPE = 0x04;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x10;
const USER_PROPERTIES = 0x20;

/** Writes a message into a record. */
export function writeMessage(writer: RecordWriter, message: StoredMessage): void {
  writer.uint8(
    message.qos |
      (message.retain ? RETAIN : 0) |
      (message.properties === undefined ? 0 : HAS_PROPERTIES) |
      (message.expiresAt === undefined ? 0 : HAS_EXPIRY) |
      (message.publisher === undefined ? 0 : HAS_PUBLISHER),
  );
  writer.float64(message.publishedAt);
  if (message.expiresAt !== undefined) writer.float64(message.expiresAt);
  if (message.publisher !== undefined) writer.string(message.publisher);
  writer.string(message.topic);
  if (message.properties !== undefined) writeProperties(writer, message.properties);
  writer.binary(message.payload);
}

/** Reads what `writeMessage` wrote. */
export function readMessage(reader: RecordReader): StoredMessage {
  const flags = reader.uint8();
  const publishedAt = reader.float64();
  const expiresAt = flags & HAS_EXPIRY ? reader.float64() : undefined;
  const publisher = flags & HAS_PUBLISHER ? reader.string() : undefined;
  const topic = reader.string();
  const properties = flags & HAS_PROPERTIES ? readProperties(reader) : undefined;
  return {
    topic,
    payload: reader.binary(),
    qos: toQoS(flags & 0x03),
    retain: (flags & RETAIN) !== 0,
    properties,
    publishedAt,
    ...(expiresAt === undefined ? undefined : { expiresAt }),
    ...(publisher === undefined ? undefined : { publisher }),
  };
}

/** A QoS as it was written; anything else is no record of ours. */
export function toQoS(value: number): QoS {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new RecordError('a QoS of 3');
}

function writeProperties(writer: RecordWriter, properties: PublishProperties): void {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = properties;
  const userProperties = properties.userProperties;
  writer.uint8(
    (payloadFormatIndicator === undefined ? 0 : PAYLOAD_FORMAT) |
      (messageExpiryInterval === undefined ? 0 : EXPIRY_INTERVAL) |
      (contentType === undefined ? 0 : CONTENT_TYPE) |
      (responseTopic === undefined ? 0 : RESPONSE_TOPIC) |
      (correlationData === undefined ? 0 : CORRELATION_DATA) |
      (userProperties === undefined ? 0 : USER_PROPERTIES),
  );
  if (payloadFormatIndicator !== undefined) writer.uint8(payloadFormatIndicator);
  if (messageExpiryInterval !== undefined) writer.uint32(messageExpiryInterval);
  if (contentType !== undefined) writer.string(contentType);
  if (responseTopic !== undefined) writer.string(responseTopic);
  if (correlationData !== undefined) writer.binary(correlationData);
  if (userProperties !== undefined) {
    writer.varint(userProperties.length);
    for (const [name, value] of userProperties) {
      writer.string(name);
      writer.string(value);
    }
  }
}

function readProperties(reader: RecordReader): PublishProperties {
  const present = reader.uint8();
  return {
    ...(present & PAYLOAD_FORMAT ? { payloadFormatIndicator: reader.uint8() === 0 ? 0 : 1 } : undefined),
    ...(present & EXPIRY_INTERVAL ? { messageExpiryInterval: reader.uint32() } : undefined),
    ...(present & CONTENT_TYPE ? { contentType: reader.string() } : undefined),
    ...(present & RESPONSE_TOPIC ? { responseTopic: reader.string() } : undefined),
    ...(present & CORRELATION_DATA ? { correlationData: reader.binary() } : undefined),
    ...(present & USER_PROPERTIES ? { userProperties: readUserProperties(reader) } : undefined),
  };
}

function readUserProperties(reader: RecordReader): readonly (readonly [string, string])[] {
  const count = reader.varint();
  const pairs: [string, string][] = [];
  for (let index = 0; index < count; index++) pairs.push([reader.string(), reader.string()]);
  return pairs;
}
