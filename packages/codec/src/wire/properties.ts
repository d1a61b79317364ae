import { malformed, misuse, type UsageError, violation } from '../errors.ts';
import type { DecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import * as ReasonCode from '../reason-code.ts';
import { hex } from '../reason-codes.ts';
import { isValidTopicName, quote } from '../topics/topic-name.ts';
import { MAXIMUM_REMAINING_LENGTH } from '../types.ts';
import type { BodyReader } from './body-reader.ts';
import { packetName } from './first-byte.ts';
import { PacketWriter } from './packet-writer.ts';
import type {
  AllProperties,
  PropertiesOf,
  PropertyContext,
  PropertyName,
  PublishProperties,
} from './property-lists.ts';
import { type PropertyRow, propertyTable } from './property-table.ts';

type Value = string | number | boolean | Uint8Array | [string, string];

/** By context, then by Identifier and by name. */
const rowsOf: readonly ReadonlyMap<number | string, PropertyRow>[] = Array.from('0123456789abcdef', (context) => {
  const rows = propertyTable.filter(({ contexts }) => contexts.includes(context));
  return new Map<number | string, PropertyRow>(
    rows.flatMap((row) => [
      [row.id, row],
      [row.name, row],
    ]),
  );
});

/** The members that a list may have, by the type of its packet; 0 is the Will. */
export function propertyNamesOf(context: PropertyContext): PropertyName[] {
  return [...new Set(rowsOf[context]?.values())].map(({ name }) => name);
}

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
  reader.need(length, 'Properties');
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
  const row = rowsOf[context]?.get(id);
  const packet = packetName(context << 4);
  if (!row) {
    const known = propertyTable.find((other) => other.id === id);
    throw known
      ? malformed(packet, 'property-not-allowed', known.title)
      : malformed(packet, 'unknown-property', hex(id));
  }
  const { name, title } = row;
  const earlier = properties[name] as Value[] | undefined;
  // A list may be as long as the packet; each pair costs far more memory than its five bytes.
  if (name === 'userProperties' && (earlier?.length ?? 0) >= limits.userProperties) {
    const most = limits.userProperties;
    const excess = { is: 'too-many-user-properties', limit: most, where: packet } as const;
    throw violation(packet, 'too-many-user-properties', `more than ${most}`, ReasonCode.QuotaExceeded, excess);
  }
  if (earlier !== undefined && !row.repeatable) {
    throw violation(packet, 'duplicate-property', title);
  }
  const value = decodeValue(reader, row, packet);
  if (earlier) earlier.push(value);
  else (properties as Record<PropertyName, unknown>)[name] = row.repeatable ? [value] : value;
}

function decodeValue(reader: BodyReader, row: PropertyRow, packet: string): Value {
  const { wireType, title } = row;
  // [MQTT5-1.5.7-1]
  if (wireType === 'pair') return [reader.string(`${title} name`), reader.string(`${title} value`)];
  const value = reader[wireType](title);
  // [MQTT5-3.3.2-14], and section 3.1.3.2.6 for a Will
  if (row.name === 'responseTopic' && !isValidTopicName(value as string)) {
    throw violation(packet, 'response-topic-invalid', quote(value as string));
  }
  if ((value === 0 && row.nonZero) || (wireType === 'u8' && (value as number) > 1)) {
    const text = `${title} is ${value}`;
    // [MQTT5-3.3.2-8]
    throw row.name === 'topicAlias'
      ? violation(packet, 'topic-alias-invalid', text, ReasonCode.TopicAliasInvalid)
      : violation(packet, 'property-out-of-range', text);
  }
  return row.isBoolean ? value === 1 : value;
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
  if (properties) writePropertyList(writer, context, properties);
  writer.endLength(mark);
}

/** Whether a list has no member to write. */
export function hasNoProperties(properties: AllProperties | undefined): boolean {
  for (const name in properties) {
    const value = properties[name as PropertyName];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) return false;
  }
  return true;
}

/**
 * A PUBLISH's property list without its length, ready for `publishSize` and `writePublishInto`; `undefined` when there is
 * nothing in it. Throws UsageError like `encodePacket`.
 */
export function encodePublishProperties(properties: PublishProperties | undefined): Uint8Array | undefined {
  if (!properties || hasNoProperties(properties)) return undefined;
  const writer = new PacketWriter();
  writePropertyList(writer, PacketType.PUBLISH, properties);
  return writer.take();
}

function writePropertyList(writer: PacketWriter, context: PropertyContext, properties: AllProperties): void {
  for (const name of Object.keys(properties) as PropertyName[]) {
    const value = properties[name];
    if (value === undefined) continue;
    const row = rowsOf[context]?.get(name);
    if (!row) throw misuse(packetName(context << 4), 'property-not-allowed', name);
    for (const item of row.repeatable ? (value as readonly unknown[]) : [value]) {
      writer.u8(row.id);
      writeValue(writer, row, item);
    }
  }
}

/** The largest value of an integer. */
const MAXIMA = { u8: 1, u16: 0xffff, u32: 0xffff_ffff, varint: MAXIMUM_REMAINING_LENGTH };

function writeValue(writer: PacketWriter, row: PropertyRow, value: unknown): void {
  const { wireType, title } = row;
  if (wireType === 'pair') {
    const [name, text] = value as readonly unknown[];
    if (typeof name !== 'string' || typeof text !== 'string') throw unfit(title, value, 'a pair of strings');
    writer.string(name, `${title} name`);
    writer.string(text, `${title} value`);
  } else if (wireType === 'binary') {
    // Of another realm too (jest's jsdom), where `instanceof` knows nothing.
    if (Object.prototype.toString.call(value) !== '[object Uint8Array]') throw unfit(title, value, 'bytes');
    writer.binary(value as Uint8Array, title);
  } else if (wireType === 'string') {
    if (typeof value !== 'string') throw unfit(title, value, 'a string');
    if (row.name === 'responseTopic' && !isValidTopicName(value)) {
      throw misuse(title, 'response-topic-invalid', quote(value));
    }
    writer.string(value, title);
  } else if (row.isBoolean) {
    if (typeof value !== 'boolean') throw unfit(title, value, 'true or false');
    writer.u8(Number(value));
  } else {
    const minimum = Number(row.nonZero);
    const maximum = MAXIMA[wireType];
    if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
      throw unfit(title, value, `an integer from ${minimum} to ${maximum}`);
    }
    writer[wireType](value as number);
  }
}

function unfit(title: string, value: unknown, allowed: string): UsageError {
  return misuse(title, 'property-out-of-range', `${String(value)}; it must be ${allowed}`);
}
