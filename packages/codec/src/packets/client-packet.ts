import type { ProtocolVersion } from '../types.ts';
import { firstByteOf } from '../wire/first-byte.ts';
import { PacketWriter } from '../wire/packet-writer.ts';
import { type AuthPacket, writeAuthBody } from './auth.ts';
import { type ConnectPacket, writeConnectBody } from './connect.ts';
import { type DisconnectPacket, writeDisconnectBody } from './disconnect.ts';
import type { PingreqPacket } from './ping.ts';
import { type SubscribePacket, writeSubscribeBody } from './subscribe.ts';
import { type UnsubscribePacket, writeUnsubscribeBody } from './unsubscribe.ts';

/** What a client sends, but PUBLISH and its acknowledgements: those a connection writes without a packet of their own. */
export type ClientPacket =
  | ConnectPacket
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

/** Appends it. Throws UsageError, and TypeError for a packet that only a server sends. */
export function writeClientPacket(writer: PacketWriter, packet: ClientPacket, version: ProtocolVersion): void {
  writeFramed(writer, packet, version, bodies[packet.type]);
}

/** Writes what follows a packet's fixed header. */
type WriteBody = (writer: PacketWriter, packet: never, version: ProtocolVersion) => void;

const bodies: Readonly<Record<ClientPacket['type'], WriteBody>> = {
  connect: writeConnectBody,
  subscribe: writeSubscribeBody,
  unsubscribe: writeUnsubscribeBody,
  pingreq: () => {},
  disconnect: writeDisconnectBody,
  auth: writeAuthBody,
};

/** The first byte, then what `writeBody` writes with its length before it. */
export function writeFramed(
  writer: PacketWriter,
  packet: { readonly type: string },
  version: ProtocolVersion,
  writeBody: WriteBody,
): void {
  writer.u8(firstByteOf(packet.type));
  const mark = writer.beginLength();
  writeBody(writer, packet as never, version);
  writer.endLength(mark);
}
