import { PacketType, type ProtocolVersion } from '../types.ts';
import { PacketWriter } from '../wire/packet-writer.ts';
import { type AckPacket, writeAck } from './ack.ts';
import { type AuthPacket, writeAuthBody } from './auth.ts';
import { type ConnectPacket, writeConnectBody } from './connect.ts';
import { type DisconnectPacket, writeDisconnectBody } from './disconnect.ts';
import type { PingreqPacket } from './ping.ts';
import { type SubscribePacket, writeSubscribeBody } from './subscribe.ts';
import { type UnsubscribePacket, writeUnsubscribeBody } from './unsubscribe.ts';

/** What a client sends, but a PUBLISH: its topic and properties are encoded once, see `writePublishInto`. */
export type ClientPacket =
  | ConnectPacket
  | AckPacket
  | SubscribePacket
  | UnsubscribePacket
  | PingreqPacket
  | DisconnectPacket
  | AuthPacket;

/**
 * Like `encodePacket`, for what a client sends: a page does not load the encoders of a server, nor the checks of what a client has
 * checked before (`requireEncodable`). Throws UsageError for texts, bytes, properties and Reason Codes that cannot be.
 */
export function encodeClientPacket(packet: ClientPacket, version: ProtocolVersion): Uint8Array {
  const writer = new PacketWriter();
  writeClientPacket(writer, packet, version);
  return writer.take();
}

/** Appends it. Throws UsageError. */
export function writeClientPacket(writer: PacketWriter, packet: ClientPacket, version: ProtocolVersion): void {
  switch (packet.type) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      writeAck(writer, packet, version);
      return;
    case 'pingreq':
      writer.u16(PacketType.PINGREQ << 12);
      return;
    case 'connect':
      writeFramed(writer, PacketType.CONNECT << 4, () => writeConnectBody(writer, packet));
      return;
    case 'subscribe':
      writeFramed(writer, (PacketType.SUBSCRIBE << 4) | 2, () => writeSubscribeBody(writer, packet, version));
      return;
    case 'unsubscribe':
      writeFramed(writer, (PacketType.UNSUBSCRIBE << 4) | 2, () => writeUnsubscribeBody(writer, packet, version));
      return;
    case 'disconnect':
      writeFramed(writer, PacketType.DISCONNECT << 4, () => writeDisconnectBody(writer, packet, version));
      return;
    case 'auth':
      writeFramed(writer, PacketType.AUTH << 4, () => writeAuthBody(writer, packet));
      return;
    default: {
      const never: never = packet;
      throw new TypeError(`no such packet: ${JSON.stringify(never)}`);
    }
  }
}

/** The first byte, then what `writeBody` writes with its length before it. */
export function writeFramed(writer: PacketWriter, firstByte: number, writeBody: () => void): void {
  writer.u8(firstByte);
  const mark = writer.beginLength();
  writeBody();
  writer.endLength(mark);
}
