import { MalformedPacketError, misuse, UnsupportedVersionError } from '../errors.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../limits.ts';
import * as PacketType from '../packet-type.ts';
import { hex } from '../reason-codes.ts';
import {
  credentialsMayBeMissing,
  hasConnectHeaderFlags,
  hasProperties,
  hasReservedConnectFlag,
  passwordNeedsUsername,
  willBitsNeedWill,
} from '../strictness.ts';
import { checkTopicName, quote } from '../topics/topic-name.ts';
import { type Direction, type ProtocolVersion, type QoS, versionName } from '../types.ts';
import { type BodyReader, openPacket } from '../wire/body-reader.ts';
import { reservedFlags } from '../wire/first-byte.ts';
import type { PacketBytes } from '../wire/packet-bytes.ts';
import type { PacketWriter } from '../wire/packet-writer.ts';
import { decodeProperties, writeProperties } from '../wire/properties.ts';
import type { ConnectProperties, WillProperties } from '../wire/property-lists.ts';
import { checkAuthentication } from './checks.ts';

/** The first packet of a client (section 3.1). */
export interface ConnectPacket {
  type: 'connect';
  protocolVersion: ProtocolVersion;
  /** Clean Start; in 3.x Clean Session. */
  cleanStart: boolean;
  /** Seconds, 0 is off. */
  keepAlive: number;
  clientId: string;
  username: string | undefined;
  password: Uint8Array | undefined;
  will: WillMessage | undefined;
  properties: ConnectProperties | undefined;
  /**
   * 3.x: the high bit of the protocol level, as Mosquitto's bridges set it. It asks for what 5.0 calls No Local and Retain As
   * Published on every subscription. Not part of any specification.
   */
  bridge: boolean;
}

/** What a server publishes when the client is gone. */
export interface WillMessage {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  properties: WillProperties | undefined;
}

const CLEAN_START = 0x02;
const WILL = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;
const BRIDGE = 0x80;

/*
 * fixed header     0001 0000, Remaining Length
 * variable header  Protocol Name     string: MQTT, in 3.1 MQIsdp
 *                  Protocol Level    byte: 3, 4, 5
 *                  Connect Flags     byte: Username, Password, Will Retain, Will QoS (2), Will, Clean Start, reserved
 *                  Keep Alive        two bytes, seconds
 *                  Properties        5.0
 * payload          Client Identifier string
 *                  Will Properties   5.0, with Will
 *                  Will Topic        string, with Will
 *                  Will Payload      binary, with Will
 *                  User Name         string, with Username
 *                  Password          binary, with Password
 */

/**
 * Decodes a CONNECT. The version in the packet rules, the argument is ignored. A name or level that is not spoken is an
 * UnsupportedVersionError. What outlives the packet (Will, Password, authentication data) is copied out of `bytes`.
 */
export function decodeConnect(
  packet: PacketBytes,
  version: ProtocolVersion,
  direction: Direction,
  limits: DecodeLimits = defaultDecodeLimits,
): ConnectPacket {
  const reader = openPacket(packet, version, direction, true);
  const name = reader.string('Protocol Name');
  const level = reader.u8('Protocol Level');
  const protocolVersion = versionOf(name, level);
  // [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]
  if (hasConnectHeaderFlags(protocolVersion) && (packet.firstByte & 15) !== 0)
    throw reservedFlags(packet.firstByte, '0000');
  const flags = reader.u8('Connect Flags');
  checkConnectFlags(flags, protocolVersion);
  const keepAlive = reader.u16('Keep Alive');
  const properties = hasProperties(protocolVersion) ? decodeProperties(reader, PacketType.CONNECT, limits) : undefined;
  checkAuthentication(properties, 'CONNECT');
  // [MQTT311-3.1.3-1] [MQTT311-3.1.3-3] [MQTT311-3.1.3-4] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3] [MQTT5-3.1.3-4]
  const clientId = reader.string('Client Identifier');
  // [MQTT311-3.1.2-9] [MQTT5-3.1.2-9]
  const will = (flags & WILL) === 0 ? undefined : decodeWill(reader, flags, protocolVersion, limits);
  // [MQTT311-3.1.2-19] [MQTT311-3.1.3-11] [MQTT5-3.1.2-17] [MQTT5-3.1.3-12]
  const username = announced(reader, flags, USERNAME, protocolVersion) ? reader.string('User Name') : undefined;
  // [MQTT311-3.1.2-21] [MQTT5-3.1.2-19]
  const password = announced(reader, flags, PASSWORD, protocolVersion) ? reader.binary('Password') : undefined;
  // [MQTT311-3.1.2-11] [MQTT311-3.1.2-18] [MQTT311-3.1.2-20] [MQTT5-3.1.2-16] [MQTT5-3.1.2-18]
  reader.finish();
  return {
    type: 'connect',
    protocolVersion,
    cleanStart: (flags & CLEAN_START) !== 0,
    keepAlive,
    clientId,
    username,
    password,
    will,
    properties,
    bridge: protocolVersion !== 5 && (level & BRIDGE) !== 0,
  };
}

/**
 * The protocol version a CONNECT's body asks for, or `undefined` when that cannot be read or is not spoken. Throws nothing: it
 * is for answering a CONNECT that `decodeConnect` has refused in the shape its sender understands.
 */
export function peekProtocolVersion(bytes: Uint8Array, start: number, end: number): ProtocolVersion | undefined {
  const nameLength = end - start < 2 ? 0 : ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  const at = start + 2 + nameLength;
  if ((nameLength !== 4 && nameLength !== 6) || at >= end) return undefined;
  const name = String.fromCharCode(...bytes.subarray(start + 2, at));
  return knownVersion(name, bytes[at] as number);
}

function knownVersion(name: string, level: number): ProtocolVersion | undefined {
  if (name === 'MQTT') {
    if (level === 5) return 5;
    if ((level & ~BRIDGE) === 4) return 4;
  }
  if (name === 'MQIsdp' && (level & ~BRIDGE) === 3) return 3;
  return undefined;
}

function versionOf(name: string, level: number): ProtocolVersion {
  const version = knownVersion(name, level);
  if (version !== undefined) return version;
  const known = name === 'MQTT' || name === 'MQIsdp';
  // [MQTT311-3.1.2-1] [MQTT311-3.1.2-2] [MQTT5-3.1.2-1] [MQTT5-3.1.2-2]
  throw new UnsupportedVersionError(
    name,
    known ? level : 0,
    known
      ? `CONNECT: ${name} level ${level} is not spoken here; MQIsdp 3, MQTT 4 and MQTT 5 are`
      : `CONNECT: the Protocol Name is ${quote(name)}; it must be MQTT, or MQIsdp in MQTT 3.1`,
  );
}

function checkConnectFlags(flags: number, version: ProtocolVersion): void {
  // [MQTT311-3.1.2-3] [MQTT5-3.1.2-3]
  if (hasReservedConnectFlag(version) && (flags & 0x01) !== 0) {
    throw connectFlags(flags, 'the lowest bit is reserved and must be 0');
  }
  if ((flags & WILL) === 0) {
    // [MQTT311-3.1.2-11] [MQTT311-3.1.2-13] [MQTT311-3.1.2-15] [MQTT5-3.1.2-11] [MQTT5-3.1.2-13]
    if (willBitsNeedWill(version) && (flags & (WILL_RETAIN | 0x18)) !== 0) {
      throw connectFlags(flags, 'Will QoS and Will Retain must be 0 when the Will Flag is');
    }
  } else if ((flags & 0x18) === 0x18) {
    // [MQTT311-3.1.2-14] [MQTT5-3.1.2-12]
    throw connectFlags(flags, 'Will QoS is 3; it may be 0, 1 or 2');
  }
  // [MQTT311-3.1.2-22]
  if (passwordNeedsUsername(version) && (flags & (USERNAME | PASSWORD)) === PASSWORD) {
    throw connectFlags(flags, `MQTT ${versionName(version)} has no password without a user name`);
  }
}

function connectFlags(flags: number, message: string): MalformedPacketError {
  return new MalformedPacketError('invalid-connect-flags', `CONNECT: Connect Flags are ${hex(flags)}: ${message}`);
}

function decodeWill(reader: BodyReader, flags: number, version: ProtocolVersion, limits: DecodeLimits): WillMessage {
  const properties = hasProperties(version) ? decodeProperties(reader, 0, limits) : undefined;
  // [MQTT311-3.1.3-10] [MQTT5-3.1.3-11]
  const topic = reader.string('Will Topic');
  checkTopicName(topic, limits.topicLevels, 'CONNECT: Will Topic');
  const payload = reader.binary('Will Payload');
  return {
    topic,
    payload,
    qos: ((flags >> 3) & 3) as QoS,
    retain: (flags & WILL_RETAIN) !== 0,
    properties,
  };
}

/** Whether a field its flag announces is to be read: in 3.1 the Remaining Length has the last word. */
function announced(reader: BodyReader, flags: number, flag: number, version: ProtocolVersion): boolean {
  if ((flags & flag) === 0) return false;
  return reader.remaining > 0 || !credentialsMayBeMissing(version);
}

/** Appends a CONNECT in its own `protocolVersion`. Throws UsageError for credentials that it cannot carry. */
export function writeConnectBody(writer: PacketWriter, packet: ConnectPacket): void {
  const { protocolVersion, will, username, password, properties } = packet;
  if (passwordNeedsUsername(protocolVersion) && password !== undefined && username === undefined) {
    throw misuse('CONNECT', 'password-without-username', `MQTT ${versionName(protocolVersion)} has none`);
  }
  writer.string(protocolVersion === 3 ? 'MQIsdp' : 'MQTT');
  writer.u8(protocolVersion | (packet.bridge ? BRIDGE : 0));
  writer.u8(connectFlagsOf(packet));
  writer.u16(packet.keepAlive);
  if (hasProperties(protocolVersion)) writeProperties(writer, PacketType.CONNECT, properties);
  writer.string(packet.clientId, 'Client Identifier');
  if (will) {
    if (hasProperties(protocolVersion)) writeProperties(writer, 0, will.properties);
    writer.string(will.topic, 'Will Topic');
    writer.binary(will.payload, 'Will Payload');
  }
  if (username !== undefined) writer.string(username, 'User Name');
  if (password !== undefined) writer.binary(password, 'Password');
}

function connectFlagsOf({ cleanStart, will, username, password }: ConnectPacket): number {
  return (
    (cleanStart ? CLEAN_START : 0) |
    (will ? WILL | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0) : 0) |
    (username === undefined ? 0 : USERNAME) |
    (password === undefined ? 0 : PASSWORD)
  );
}
