import type { PacketExcess, PacketFault } from './packet-fault.ts';
import * as ReasonCode from './reason-code.ts';

/** An Error with a `code` that is stable; the message is for people. */
export class CodedError extends Error {
  declare readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What the peer sent cannot stand; `reasonCode` is for a 5.0 peer. */
class PacketError extends CodedError {
  declare readonly code: PacketFault;
  declare readonly reasonCode: number;
  /** What is over which bound; undefined: it is something else. */
  declare readonly excess: PacketExcess | undefined;

  constructor(code: PacketFault, message: string, reasonCode: number, excess?: PacketExcess) {
    super(code, message);
    this.reasonCode = reasonCode;
    this.excess = excess;
  }
}

/**
 * The bytes are not a Control Packet: a field is cut off, a reserved bit is set, a string is not UTF-8. The connection
 * must be closed; `reasonCode` is what a 5.0 peer is told (section 4.13.1). `code` is stable, the message is for people.
 */
export class MalformedPacketError extends PacketError {
  override readonly name: string = 'MalformedPacketError';

  constructor(code: PacketFault, message: string, reasonCode: number = ReasonCode.MalformedPacket) {
    super(code, message, reasonCode);
  }
}

/**
 * The bytes are a Control Packet, and the peer may not send it: a property twice, a value out of range, a packet only the
 * other side sends. The connection must be closed; `reasonCode` is the most precise one there is (section 4.13).
 */
export class ProtocolError extends PacketError {
  override readonly name: string = 'ProtocolError';

  constructor(
    code: PacketFault,
    message: string,
    reasonCode: number = ReasonCode.ProtocolError,
    excess?: PacketExcess,
  ) {
    super(code, message, reasonCode, excess);
  }
}

/**
 * A CONNECT for a protocol that is not spoken here: code `unsupported-protocol-version`, Reason Code 0x84
 * [MQTT311-3.1.2-2] [MQTT5-3.1.2-2]. A server answers in the shape of the level asked for: below 5 with the 3.x CONNACK
 * 0x01, from 5 on with the 5.0 CONNACK 0x84. `protocolLevel` is 0 when even the name is unknown [MQTT5-3.1.2-1].
 */
export class UnsupportedVersionError extends ProtocolError {
  override readonly name: string = 'UnsupportedVersionError';
  readonly protocolName: string;
  readonly protocolLevel: number;

  constructor(protocolName: string, protocolLevel: number, message: string) {
    super('unsupported-protocol-version', message, ReasonCode.UnsupportedProtocolVersion);
    this.protocolName = protocolName;
    this.protocolLevel = protocolLevel;
  }
}

/** The caller handed over something that cannot be encoded. Nothing was written. */
export class UsageError extends CodedError {
  override readonly name: string = 'UsageError';
}

/** `PUBACK: packet identifier zero`: where, the code in words, and what was seen there. */
function say(where: string, code: string, seen: string | number | undefined): string {
  return `${where}: ${code.replaceAll('-', ' ')}${seen === undefined ? '' : `: ${seen}`}`;
}

/** A MalformedPacketError whose words are its code's. */
export function malformed(where: string, code: PacketFault, seen?: string | number): MalformedPacketError {
  return new MalformedPacketError(code, say(where, code, seen));
}

/** A ProtocolError whose words are its code's. */
export function violation(
  where: string,
  code: PacketFault,
  seen?: string | number,
  reasonCode?: number,
  excess?: PacketExcess,
): ProtocolError {
  return new ProtocolError(code, say(where, code, seen), reasonCode, excess);
}

/** A UsageError whose words are its code's. */
export function misuse(where: string, code: string, seen?: string | number): UsageError {
  return new UsageError(code, say(where, code, seen));
}
