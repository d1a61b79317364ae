import * as PacketType from './packet-type.ts';
import { reasonCodesOf } from './reason-codes.ts';

/** `reasonCodesOf` by the packets' names, for servers and tests. */
export const allowedReasonCodes = {
  CONNACK: reasonCodesOf(PacketType.CONNACK, 'to-client'),
  PUBACK: reasonCodesOf(PacketType.PUBACK, 'to-client'),
  PUBREC: reasonCodesOf(PacketType.PUBREC, 'to-client'),
  PUBREL: reasonCodesOf(PacketType.PUBREL, 'to-client'),
  PUBCOMP: reasonCodesOf(PacketType.PUBCOMP, 'to-client'),
  SUBACK: reasonCodesOf(PacketType.SUBACK, 'to-client'),
  UNSUBACK: reasonCodesOf(PacketType.UNSUBACK, 'to-client'),
  'DISCONNECT to-server': reasonCodesOf(PacketType.DISCONNECT, 'to-server'),
  'DISCONNECT to-client': reasonCodesOf(PacketType.DISCONNECT, 'to-client'),
  'AUTH to-server': reasonCodesOf(PacketType.AUTH, 'to-server'),
  'AUTH to-client': reasonCodesOf(PacketType.AUTH, 'to-client'),
} as const;
