import type { BanReason, CloseDetails } from '@hawser/protocol';
import { moment } from './figures.ts';
import { storeProblem } from './message-sentences.ts';
import type { Language, Sentence } from './words.ts';

type Admission =
  | 'half-open'
  | 'open-files'
  | 'connection-rate'
  | 'connections-all'
  | 'connections-of-address'
  | 'connections-of-user'
  | 'loop-late'
  | 'banned-for'
  | 'version-not-taken'
  | 'client-id-too-long'
  | 'client-id-missing-3'
  | 'client-id-long-31'
  | 'client-id-empty-kept'
  | 'client-id-of-others'
  | 'client-id-of-user'
  | 'sessions-all'
  | 'sessions-bytes'
  | 'session-not-kept'
  | 'session-unreadable'
  | 'will-not-permitted'
  | 'will-undecided'
  | 'credentials'
  | 'authenticator-silent'
  | 'method-unknown'
  | 'method-changed'
  | 'auth-unasked'
  | 'auth-without-method'
  | 'other-user';

/** Why a client is not let in, or may not go on. */
export const ADMISSION_SENTENCES: { readonly [Is in Admission]: Sentence<CloseDetails[Is]> } = {
  'half-open': {
    en: ({ count }) => `${count} connections without a CONNECT already (limits.halfOpen)`,
    zh: ({ count }) => `已有 ${count} 个尚未发送 CONNECT 的连接（limits.halfOpen）`,
  },
  'open-files': {
    en: ({ limit }) => `this process may have ${limit} files and connections open (ulimit -n)`,
    zh: ({ limit }) => `该进程最多只能打开 ${limit} 个文件和连接（ulimit -n）`,
  },
  'connection-rate': {
    en: () => 'clients connect faster than they may (limits.connectRate, limits.connectRatePerAddress)',
    zh: () => '连接速率超过上限（limits.connectRate、limits.connectRatePerAddress）',
  },
  'connections-all': {
    en: ({ limit }) => `there are ${limit} connections already (limits.connections)`,
    zh: ({ limit }) => `已有 ${limit} 个连接（limits.connections）`,
  },
  'connections-of-address': {
    en: ({ address, limit }) => `${address} has ${limit} connections already (limits.connectionsPerAddress)`,
    zh: ({ address, limit }) => `${address} 已有 ${limit} 个连接（limits.connectionsPerAddress）`,
  },
  'connections-of-user': {
    en: ({ limit }) => `this user has ${limit} connections already (limits.connectionsPerUser)`,
    zh: ({ limit }) => `该用户已有 ${limit} 个连接（limits.connectionsPerUser）`,
  },
  'loop-late': {
    en: ({ ms }) => `the server is overloaded: its event loop is ${ms} ms late (limits.loopDelay)`,
    zh: ({ ms }) => `代理服务器过载：事件循环延迟 ${ms} 毫秒（limits.loopDelay）`,
  },
  'banned-for': {
    en: ({ reason, until }) => `it is banned until ${moment(until)}: ${BAN_REASONS.en(reason)}`,
    zh: ({ reason, until }) => `它被封禁至 ${moment(until)}：${BAN_REASONS.zh(reason)}`,
  },
  'version-not-taken': {
    en: ({ listener }) => `the listener ${listener} does not take this protocol version`,
    zh: ({ listener }) => `监听器 ${listener} 不接受该协议版本`,
  },
  'client-id-too-long': {
    en: ({ limit }) => `a Client Identifier may have ${limit} bytes here (limits.clientIdBytes)`,
    zh: ({ limit }) => `这里的 Client ID 最多 ${limit} 字节（limits.clientIdBytes）`,
  },
  'client-id-missing-3': {
    en: () => 'MQTT 3.1 needs a Client Identifier of 1 to 23 characters',
    zh: () => 'MQTT 3.1 的 Client ID 必须为 1 到 23 个字符',
  },
  'client-id-long-31': {
    en: ({ length }) =>
      `MQTT 3.1 allows 23 characters in a Client Identifier, this has ${length} (limits.clientIdLong31 allows more)`,
    zh: ({ length }) => `MQTT 3.1 的 Client ID 最多 23 个字符，而它有 ${length} 个（可用 limits.clientIdLong31 放宽）`,
  },
  'client-id-empty-kept': {
    en: () => 'an empty Client Identifier needs Clean Session 1',
    zh: () => 'Client ID 为空时，Clean Session 必须为 1',
  },
  'client-id-of-others': {
    en: () => 'these credentials are for another Client Identifier',
    zh: () => '这些凭据属于另一个 Client ID',
  },
  'client-id-of-user': {
    en: () => 'this Client Identifier belongs to another user',
    zh: () => '该 Client ID 属于另一个用户',
  },
  'sessions-all': {
    en: ({ limit }) => `there are ${limit} sessions already (sessions.max)`,
    zh: ({ limit }) => `已有 ${limit} 个会话（sessions.max）`,
  },
  'sessions-bytes': {
    en: () => 'the sessions there are take all the memory they may (sessions.bytes)',
    zh: () => '现有会话已占满允许的内存（sessions.bytes）',
  },
  'session-not-kept': {
    en: ({ why }) => `the session cannot be kept: ${storeProblem(why, 'en')}`,
    zh: ({ why }) => `会话无法保存：${storeProblem(why, 'zh')}`,
  },
  'session-unreadable': {
    en: ({ why }) => `the session could not be read or kept: ${why}`,
    zh: ({ why }) => `会话无法读取或保存：${why}`,
  },
  'will-not-permitted': {
    en: ({ topic }) => `publishing the Will to ${topic} is not permitted`,
    zh: ({ topic }) => `没有权限把遗嘱发布到 ${topic}`,
  },
  'will-undecided': {
    en: () => 'the server could not check whether the Will is permitted; try again later',
    zh: () => '代理服务器无法检查是否有权限发布遗嘱',
  },
  credentials: {
    en: () => 'the user name or the password is wrong',
    zh: () => '用户名或密码错误',
  },
  'authenticator-silent': {
    en: () => 'the server could not check the credentials; try again later',
    zh: () => '代理服务器当时无法验证它的身份',
  },
  'method-unknown': {
    en: ({ method }) => `the authentication method ${method} is not known here`,
    zh: ({ method }) => `这里不支持认证方法 ${method}`,
  },
  'method-changed': {
    en: ({ method, agreed }) => `AUTH with the method ${method}, the CONNECT had ${agreed}`,
    zh: ({ method, agreed }) => `AUTH 使用认证方法 ${method}，而 CONNECT 中为 ${agreed}`,
  },
  'auth-unasked': {
    en: () => 'an AUTH that nothing had asked for',
    zh: () => '收到了没有请求过的 AUTH',
  },
  'auth-without-method': {
    en: () => 'an AUTH, but the CONNECT had no authentication method',
    zh: () => '收到了 AUTH，而 CONNECT 中没有认证方法',
  },
  'other-user': {
    en: ({ username }) => `authenticated again as another user than ${username}`,
    zh: ({ username }) => `重新认证时使用了不同于 ${username} 的用户`,
  },
};

/** Why somebody is banned. */
export const BAN_REASONS: Readonly<Record<Language, (reason: BanReason) => string>> = {
  en: (reason) => {
    switch (reason.is) {
      case 'failed-logins':
        return 'too many logins have failed';
      case 'connects':
        return 'it has connected again and again';
      case 'said':
        return reason.text;
    }
  },
  zh: (reason) => {
    switch (reason.is) {
      case 'failed-logins':
        return '登录失败次数过多';
      case 'connects':
        return '反复连接';
      case 'said':
        return reason.text;
    }
  },
};
