import type { ComplaintCode } from '@hawser/protocol';
import { type CauseWords, cause, words } from './words.ts';

const ASK_CLIENT = words(
  "The client has ended the connection itself: its own log, or its library's, says more.",
  '是客户端自己结束了连接：它自己（或其库）的日志会有更多信息。',
);
const REPORT = words(
  'Look at the log of the client. If it is right, the broker has broken the protocol: please report it, with the packet that the client did not take.',
  '请查看客户端的日志。如果它是对的，说明代理服务器违反了协议：请连同客户端拒绝的报文反馈给我们。',
);
const LESS = words(
  'Let the client subscribe to less, or let less be published to it.',
  '请减少该客户端的订阅，或减少发布给它的消息。',
);

/** What a client says with the Reason Code of its own DISCONNECT (section 3.14.2.1), by the name of the code. */
export const COMPLAINTS = {
  'unspecified-error': cause(words('it does not say why', '没有说明原因'), ASK_CLIENT),
  'malformed-packet': cause(words('it could not read a packet that it was sent', '它无法解析收到的某个报文'), REPORT),
  'protocol-error': cause(
    words('it was sent a packet that it takes for a violation of the protocol', '它认为收到的某个报文违反了协议'),
    REPORT,
  ),
  'implementation-specific-error': cause(words('it has an error of its own', '它自身出现了错误'), ASK_CLIENT),
  'topic-name-invalid': cause(
    words('it does not take the Topic Name of a message that it was sent', '它不接受收到的某条消息的 Topic Name'),
    ASK_CLIENT,
  ),
  'receive-maximum-exceeded': cause(
    words(
      'it was sent more QoS 1 and 2 messages than its Receive Maximum lets be unacknowledged',
      '发给它的未确认 QoS 1、2 消息超过了它的 Receive Maximum',
    ),
    REPORT,
  ),
  'topic-alias-invalid': cause(
    words('it was sent a Topic Alias that it does not take', '它收到了不接受的 Topic Alias'),
    REPORT,
  ),
  'packet-too-large': cause(
    words('it was sent a packet that is larger than it takes', '它收到的报文超过了它能接受的大小'),
    words(
      'Let the client announce its Maximum Packet Size in the CONNECT: larger messages are then not sent to it, but counted as lost.',
      '请让客户端在 CONNECT 中声明 Maximum Packet Size：这样更大的消息不会发给它，而是计为丢失。',
    ),
  ),
  'message-rate-too-high': cause(words('messages come faster than it takes them', '消息来得比它能处理的更快'), LESS),
  'quota-exceeded': cause(words('a quota of its own was exceeded', '超出了它自己的配额'), LESS),
  'administrative-action': cause(
    words("somebody ended the connection at the client's side", '有人在客户端一侧结束了连接'),
  ),
  'payload-format-invalid': cause(
    words('it was sent a payload that is not in the format it was said to have', '它收到的载荷与声明的格式不符'),
    words(
      'Look at who publishes it: Payload Format Indicator 1 is for UTF-8 alone. `messages.checkPayloadFormat` refuses such messages.',
      '请检查其发布者：Payload Format Indicator 为 1 只能用于 UTF-8。`messages.checkPayloadFormat` 会拒绝这类消息。',
    ),
  ),
} satisfies Record<ComplaintCode, CauseWords>;
