import { verifyWords } from './verify-words.ts';

/** How far a connection had come when it was refused. */
type Handshake = 'tls' | 'websocket' | 'proxy';

/** Why a connection that came in never became a Transport, with the figures of its sentence. */
export interface AttemptFigures {
  readonly 'too-many-handshakes': { readonly limit: number };
  readonly 'too-many-proxy-headers': { readonly limit: number };
  readonly 'handshake-late': { readonly stage: Handshake; readonly seconds: number };
  readonly 'listener-closed': { readonly stage: Handshake };
  readonly 'left-in-handshake': { readonly stage: 'tls' | 'websocket' };
  readonly 'reset-in-handshake': unknown;
  readonly 'client-certificate-rejected': { readonly verifyCode: string };
  readonly 'client-certificate-missing': unknown;
  readonly 'not-tls': unknown;
  readonly 'http-without-tls': unknown;
  readonly 'tls-version-too-old': unknown;
  readonly 'no-shared-cipher': unknown;
  readonly 'no-shared-alpn': unknown;
  readonly 'server-certificate-rejected': { readonly alert: string };
  readonly 'tls-failed': { readonly why: string };
  readonly 'bad-upgrade': { readonly why: string };
  readonly 'plain-http': { readonly method: string };
  readonly 'no-http': { readonly why: string };
  readonly 'mqtt-without-websocket': unknown;
  readonly 'tls-on-plain-websocket': unknown;
  readonly 'wrong-path': { readonly asked: string; readonly path: string };
  readonly 'origin-not-listed': { readonly origin: string };
  readonly 'origin-elsewhere': { readonly origin: string };
  /** The page's own name leads here, and its owner decides where it leads (DNS rebinding). */
  readonly 'origin-uncertain': { readonly origin: string };
  readonly 'subprotocol-missing': { readonly offered: string };
  readonly 'proxy-not-trusted': unknown;
  readonly 'proxy-header-invalid': { readonly why: string };
  readonly 'accept-failed': { readonly why: string };
  readonly 'closed-at-once': unknown;
}

export type AttemptDetail = {
  [Is in keyof AttemptFigures]: { readonly is: Is } & AttemptFigures[Is];
}[keyof AttemptFigures];

/** Stable names of refusals, as metrics and logs have them; several sentences may belong to one. */
export type AttemptCode =
  | 'too-many-handshakes'
  | 'handshake-timeout'
  | 'upgrade-timeout'
  | 'listener-closed'
  | 'closed-in-handshake'
  | 'client-certificate-rejected'
  | 'client-certificate-required'
  | 'not-tls'
  | 'protocol-version'
  | 'no-shared-cipher'
  | 'alpn'
  | 'server-certificate-rejected'
  | 'tls-failed'
  | 'bad-upgrade'
  | 'not-websocket'
  | 'not-http'
  | 'wrong-path'
  | 'origin-refused'
  | 'subprotocol-missing'
  | 'proxy-not-trusted'
  | 'proxy-header-timeout'
  | 'proxy-header-invalid'
  | 'accept-failed'
  | 'closed-at-once';

/** A code and what it is about. */
export interface AttemptRefusal {
  readonly code: AttemptCode;
  readonly detail: AttemptDetail;
}

const STAGES: Readonly<Record<'en' | 'zh', Readonly<Record<Handshake, string>>>> = {
  en: { tls: 'TLS handshake', websocket: 'WebSocket upgrade', proxy: 'PROXY header' },
  zh: { tls: 'TLS 握手', websocket: 'WebSocket 升级', proxy: 'PROXY 头' },
};

/** A sentence for each refusal, by language. */
export const ATTEMPT_SENTENCES: {
  readonly [Is in keyof AttemptFigures]: Readonly<Record<'en' | 'zh', (figures: AttemptFigures[Is]) => string>>;
} = {
  'too-many-handshakes': {
    en: ({ limit }) => `${limit} handshakes were under way on this listener, its bound`,
    zh: ({ limit }) => `该监听器上已有 ${limit} 个正在进行的握手，达到上限`,
  },
  'too-many-proxy-headers': {
    en: ({ limit }) => `${limit} connections without a PROXY header already`,
    zh: ({ limit }) => `已有 ${limit} 个尚未收到 PROXY 头的连接`,
  },
  'handshake-late': {
    en: ({ stage, seconds }) => `no whole ${STAGES.en[stage]} within ${seconds} s`,
    zh: ({ stage, seconds }) => `${seconds} 秒内没有完成 ${STAGES.zh[stage]}`,
  },
  'listener-closed': {
    en: ({ stage }) => `the listener was closed before the ${STAGES.en[stage]} was done`,
    zh: ({ stage }) => `监听器在 ${STAGES.zh[stage]} 完成之前关闭`,
  },
  'left-in-handshake': {
    en: ({ stage }) => `the client closed the connection before the ${STAGES.en[stage]} was done`,
    zh: ({ stage }) => `客户端在 ${STAGES.zh[stage]} 完成之前关闭了连接`,
  },
  'reset-in-handshake': {
    en: () =>
      "the client closed the connection during the TLS handshake: often because it does not trust this listener's certificate",
    zh: () => '客户端在 TLS 握手期间关闭了连接：通常是因为不信任该监听器的证书',
  },
  'client-certificate-rejected': {
    en: ({ verifyCode }) => `the client's certificate was not accepted: ${verifyWords(verifyCode, 'en')}`,
    zh: ({ verifyCode }) => `客户端证书未被接受：${verifyWords(verifyCode, 'zh')}`,
  },
  'client-certificate-missing': {
    en: () => 'the client sent no certificate, and this listener requires one',
    zh: () => '客户端没有发送证书，而该监听器要求证书',
  },
  'not-tls': {
    en: () => 'the client does not speak TLS, but this listener does: use mqtts:// or wss://',
    zh: () => '客户端使用的不是 TLS，而该监听器需要 TLS：请使用 mqtts:// 或 wss://',
  },
  'http-without-tls': {
    en: () => 'an HTTP request without TLS came to a TLS listener: use wss:// or https://',
    zh: () => 'TLS 监听器收到了没有 TLS 的 HTTP 请求：请使用 wss:// 或 https://',
  },
  'tls-version-too-old': {
    en: () => 'the client speaks only versions of TLS that are too old for this listener',
    zh: () => '客户端只支持该监听器不接受的旧版 TLS',
  },
  'no-shared-cipher': {
    en: () => 'client and listener have no cipher in common',
    zh: () => '客户端与监听器没有共同的加密套件',
  },
  'no-shared-alpn': {
    en: () => 'the client offers only application protocols (ALPN) that this listener does not have',
    zh: () => '客户端提供的应用层协议（ALPN）该监听器都不支持',
  },
  'server-certificate-rejected': {
    en: ({ alert }) => `the client refused this listener's certificate (${alert})`,
    zh: ({ alert }) => `客户端拒绝了该监听器的证书（${alert}）`,
  },
  'tls-failed': {
    en: ({ why }) => `the TLS handshake failed: ${why}`,
    zh: ({ why }) => `TLS 握手失败：${why}`,
  },
  'bad-upgrade': {
    en: ({ why }) => `this is no request for a WebSocket: ${why}`,
    zh: ({ why }) => `WebSocket 升级请求无效：${why}`,
  },
  'plain-http': {
    en: ({ method }) => `a plain HTTP ${method} came, no WebSocket`,
    zh: ({ method }) => `收到的是普通的 HTTP ${method} 请求，不是 WebSocket`,
  },
  'no-http': {
    en: ({ why }) => `what came is no HTTP: ${why}`,
    zh: ({ why }) => `WebSocket 端口收到的不是 HTTP：${why}`,
  },
  'mqtt-without-websocket': {
    en: () => 'MQTT without a WebSocket came to a WebSocket port: use ws:// or wss:// here, or the port for mqtt://',
    zh: () => 'WebSocket 端口收到了没有 WebSocket 的 MQTT：请使用 ws:// 或 wss://，或改用 mqtt:// 的端口',
  },
  'tls-on-plain-websocket': {
    en: () => 'TLS came to a WebSocket port without TLS: use ws:// here, or the port for wss://',
    zh: () => '没有 TLS 的 WebSocket 端口收到了 TLS：请使用 ws://，或改用 wss:// 的端口',
  },
  'wrong-path': {
    en: ({ asked, path }) => `there is no MQTT at the path ${asked}: use ${path}`,
    zh: ({ asked, path }) => `路径 ${asked} 上没有 MQTT：请使用 ${path}`,
  },
  'origin-not-listed': {
    en: ({ origin }) => `the web page's origin ${origin} is not among those that may connect here (websocket.origins)`,
    zh: ({ origin }) => `网页的来源 ${origin} 不在允许连接的来源之列（websocket.origins）`,
  },
  'origin-elsewhere': {
    en: ({ origin }) =>
      `the web page's origin ${origin} is of another host than this broker: it may connect once it is named in websocket.origins`,
    zh: ({ origin }) => `网页的来源 ${origin} 与该代理服务器不是同一主机：列入 websocket.origins 后才能连接`,
  },
  'origin-uncertain': {
    en: ({ origin }) =>
      `the web page's origin ${origin} came under a host name that anybody can let lead here: it may connect once it is named in websocket.origins, or over TLS`,
    zh: ({ origin }) =>
      `网页的来源 ${origin} 使用的主机名可被任何人指向这里：列入 websocket.origins 或使用 TLS 后才能连接`,
  },
  'subprotocol-missing': {
    en: ({ offered }) =>
      `the WebSocket subprotocol mqtt must be offered (Sec-WebSocket-Protocol: mqtt); the client offered ${offered}`,
    zh: ({ offered }) => `必须声明 WebSocket 子协议 mqtt，而客户端声明的是 ${offered}`,
  },
  'proxy-not-trusted': {
    en: () => 'only balancers may connect here, and this address is not one that is named as one (proxyProtocol)',
    zh: () => '只有负载均衡器可以连接到这里，而该地址不在其列（proxyProtocol）',
  },
  'proxy-header-invalid': {
    en: ({ why }) => `the balancer did not begin with a PROXY header: ${why}`,
    zh: ({ why }) => `负载均衡器最先发来的不是 PROXY 头：${why}`,
  },
  'accept-failed': {
    en: ({ why }) => `a connection could not be taken: ${why}`,
    zh: ({ why }) => `无法接受连接：${why}`,
  },
  'closed-at-once': {
    en: () => 'the connection was gone before it could be taken',
    zh: () => '连接在被接受之前就已断开',
  },
};

/** The sentence of a refusal. */
export function attemptSentence<Is extends keyof AttemptFigures>(
  detail: { readonly is: Is } & AttemptFigures[Is],
  language: 'en' | 'zh',
): string {
  return ATTEMPT_SENTENCES[detail.is][language](detail);
}
