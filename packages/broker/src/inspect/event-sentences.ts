import { causeText } from '../causes/cause-text.ts';
import { duration, fill, moment } from '../causes/figures.ts';
import { LOSSES, type LossCause } from '../causes/losses.ts';
import type { Language } from '../causes/words.ts';
import { endpoint, type LossTotal, type RecordedEvent } from '../recorder/recorded-event.ts';

export function addressOf(event: RecordedEvent): string {
  return event.remoteAddress === undefined ? '?' : endpoint(event.remoteAddress, event.remotePort ?? 0);
}

export function versionName(version: number | undefined): string {
  return version === 5 ? '5.0' : version === 4 ? '3.1.1' : version === 3 ? '3.1' : '?';
}

const TEXTS = {
  en: {
    connected: 'connected from {address} over {listener}, MQTT {version}{user}{tls}; {session}{took}',
    user: ', user name "{name}"',
    claimed: ', a user name that nobody has checked ({name})',
    newSession: 'a new session',
    cleanSession: 'a new session (Clean Start)',
    resumed: 'its session was resumed',
    took: '; took over from {address}',
    self: 'cut off by the broker after {time}: {cause}',
    peer: 'left after {time}: {cause}',
    network: 'lost after {time}: {cause}',
    traffic: ' ({packetsIn:packet|packets} in, {packetsOut} out)',
    refused: 'refused, from {address}: {cause}',
    brokerEnded: '{cause}',
    subscribe: 'a subscription was refused: {cause}',
    sessionEnded: 'its session ended: {cause}{queued}',
    queued: '; {count:message that waited|messages that waited} went with it',
    repeated: ' ({count:time|times}, last at {last})',
  },
  zh: {
    connected: '从 {address} 经 {listener} 连接，MQTT {version}{user}{tls}；{session}{took}',
    user: '，用户名 "{name}"',
    claimed: '，未经检查的用户名（{name}）',
    newSession: '新会话',
    cleanSession: '新会话（Clean Start）',
    resumed: '恢复了原有会话',
    took: '；从 {address} 接管',
    self: '连接 {time}后被代理服务器断开：{cause}',
    peer: '连接 {time}后离开：{cause}',
    network: '连接 {time}后中断：{cause}',
    traffic: '（收到 {packetsIn} 个报文，发出 {packetsOut} 个）',
    refused: '来自 {address} 的连接被拒绝：{cause}',
    brokerEnded: '{cause}',
    subscribe: '订阅被拒绝：{cause}',
    sessionEnded: '会话结束：{cause}{queued}',
    queued: '；{count} 条等待的消息随之丢弃',
    repeated: '（共 {count} 次，最后一次 {last}）',
  },
} as const;

/** What happened, in one sentence with figures, without its beginning "the client" and its end. */
export function eventSentence(event: RecordedEvent, language: Language): string {
  const texts = TEXTS[language];
  const repeated =
    event.repeated === undefined
      ? ''
      : fill(texts.repeated, { count: event.repeated, last: moment(event.lastAt ?? event.at) });
  return sentenceOf(event, language) + repeated;
}

function sentenceOf(event: RecordedEvent, language: Language): string {
  const texts = TEXTS[language];
  const address = addressOf(event);
  const cause = causeText(event, language);
  switch (event.kind) {
    case 'connected': {
      const session =
        event.sessionPresent === true
          ? texts.resumed
          : event.cleanStart === true
            ? texts.cleanSession
            : texts.newSession;
      const certificate = event.certificate === undefined ? '' : ` (${event.certificate})`;
      return fill(texts.connected, {
        address,
        listener: event.listener ?? '',
        version: versionName(event.protocolVersion),
        user: nameOf(event, texts),
        tls: event.tls === undefined ? '' : `, ${event.tls}${certificate}`,
        session,
        took: event.tookOverFrom === undefined ? '' : fill(texts.took, { address: event.tookOverFrom }),
      });
    }
    case 'closed': {
      const template = event.by === 'network' ? texts.network : event.by === 'peer' ? texts.peer : texts.self;
      const traffic = fill(texts.traffic, { packetsIn: event.packetsIn ?? 0, packetsOut: event.packetsOut ?? 0 });
      return fill(template, { time: duration(event.connectedForMs ?? 0, language), cause }) + traffic;
    }
    case 'refused':
      return fill(texts.refused, { address, cause });
    case 'subscribe-refused':
      return fill(texts.subscribe, { cause });
    case 'session-ended': {
      const queued = (event.queued ?? 0) > 0 ? fill(texts.queued, { count: event.queued ?? 0 }) : '';
      return fill(texts.sessionEnded, { cause, queued });
    }
    case 'broker-ended':
      return fill(texts.brokerEnded, { cause });
  }
}

/** How many messages were lost, and why. */
export function lossSentence(cause: LossCause, total: LossTotal, language: Language): string {
  const { count, topic, lastAt } = total;
  const meaning = LOSSES[cause].meaning[language];
  const last = moment(lastAt);
  if (language === 'zh') {
    return `丢失 ${count} 条消息：${meaning}（最后一条 ${last}${topic === '' ? '' : `，主题 ${topic}`}）`;
  }
  const where = topic === '' ? '' : `, topic ${topic}`;
  return `${count} ${count === 1 ? 'message was' : 'messages were'} lost because ${meaning} (the last at ${last}${where})`;
}

/** The user name of a connection, or that it only claims one. */
function nameOf({ username, claimedUsername }: RecordedEvent, texts: (typeof TEXTS)[Language]): string {
  if (username !== undefined) return fill(texts.user, { name: username });
  return claimedUsername === undefined ? '' : fill(texts.claimed, { name: claimedUsername });
}
