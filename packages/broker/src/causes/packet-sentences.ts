import type { PacketExcess } from '@hawser/codec';
import type { CloseDetails } from '@hawser/protocol';
import type { Language, Sentence } from './words.ts';

type Packets =
  | 'packet'
  | 'excess'
  | 'connect-late'
  | 'http-request'
  | 'tls-handshake'
  | 'other-packet'
  | 'answer-too-large'
  | 'acknowledgement-misplaced'
  | 'expiry-not-allowed'
  | 'websocket-frame';

/** Bytes and packets that cannot stand. What the codec says of a packet stands as it is, in every language. */
export const PACKET_SENTENCES: { readonly [Is in Packets]: Sentence<CloseDetails[Is]> } = {
  packet: {
    en: ({ seen }, meaning) => `${meaning}: ${seen}`,
    zh: ({ seen }, meaning) => `${meaning}（${seen}）`,
  },
  excess: {
    en: ({ excess }) => EXCESSES[excess.is].en(excess),
    zh: ({ excess }) => EXCESSES[excess.is].zh(excess),
  },
  'connect-late': {
    en: ({ seconds, bytes }) =>
      `it opened a connection and sent no whole CONNECT within ${seconds} s (${bytes} bytes came)`,
    zh: ({ seconds, bytes }) => `它建立了连接，但 ${seconds} 秒内没有发送完整的 CONNECT（收到 ${bytes} 字节）`,
  },
  'http-request': {
    en: () => 'an HTTP request came to an MQTT port; MQTT over WebSocket has a port of its own',
    zh: () => 'MQTT 端口收到了 HTTP 请求；WebSocket 上的 MQTT 使用单独的端口',
  },
  'tls-handshake': {
    en: () => 'a TLS handshake came to a port without TLS',
    zh: () => '非 TLS 端口收到了 TLS 握手',
  },
  'other-packet': {
    en: ({ firstByte }) => `the first packet is not a CONNECT; it begins with byte ${firstByte}`,
    zh: ({ firstByte }) => `第一个报文不是 CONNECT，其首字节为 ${firstByte}`,
  },
  'answer-too-large': {
    en: ({ packet, bytes, limit }) =>
      `the ${packet.toUpperCase()} has ${bytes} bytes, and the client takes ${limit} (its Maximum Packet Size)`,
    zh: ({ packet, bytes, limit }) =>
      `${packet.toUpperCase()} 有 ${bytes} 字节，而客户端最多接受 ${limit} 字节（其 Maximum Packet Size）`,
  },
  'acknowledgement-misplaced': {
    en: ({ packet, packetIdentifier }) =>
      `${packet} for Packet Identifier ${packetIdentifier}, whose message is at another stage or QoS`,
    zh: ({ packet, packetIdentifier }) =>
      `Packet Identifier ${packetIdentifier} 的 ${packet}：该消息处于另一阶段或另一 QoS`,
  },
  'expiry-not-allowed': {
    en: () => 'DISCONNECT has a Session Expiry Interval over 0, the CONNECT had none',
    zh: () => 'DISCONNECT 的 Session Expiry Interval 大于 0，而 CONNECT 中没有设置',
  },
  'websocket-frame': {
    en: ({ why }, meaning) => `${meaning}: ${why}`,
    zh: ({ why }, meaning) => `${meaning}（${why}）`,
  },
};

type Say = (excess: PacketExcess) => string;

const EXCESSES: { readonly [Is in PacketExcess['is']]: Readonly<Record<Language, Say>> } = {
  'packet-too-large': {
    en: ({ actual, limit }) => `it sent a packet of ${actual} bytes, and ${limit} bytes are taken here`,
    zh: ({ actual, limit }) => `它发送了 ${actual} 字节的报文，而这里最多接受 ${limit} 字节`,
  },
  'receive-maximum-exceeded': {
    en: ({ limit }) =>
      `it had more than ${limit} QoS 1 and 2 messages unacknowledged, the Receive Maximum of the CONNACK`,
    zh: ({ limit }) => `它同时有超过 ${limit} 条 QoS 1、2 消息未确认，而 CONNACK 已告知 Receive Maximum 为 ${limit}`,
  },
  'too-many-topic-filters': {
    en: ({ where, limit }) => `${where}: more than ${limit} Topic Filters`,
    zh: ({ where, limit }) => `${where} 中的 Topic Filter 超过 ${limit} 个`,
  },
  'too-many-user-properties': {
    en: ({ where, limit }) => `${where}: more than ${limit} User Properties`,
    zh: ({ where, limit }) => `${where} 中的 User Property 超过 ${limit} 个`,
  },
  'topic-filter-too-deep': {
    en: ({ where, actual, limit }) => `Topic Filter ${where} has ${actual} levels; ${limit} are accepted here`,
    zh: ({ where, actual, limit }) => `Topic Filter ${where} 有 ${actual} 层，这里最多接受 ${limit} 层`,
  },
  'topic-name-too-deep': {
    en: ({ where, actual, limit }) => `${where} has ${actual} levels; ${limit} are accepted here`,
    zh: ({ where, actual, limit }) => `${where} 有 ${actual} 层，这里最多接受 ${limit} 层`,
  },
  'topic-name-too-long': {
    en: ({ actual, limit }) => `a Topic Name has ${actual} bytes; ${limit} are accepted here`,
    zh: ({ actual, limit }) => `Topic Name 有 ${actual} 字节，最多允许 ${limit} 字节`,
  },
};
