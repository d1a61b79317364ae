import type { CloseDetails, StoreProblem } from '@hawser/protocol';
import type { Language, Sentence } from './words.ts';

type Store = StoreProblem['is'];
type Messages =
  | Store
  | 'publish-not-permitted'
  | 'publish-undecided'
  | 'payload-not-utf8'
  | 'inbound-qos2'
  | 'input-bytes'
  | 'queue-full'
  | 'retained-full'
  | 'message-not-stored'
  | 'subscription-not-permitted'
  | 'subscription-undecided'
  | 'subscription-filtered'
  | 'subscription-suspended'
  | 'subscriptions-full'
  | 'shared-subscriptions-full'
  | 'subscription-too-deep'
  | 'subscription-too-long'
  | 'subscription-no-room'
  | 'subscription-no-room-node'
  | 'subscription-not-kept';

/** Why a store takes nothing. */
const STORE_SENTENCES: { readonly [Is in Store]: Sentence<CloseDetails[Is]> } = {
  'store-failed': {
    en: ({ why }) => `nothing can be stored now: ${why}`,
    zh: ({ why }) => `现在无法存储任何内容：${why}`,
  },
  'store-behind': {
    en: ({ bytes }) => `${bytes} bytes wait for the disk (data.pendingBytes)`,
    zh: ({ bytes }) => `有 ${bytes} 字节等待写入磁盘（data.pendingBytes）`,
  },
  'store-cannot-hold': {
    en: ({ bytes, limit }) =>
      `it would be written with ${bytes} bytes, and ${limit} may wait for the disk in all (twice data.pendingBytes)`,
    zh: ({ bytes, limit }) =>
      `写入需要 ${bytes} 字节，而等待写入磁盘的总量最多为 ${limit} 字节（data.pendingBytes 的两倍）`,
  },
  'disk-full': {
    en: ({ free, minimum }) => `the disk has ${free} bytes left, ${minimum} stay free (data.freeBytesMin)`,
    zh: ({ free, minimum }) => `磁盘剩余 ${free} 字节，须保留 ${minimum} 字节（data.freeBytesMin）`,
  },
  'data-full': {
    en: ({ bytes, limit }) => `the data has ${bytes} bytes, ${limit} are allowed (data.bytesMax)`,
    zh: ({ bytes, limit }) => `数据有 ${bytes} 字节，最多允许 ${limit} 字节（data.bytesMax）`,
  },
};

/** Why a store takes nothing, in words. */
export function storeProblem<Is extends Store>(
  problem: { readonly is: Is } & CloseDetails[Is],
  language: Language,
): string {
  const sentence: Sentence<CloseDetails[Is]> = STORE_SENTENCES[problem.is];
  return sentence[language](problem, '');
}

/** Why a message or a subscription is not taken. */
export const MESSAGE_SENTENCES: { readonly [Is in Messages]: Sentence<CloseDetails[Is]> } = {
  ...STORE_SENTENCES,
  'publish-not-permitted': {
    en: ({ topic }) => `publishing to ${topic} is not permitted`,
    zh: ({ topic }) => `没有权限发布到 ${topic}`,
  },
  'publish-undecided': {
    en: ({ topic }) => `the server could not check whether publishing to ${topic} is permitted; try again later`,
    zh: ({ topic }) => `代理服务器无法检查是否有权限发布到 ${topic}`,
  },
  'payload-not-utf8': {
    en: ({ topic }) => `the payload for ${topic} is said to be UTF-8 and is not`,
    zh: ({ topic }) => `发往 ${topic} 的载荷声明为 UTF-8，但实际不是`,
  },
  'inbound-qos2': {
    en: ({ limit }) => `over ${limit} QoS 2 messages were not released with PUBREL (limits.inboundQos2)`,
    zh: ({ limit }) => `超过 ${limit} 条 QoS 2 消息没有用 PUBREL 释放（limits.inboundQos2）`,
  },
  'input-bytes': {
    en: ({ limit, key }) => `over ${limit} bytes of packets are held whose rest has not come (${key})`,
    zh: ({ limit, key }) => `尚未收全的报文已占用超过 ${limit} 字节（${key}）`,
  },
  'queue-full': {
    en: ({ topic }) => `the queue of a subscriber to ${topic} is full`,
    zh: ({ topic }) => `${topic} 的某个订阅者的队列已满`,
  },
  'retained-full': {
    en: () => 'there is no room for another retained message',
    zh: () => '没有空间保存更多保留消息',
  },
  'message-not-stored': {
    en: ({ why }) => `the message cannot be taken: ${storeProblem(why, 'en')}`,
    zh: ({ why }) => `消息无法被接受：${storeProblem(why, 'zh')}`,
  },
  'subscription-not-permitted': {
    en: ({ topicFilter }) => `the subscription to ${topicFilter} is not permitted`,
    zh: ({ topicFilter }) => `没有权限订阅 ${topicFilter}`,
  },
  'subscription-undecided': {
    en: ({ topicFilter }) => `the subscription to ${topicFilter} could not be checked by the server: try again later`,
    zh: ({ topicFilter }) => `代理服务器无法检查是否有权限订阅 ${topicFilter}`,
  },
  'subscription-filtered': {
    en: ({ topicFilter }) =>
      `the subscription to ${topicFilter} is granted; of what it matches only that is delivered which the rules permit`,
    zh: ({ topicFilter }) => `已授予订阅 ${topicFilter}；其匹配的消息中只投递规则允许的`,
  },
  'subscription-suspended': {
    en: ({ topicFilter }) => `the subscription to ${topicFilter} is no longer permitted: nothing is delivered for it`,
    zh: ({ topicFilter }) => `不再有权限订阅 ${topicFilter}：不会再投递其消息`,
  },
  'subscriptions-full': {
    en: ({ topicFilter, limit }) =>
      `the subscription to ${topicFilter} is over the ${limit} subscriptions of one session (limits.subscriptions)`,
    zh: ({ topicFilter, limit }) => `订阅 ${topicFilter} 超出单个会话 ${limit} 个订阅的上限（limits.subscriptions）`,
  },
  'shared-subscriptions-full': {
    en: ({ topicFilter, limit }) =>
      `the subscription to ${topicFilter} is over the ${limit} Shared Subscriptions of one session (limits.sharedSubscriptions)`,
    zh: ({ topicFilter, limit }) =>
      `订阅 ${topicFilter} 超出单个会话 ${limit} 个共享订阅的上限（limits.sharedSubscriptions）`,
  },
  'subscription-too-deep': {
    en: ({ topicFilter, levels, limit }) =>
      `the subscription to ${topicFilter} has ${levels} levels, over ${limit} (limits.topicLevels)`,
    zh: ({ topicFilter, levels, limit }) =>
      `订阅 ${topicFilter} 有 ${levels} 层，超过 ${limit} 层的上限（limits.topicLevels）`,
  },
  'subscription-too-long': {
    en: ({ topicFilter, limit }) =>
      `the subscription to ${topicFilter} has more than ${limit} bytes (limits.topicBytes)`,
    zh: ({ topicFilter, limit }) => `订阅 ${topicFilter} 超过 ${limit} 字节（limits.topicBytes）`,
  },
  'subscription-no-room': {
    en: ({ topicFilter }) =>
      `the subscription to ${topicFilter} is one for which this session has no room (limits.subscriptionBytes)`,
    zh: ({ topicFilter }) => `该会话没有空间保存订阅 ${topicFilter}（limits.subscriptionBytes）`,
  },
  'subscription-no-room-node': {
    en: ({ topicFilter }) => `the subscription to ${topicFilter} is one for which there is no room (sessions.bytes)`,
    zh: ({ topicFilter }) => `没有空间保存订阅 ${topicFilter}（sessions.bytes）`,
  },
  'subscription-not-kept': {
    en: ({ topicFilter, why }) => `the subscription to ${topicFilter} cannot be kept: ${storeProblem(why, 'en')}`,
    zh: ({ topicFilter, why }) => `订阅 ${topicFilter} 无法保存：${storeProblem(why, 'zh')}`,
  },
};
