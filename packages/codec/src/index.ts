export { PacketReader } from '#packet-reader';
export { copyBytes, topicLevels, utf8Length } from '#short-loops';
export { allowedReasonCodes } from './allowed-reason-codes.ts';
export {
  CodedError,
  MalformedPacketError,
  malformed,
  misuse,
  ProtocolError,
  UnsupportedVersionError,
  UsageError,
  violation,
} from './errors.ts';
export { type DecodeLimits, defaultDecodeLimits } from './limits.ts';
export type { PacketExcess, PacketFault } from './packet-fault.ts';
export type {
  AckPacket,
  PubackPacket,
  PubcompPacket,
  PubrecPacket,
  PubrelPacket,
} from './packets/ack.ts';
export { type AuthPacket, decodeAuth } from './packets/auth.ts';
export { type ClientPacket, encodeClientPacket } from './packets/client-packet.ts';
export { type ConnackPacket, decodeConnack } from './packets/connack.ts';
export { type ConnectPacket, decodeConnect, peekProtocolVersion, type WillMessage } from './packets/connect.ts';
export { decodePacket } from './packets/decode-packet.ts';
export { type DisconnectPacket, decodeDisconnect } from './packets/disconnect.ts';
export { encodePacket } from './packets/encode-packet.ts';
export { decodeAck, decodePublish, shortAckIdentifier } from './packets/hot-decoders.ts';
export type { Packet } from './packets/packet.ts';
export { decodePingreq, decodePingresp, type PingreqPacket, type PingrespPacket } from './packets/ping.ts';
export {
  type PublishPacket,
  publishSize,
  writePublishInto,
} from './packets/publish.ts';
export { decodeSuback, type SubackPacket } from './packets/suback.ts';
export { decodeSubscribe, type SubscribePacket, type Subscription } from './packets/subscribe.ts';
export { decodeUnsuback, type UnsubackPacket } from './packets/unsuback.ts';
export { decodeUnsubscribe, type UnsubscribePacket } from './packets/unsubscribe.ts';
export {
  ConnackReturnCode,
  hex,
  ReasonCode,
  type ReasonCodeName,
  reasonCodeName,
  reasonCodesOf,
  returnCodeName,
  toReturnCode,
} from './reason-codes.ts';
export { topicMatches } from './topics/matching.ts';
export {
  filterFault,
  filterStart,
  isSharedFilter,
  isValidTopicFilter,
  type ParsedFilter,
  parseTopicFilter,
} from './topics/topic-filter.ts';
export { isValidTopicName } from './topics/topic-name.ts';
export {
  type Direction,
  MAXIMUM_PACKET_SIZE,
  MAXIMUM_REMAINING_LENGTH,
  PacketType,
  type ProtocolVersion,
  type QoS,
  type UserProperties,
  versionName,
} from './types.ts';
export { checkFirstByte, packetName } from './wire/first-byte.ts';
export type { PacketBytes } from './wire/packet-bytes.ts';
export { PacketWriter, varintSize, writeVarint } from './wire/packet-writer.ts';
export { encodePublishProperties, propertyNamesOf } from './wire/properties.ts';
export type {
  AllProperties,
  AuthProperties,
  ConnackProperties,
  ConnectProperties,
  DisconnectProperties,
  PropertyContext,
  PropertyName,
  PublishProperties,
  ReasonProperties,
  SubscribeProperties,
  UserOnlyProperties,
  WillProperties,
} from './wire/property-lists.ts';
export { type PropertyRow, type PropertyWireType, propertyTable } from './wire/property-table.ts';
export { type Topic, TopicCache } from './wire/topic-cache.ts';
export { decodeUtf8Strict, encodeUtf8, MAXIMUM_STRING_BYTES } from './wire/utf8.ts';
