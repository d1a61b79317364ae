import type { ProtocolVersion } from '../types.ts';
import { PacketWriter } from '../wire/packet-writer.ts';
import { writeAckBody } from './ack.ts';
import { writeClientPacket, writeFramed } from './client-packet.ts';
import { writeConnackBody } from './connack.ts';
import type { Packet } from './packet.ts';
import { encodePublish, type PublishPacket } from './publish.ts';
import { requireEncodable } from './require-encodable.ts';
import { writeSubackBody } from './suback.ts';
import { writeUnsubackBody } from './unsuback.ts';

/**
 * One packet in an array of its own. `version` is the connection's; a CONNECT goes out in its own `protocolVersion`. In 3.x properties
 * and the Reason Codes of acks are not written; what would mean something else without them is refused. Throws UsageError.
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  requireEncodable(packet, version);
  if (packet.type === 'publish') return encodePublish(packet, version);
  const writer = new PacketWriter();
  append(writer, packet, version);
  return writer.take();
}

function append(writer: PacketWriter, packet: Exclude<Packet, PublishPacket>, version: ProtocolVersion): void {
  switch (packet.type) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      writeFramed(writer, packet, version, writeAckBody);
      return;
    case 'connack':
      writeFramed(writer, packet, version, writeConnackBody);
      return;
    case 'suback':
      writeFramed(writer, packet, version, writeSubackBody);
      return;
    case 'unsuback':
      writeFramed(writer, packet, version, writeUnsubackBody);
      return;
    case 'pingresp':
      writeFramed(writer, packet, version, () => {});
      return;
    default:
      writeClientPacket(writer, packet, version);
  }
}
