import type { DropCause } from '../sessions/bounded-queue.ts';
import { LIMIT, PERMISSIONS, POLICY_TROUBLE } from './advice.ts';
import { type CauseWords, cause, words } from './words.ts';

/** Why a message did not go where it should have. Sessions lose for their causes, publishes for these too. */
export type LossCause =
  | DropCause
  | 'not-authorized'
  | 'policy-failed'
  | 'offline-qos0'
  | 'session-ended'
  | 'retained-limit'
  | 'store-fault'
  | 'quota-exceeded'
  | 'payload-format-invalid';

/** Why messages were lost. */
export const LOSSES = {
  'queue-full': cause(
    words('its queue was full', '其队列已满'),
    words(
      'The client was away too long or takes too slowly: let it read sooner, publish less, or raise `queue.messages` and `queue.bytes`.',
      '客户端离线太久或读取太慢：让它更早读取、减少发布，或提高 `queue.messages` 和 `queue.bytes`。',
    ),
  ),
  superseded: cause(
    words('a newer message of the same topic came', '同一主题有了更新的消息'),
    words(
      'This is what `queue.policy` keep-last-per-topic is for: only the last value of each topic waits.',
      '这正是 `queue.policy` 为 keep-last-per-topic 的作用：每个主题只保留最后一个值。',
    ),
  ),
  'too-old': cause(
    words(
      'the wait was longer than messages are kept for a client that is away',
      '等待时间超过了为离线客户端保留消息的期限',
    ),
    words(
      'Let the client come back sooner, or let messages be kept longer (`queue.age`).',
      '请让客户端更早重新连接，或延长消息保留期限（`queue.age`）。',
    ),
  ),
  expired: cause(
    words('the Message Expiry Interval had passed', '已超过 Message Expiry Interval'),
    words(
      'Publish with a longer Message Expiry Interval, or none; `messages.expiryMax` bounds it.',
      '请使用更长的 Message Expiry Interval 或不设置；上限为 `messages.expiryMax`。',
    ),
  ),
  'packet-too-large': cause(
    words('the Maximum Packet Size that the client announced is smaller', '超过了客户端声明的 Maximum Packet Size'),
    words(
      'Let the client announce a larger Maximum Packet Size, or publish smaller messages.',
      '请让客户端声明更大的 Maximum Packet Size，或发布更小的消息。',
    ),
  ),
  'slow-consumer': cause(
    words('it did not read fast enough (QoS 0)', '它读取得不够快（QoS 0）'),
    words(
      'Do less in the message handler, subscribe to less, or use QoS 1 and a session so that messages wait.',
      '减少消息处理中的工作、减少订阅，或使用 QoS 1 和持久会话让消息等待。',
    ),
  ),
  'rejected-by-receiver': cause(
    words('the client answered with a Reason Code that refuses', '客户端用 Reason Code 拒绝了消息'),
    words("The client's own log, or its library's, says why.", '原因请查看客户端自己（或其库）的日志。'),
  ),
  'not-authorized': cause(words('it was not permitted to publish there', '它没有发布到该主题的权限'), PERMISSIONS),
  'policy-failed': cause(
    words('nobody could say whether publishing there is permitted', '无法判断是否有发布到该主题的权限'),
    POLICY_TROUBLE,
  ),
  'no-longer-permitted': cause(
    words('it may not have messages of that topic any more', '它不再有权限接收该主题的消息'),
    PERMISSIONS,
  ),
  'offline-qos0': cause(
    words('it was not connected and QoS 0 does not wait', '它不在线，而 QoS 0 不会等待'),
    words('Subscribe and publish with QoS 1, or set `queue.qos0`.', '请使用 QoS 1 订阅和发布，或设置 `queue.qos0`。'),
  ),
  'session-ended': cause(
    words('its session ended meanwhile', '会话在此期间结束'),
    words(
      'Ask for a longer Session Expiry Interval, and connect with Clean Start false.',
      '请设置更长的 Session Expiry Interval，并以 Clean Start false 连接。',
    ),
  ),
  'retained-limit': cause(words('there was no room for another retained message', '没有空间保存更多保留消息'), LIMIT),
  'store-fault': cause(
    words('the data directory could not be written', '数据目录无法写入'),
    words('Look at space and health of the disk.', '请检查磁盘空间和健康状况。'),
  ),
  'quota-exceeded': cause(
    words(
      'the queue of a subscriber was full, and the publisher was told so',
      '发布时某个订阅者的队列已满，因此被拒绝',
    ),
    words(
      'Publish again later; `queue.policy` says that a full queue refuses.',
      '请稍后重新发布；`queue.policy` 规定队列满时拒绝。',
    ),
  ),
  'payload-format-invalid': cause(
    words('the payload was said to be UTF-8 and is not', '载荷声明为 UTF-8，但实际不是'),
    words(
      'Leave Payload Format Indicator at 0 for binary payloads.',
      '二进制载荷请将 Payload Format Indicator 保持为 0。',
    ),
  ),
} satisfies Record<LossCause, CauseWords>;
