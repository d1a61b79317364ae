import type { DoctorStage, Severity, StageEvidence, TrialStage } from '@hawser/doctor';

interface Words {
  readonly argument: string;
  readonly json: string;
  readonly lang: string;
  readonly asClient: string;
  readonly topic: string;
  readonly help: string;
  readonly stages: Readonly<Record<DoctorStage, string>>;
  readonly severities: Readonly<Record<Severity, string>>;
  readonly failed: string;
  readonly findings: string;
  readonly fine: string;
  readonly warnings: (count: number) => string;
  readonly errors: (count: number) => string;
  readonly noConnection: string;
  readonly asClientNotice: (clientId: string) => string;
  readonly retry: Readonly<Record<'yes' | 'no' | 'after-change', string>>;
  readonly daysLeft: (days: number) => string;
  readonly notVerified: string;
  readonly notTried: string;
  /** An attempt that one with another version follows. */
  readonly versionRefused: (version: string, why: string) => string;
  readonly closedBeforeConnack: string;
  /** What was seen of a trial that went well. */
  readonly trial: (stage: TrialStage, seen: StageEvidence) => string;
}

/** Texts of `hawser doctor` that do not come from `@hawser/doctor`. */
export const DOCTOR_WORDS: Readonly<Record<'en' | 'zh', Words>> = {
  en: {
    argument: 'address: mqtt://host:1883, mqtts://host:8883, ws://host:8083/mqtt, wss://host:8084/mqtt',
    json: 'print one JSON object at the end: ok, url, stages, error, negotiated, capabilities, findings',
    lang: 'language of findings and hints',
    asClient: 'use the Client ID of -i: a live device with it is cut off',
    topic: 'publish below this topic instead of a random one',
    help: 'Exit codes: 0 fine, 1 something is wrong, 2 could not connect, 64 wrong usage.',
    stages: {
      address: 'address',
      dns: 'dns',
      tcp: 'tcp',
      tls: 'tls',
      websocket: 'websocket',
      connack: 'connack',
      auth: 'auth',
      'keep-alive': 'keep alive',
      subscribe: 'subscribe',
      qos0: 'QoS 0',
      qos1: 'QoS 1',
      qos2: 'QoS 2',
      retained: 'retained',
      limits: 'limits',
      session: 'session',
    },
    severities: { error: 'error', warning: 'warning', info: 'info' },
    failed: 'could not connect',
    findings: 'Findings',
    fine: 'Fine: connected, and all that was tried works.',
    warnings: (count) =>
      `Connected, and what was tried works; ${count === 1 ? 'one thing is' : `${count} things are`} worth changing.`,
    errors: (count) => (count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`),
    noConnection: 'No connection.',
    asClientNotice: (clientId) =>
      `connecting as ${clientId}: a live device with this Client ID is cut off now; its session and what waits in it are left alone, unless Clean Start is asked for`,
    retry: {
      yes: 'trying again may help',
      no: 'trying again does not help',
      'after-change': 'something must be changed first',
    },
    daysLeft: (days) => (days === 1 ? '1 day left' : `${days} days left`),
    notVerified: 'not verified',
    notTried: 'not tried: the server does not have it',
    versionRefused: (version, why) => `MQTT ${version} was refused (${why}); another attempt follows`,
    closedBeforeConnack: 'closed without a CONNACK',
    trial(stage, seen) {
      switch (stage) {
        case 'keep-alive':
          return `PINGREQ answered after ${seen.answeredMs} ms; Keep Alive ${seen.keepAlive} s`;
        case 'subscribe':
          return `${seen.topicFilter}: ${seen.reason}`;
        case 'retained':
          return 'kept, given to a new subscription, deleted';
        case 'limits':
          return limitNames
            .flatMap(([name, en]) => (seen[name] === undefined ? [] : `${en} ${plain(seen[name], 'yes', 'no')}`))
            .join(', ');
        case 'session':
          return `resumed, Session Present ${Number(seen.sessionPresent)}; messages that came meanwhile: ${seen.queuedMessages ?? 'not tried'}`;
        default:
          return `${seen.receivedQoS === 0 ? 'sent' : 'acknowledged'} after ${seen.takenMs} ms, back after ${seen.receivedMs} ms with QoS ${seen.receivedQoS}`;
      }
    },
  },
  zh: {
    argument: '地址：mqtt://主机:1883、mqtts://主机:8883、ws://主机:8083/mqtt、wss://主机:8084/mqtt',
    json: '结束时输出一个 JSON 对象：ok、url、stages、error、negotiated、capabilities、findings',
    lang: '检查结果和建议所用的语言',
    asClient: '使用 -i 给出的 Client ID：正在使用它的设备会被断开',
    topic: '在该主题之下发布，而不是随机主题',
    help: '退出码：0 正常，1 有错误，2 无法连接，64 用法错误。',
    stages: {
      address: '地址',
      dns: 'DNS',
      tcp: 'TCP',
      tls: 'TLS',
      websocket: 'WebSocket',
      connack: 'CONNACK',
      auth: '认证',
      'keep-alive': '保活',
      subscribe: '订阅',
      qos0: 'QoS 0',
      qos1: 'QoS 1',
      qos2: 'QoS 2',
      retained: '保留消息',
      limits: '上限',
      session: '会话',
    },
    severities: { error: '错误', warning: '警告', info: '提示' },
    failed: '无法连接',
    findings: '检查结果',
    fine: '正常：已连接，所有检查均通过。',
    warnings: (count) => `已连接，检查均通过；有 ${count} 项值得改进。`,
    errors: (count) => `发现 ${count} 个错误。`,
    noConnection: '没有建立连接。',
    asClientNotice: (clientId) =>
      `以 ${clientId} 的身份连接：正在使用该 Client ID 的设备现在会被断开；其会话和等待的消息保持不变，除非要求 Clean Start`,
    retry: { yes: '重试可能有用', no: '重试没有用', 'after-change': '需要先做修改' },
    daysLeft: (days) => `还剩 ${days} 天`,
    notVerified: '未校验',
    notTried: '未检查：服务器不支持',
    versionRefused: (version, why) => `MQTT ${version} 被拒绝（${why}）；接着再试`,
    closedBeforeConnack: '没有 CONNACK 就断开',
    trial(stage, seen) {
      switch (stage) {
        case 'keep-alive':
          return `PINGREQ 在 ${seen.answeredMs} 毫秒后得到应答；Keep Alive ${seen.keepAlive} 秒`;
        case 'subscribe':
          return `${seen.topicFilter}：${seen.reason}`;
        case 'retained':
          return '已保留、已送达新的订阅、已删除';
        case 'limits':
          return limitNames
            .flatMap(([name, , zh]) => (seen[name] === undefined ? [] : `${zh} ${plain(seen[name], '是', '否')}`))
            .join('，');
        case 'session':
          return `已恢复，Session Present ${Number(seen.sessionPresent)}；期间到达的消息：${seen.queuedMessages ?? '未检查'}`;
        default:
          return `${seen.takenMs} 毫秒后${seen.receivedQoS === 0 ? '发出' : '得到确认'}，${seen.receivedMs} 毫秒后以 QoS ${seen.receivedQoS} 送回`;
      }
    },
  },
};

const limitNames = [
  ['maximumQoS', 'maximum QoS', '最高 QoS'],
  ['retain', 'retain', '保留消息'],
  ['wildcardSubscriptions', 'wildcards', '通配符'],
  ['sharedSubscriptions', 'shared subscriptions', '共享订阅'],
  ['subscriptionIdentifiers', 'subscription identifiers', '订阅标识符'],
  ['maximumPacketSize', 'packet bytes', '报文字节'],
  ['receiveMaximum', 'Receive Maximum', 'Receive Maximum'],
  ['topicAliasMaximum', 'Topic Alias Maximum', 'Topic Alias Maximum'],
] as const;

function plain(value: unknown, yes: string, no: string): string {
  return typeof value === 'boolean' ? (value ? yes : no) : String(value);
}
