import { MalformedPacketError, ProtocolError, UsageError } from '../errors.ts';
import type { DecodeLimits } from '../limits.ts';
import { hex, ReasonCode } from '../reason-codes.ts';
import { isValidTopicName, quote } from '../topics/topic-name.ts';
import { MAXIMUM_REMAINING_LENGTH } from '../types.ts';
import type { BodyReader } from './body-reader.ts';
import { PacketWriter } from './packet-writer.ts';
import {
  type AllProperties,
  type PropertyContext,
  type PropertyName,
  type PropertyRow,
  propertyTable,
} from './property-table.ts';

/** 5.0 properties a message carries, in a PUBLISH and in a Will. */
type MessageProperties = Pick<
  AllProperties,
  | 'payloadFormatIndicator'
  | 'messageExpiryInterval'
  | 'contentType'
  | 'responseTopic'
  | 'correlationData'
  | 'userProperties'
>;

/** Section 3.1.2.11. Intervals are seconds, sizes bytes. */
export interface ConnectProperties
  extends Pick<
    AllProperties,
    | 'sessionExpiryInterval'
    | 'receiveMaximum'
    | 'maximumPacketSize'
    | 'topicAliasMaximum'
    | 'requestResponseInformation'
    | 'requestProblemInformation'
    | 'userProperties'
    | 'authenticationMethod'
    | 'authenticationData'
  > {}

/** Section 3.1.3.2. Intervals are seconds. */
export interface WillProperties extends MessageProperties, Pick<AllProperties, 'willDelayInterval'> {}

/** Section 3.2.2.3. Intervals are seconds, sizes bytes. */
export interface ConnackProperties
  extends Pick<
    AllProperties,
    | 'sessionExpiryInterval'
    | 'receiveMaximum'
    | 'maximumQoS'
    | 'retainAvailable'
    | 'maximumPacketSize'
    | 'assignedClientIdentifier'
    | 'topicAliasMaximum'
    | 'reasonString'
    | 'userProperties'
    | 'wildcardSubscriptionAvailable'
    | 'subscriptionIdentifierAvailable'
    | 'sharedSubscriptionAvailable'
    | 'serverKeepAlive'
    | 'responseInformation'
    | 'serverReference'
    | 'authenticationMethod'
    | 'authenticationData'
  > {}

/** Section 3.3.2.3. Intervals are seconds. */
export interface PublishProperties
  extends MessageProperties,
    Pick<AllProperties, 'topicAlias' | 'subscriptionIdentifiers'> {}

/** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK (section 3.4.2.2 and its like). */
export interface ReasonProperties extends Pick<AllProperties, 'reasonString' | 'userProperties'> {}

/** Section 3.8.2.1. */
export interface SubscribeProperties extends Pick<AllProperties, 'subscriptionIdentifier' | 'userProperties'> {}

/** UNSUBSCRIBE (section 3.10.2.1). */
export interface UserOnlyProperties extends Pick<AllProperties, 'userProperties'> {}

/** Section 3.14.2.2. The interval is seconds. */
export interface DisconnectProperties
  extends Pick<AllProperties, 'sessionExpiryInterval' | 'reasonString' | 'userProperties' | 'serverReference'> {}

/** Section 3.15.2.2. */
export interface AuthProperties
  extends Pick<AllProperties, 'authenticationMethod' | 'authenticationData' | 'reasonString' | 'userProperties'> {}

/** The interface of each list. */
export interface PropertiesOf extends Record<PropertyContext, object> {
  WILL: WillProperties;
  CONNECT: ConnectProperties;
  CONNACK: ConnackProperties;
  PUBLISH: PublishProperties;
  PUBACK: ReasonProperties;
  PUBREC: ReasonProperties;
  PUBREL: ReasonProperties;
  PUBCOMP: ReasonProperties;
  SUBSCRIBE: SubscribeProperties;
  SUBACK: ReasonProperties;
  UNSUBSCRIBE: UserOnlyProperties;
  UNSUBACK: ReasonProperties;
  DISCONNECT: DisconnectProperties;
  AUTH: AuthProperties;
}

type Value = AllProperties[PropertyName];

const rowsById: ReadonlyMap<number, readonly PropertyRow[]> = Map.groupBy(propertyTable, (row) => row.id);
const rowsByName: ReadonlyMap<string, PropertyRow> = new Map(propertyTable.map((row) => [row.name, row]));

/**
 * Reads a property list with its length (section 2.2.2). `undefined` when it is empty [MQTT5-2.2.2-1]. Throws
 * MalformedPacketError for unknown and misplaced properties, ProtocolError for repeats and values out of range.
 */
export function decodeProperties<C extends PropertyContext>(
  reader: BodyReader,
  context: C,
  limits: DecodeLimits,
): PropertiesOf[C] | undefined {
  const length = reader.varint('Property Length');
  if (length === 0) return undefined;
  if (length > reader.remaining) {
    throw new MalformedPacketError(
      'truncated',
      `${context}: Property Length is ${length} bytes, ${reader.remaining} are left`,
    );
  }
  const packetEnd = reader.end;
  reader.end = reader.position + length;
  const properties: AllProperties = {};
  while (reader.remaining > 0) decodeProperty(reader, context, properties, limits);
  reader.end = packetEnd;
  // The table lets only the context's members in.
  return properties as PropertiesOf[C];
}

function decodeProperty(
  reader: BodyReader,
  context: PropertyContext,
  properties: AllProperties,
  limits: DecodeLimits,
): void {
  const id = reader.varint('Property Identifier');
  const row = rowsById.get(id)?.find((candidate) => candidate.contexts.includes(context));
  if (row === undefined) throw misplaced(id, context);
  const field = row.title;
  if (row.name === 'userProperties') {
    const pairs = (properties.userProperties ?? []) as [string, string][];
    // A list may be as long as the packet; each pair costs far more memory than its five bytes.
    if (pairs.length >= limits.userProperties) {
      throw new ProtocolError(
        'too-many-user-properties',
        `${context}: more than ${limits.userProperties} User Properties`,
        ReasonCode.QuotaExceeded,
      );
    }
    const name = reader.string(`${field} name`);
    pairs.push([name, reader.string(`${field} value`)]);
    properties.userProperties = pairs;
    return;
  }
  if (row.name === 'subscriptionIdentifiers') {
    const identifiers = (properties.subscriptionIdentifiers ?? []) as number[];
    identifiers.push(decodeValue(reader, row, context) as number);
    properties.subscriptionIdentifiers = identifiers;
    return;
  }
  const name = row.name;
  if (properties[name] !== undefined) {
    throw new ProtocolError('duplicate-property', `${context}: ${field} stands twice; once is allowed`);
  }
  assign(properties, name, decodeValue(reader, row, context));
}

function assign(properties: AllProperties, name: PropertyName, value: Value): void {
  (properties as Record<PropertyName, Value>)[name] = value;
}

function decodeValue(reader: BodyReader, row: PropertyRow, context: PropertyContext): Value {
  const field = row.title;
  switch (row.wireType) {
    case 'bit':
    case 'boolean': {
      const value = reader.u8(field);
      if (value > 1) throw outOfRange(context, `${field} is ${value}; 0 and 1 are allowed`);
      if (row.wireType === 'boolean') return value === 1;
      return value === 1 ? 1 : 0;
    }
    case 'two-byte-integer':
      return nonZero(reader.u16(field), row, context);
    case 'four-byte-integer':
      return nonZero(reader.u32(field), row, context);
    case 'variable-byte-integer':
      return nonZero(reader.varint(field), row, context);
    case 'binary':
      return reader.binary(field);
    case 'string': {
      const text = reader.string(field);
      // [MQTT5-3.3.2-14], and section 3.1.3.2.6 for a Will
      if (row.name === 'responseTopic' && !isValidTopicName(text)) {
        throw new ProtocolError(
          'response-topic-invalid',
          `${context}: Response Topic ${quote(text)} is no Topic Name; it must not be empty or contain + or #`,
        );
      }
      return text;
    }
    case 'string-pair':
      // [MQTT5-1.5.7-1]
      return [[reader.string(`${field} name`), reader.string(`${field} value`)]];
  }
}

function nonZero(value: number, row: PropertyRow, context: PropertyContext): number {
  if (value !== 0 || !row.nonZero) return value;
  if (row.name === 'topicAlias') {
    // [MQTT5-3.3.2-8]
    throw new ProtocolError(
      'topic-alias-invalid',
      `${context}: Topic Alias is 0; aliases begin at 1`,
      ReasonCode.TopicAliasInvalid,
    );
  }
  throw outOfRange(context, `${row.title} is 0, which is not allowed`);
}

function outOfRange(context: PropertyContext, message: string): ProtocolError {
  return new ProtocolError('property-out-of-range', `${context}: ${message}`);
}

function misplaced(id: number, context: PropertyContext): MalformedPacketError {
  const known = rowsById.get(id)?.[0];
  if (known === undefined) {
    return new MalformedPacketError('unknown-property', `${context}: property ${hex(id)} does not exist`);
  }
  return new MalformedPacketError('property-not-allowed', `${context}: ${known.title} does not belong in this packet`);
}

/**
 * Writes a property list with its length. Members that are `undefined` are skipped. Throws UsageError for a member that does not
 * belong into this list and for a value out of range.
 */
export function writeProperties<C extends PropertyContext>(
  writer: PacketWriter,
  context: C,
  properties: PropertiesOf[C] | undefined,
): void {
  const mark = writer.beginLength();
  if (properties !== undefined) writePropertyList(writer, context, properties);
  writer.endLength(mark);
}

/** Whether a list has no member to write. */
export function hasNoProperties(properties: AllProperties | undefined): boolean {
  if (properties === undefined) return true;
  for (const name of Object.keys(properties) as PropertyName[]) {
    const value = properties[name];
    if (value === undefined) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    return false;
  }
  return true;
}

/**
 * A PUBLISH's property list without its length, ready for `publishSize` and `writePublishInto`; `undefined` when there is
 * nothing in it. Throws UsageError like `writePacket`.
 */
export function encodePublishProperties(properties: PublishProperties | undefined): Uint8Array | undefined {
  if (properties === undefined || hasNoProperties(properties)) return undefined;
  const writer = new PacketWriter(64);
  writePropertyList(writer, 'PUBLISH', properties);
  return writer.take();
}

function writePropertyList(writer: PacketWriter, context: PropertyContext, properties: AllProperties): void {
  for (const name of Object.keys(properties) as PropertyName[]) {
    const value = properties[name];
    if (value === undefined) continue;
    const row = rowsByName.get(name);
    if (row === undefined || !row.contexts.includes(context)) {
      throw new UsageError('property-not-allowed', `${context} has no property ${JSON.stringify(name)}`);
    }
    if (row.repeatable) {
      for (const item of value as readonly (number | readonly [string, string])[]) {
        writer.u8(row.id);
        writeValue(writer, row, item);
      }
    } else {
      writer.u8(row.id);
      writeValue(writer, row, value);
    }
  }
}

function writeValue(writer: PacketWriter, row: PropertyRow, value: Value | readonly [string, string]): void {
  switch (row.wireType) {
    case 'bit':
      if (value !== 0 && value !== 1) throw unfit(row, value, '0 or 1');
      writer.u8(value);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw unfit(row, value, 'true or false');
      writer.u8(value ? 1 : 0);
      return;
    case 'two-byte-integer':
      writer.u16(integer(row, value, 0xffff));
      return;
    case 'four-byte-integer':
      writer.u32(integer(row, value, 0xffff_ffff));
      return;
    case 'variable-byte-integer':
      writer.varint(integer(row, value, MAXIMUM_REMAINING_LENGTH));
      return;
    case 'binary':
      if (!(value instanceof Uint8Array)) throw unfit(row, value, 'bytes');
      writer.binary(value, row.title);
      return;
    case 'string':
      if (typeof value !== 'string') throw unfit(row, value, 'a string');
      if (row.name === 'responseTopic' && !isValidTopicName(value)) {
        throw new UsageError('response-topic-invalid', `Response Topic ${quote(value)} is no Topic Name`);
      }
      writer.string(value, row.title);
      return;
    case 'string-pair': {
      const [name, text] = value as readonly [string, string];
      if (typeof name !== 'string' || typeof text !== 'string') throw unfit(row, value, 'a pair of strings');
      writer.string(name, `${row.title} name`);
      writer.string(text, `${row.title} value`);
      return;
    }
  }
}

function integer(row: PropertyRow, value: unknown, maximum: number): number {
  const minimum = row.nonZero ? 1 : 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw unfit(row, value, `an integer from ${minimum} to ${maximum}`);
}

function unfit(row: PropertyRow, value: unknown, allowed: string): UsageError {
  return new UsageError('property-out-of-range', `${row.title} is ${String(value)}; it must be ${allowed}`);
}
