/** What the reference pages, the console's form and `--help` say about one parameter. */
export interface ParameterText {
  /** Where the specification defines it; empty where it is Hawser's own. */
  readonly clause: string;
  /** One sentence in English. */
  readonly en: string;
  /** One sentence in Chinese. */
  readonly zh: string;
}

const properties = {
  messageExpiryInterval: {
    en: 'Seconds after which a server that has not delivered the message yet throws it away.',
    zh: '消息的有效期（秒）：到期仍未送达，服务器就丢弃它。',
  },
  payloadFormatIndicator: {
    en: '1 says that the payload is UTF-8 text, 0 that it is bytes of no stated kind.',
    zh: '1 表示载荷是 UTF-8 文本，0 表示未说明类型的字节。',
  },
  contentType: {
    en: "What the payload is, by agreement of sender and receiver; often a MIME type such as 'application/json'.",
    zh: '载荷的内容类型，由收发双方约定，常用 MIME 类型，如 application/json。',
  },
  responseTopic: {
    en: 'The topic on which the receiver is asked to answer.',
    zh: '请接收方把应答发布到的主题。',
  },
  correlationData: {
    en: 'Bytes that come back with the answer, so that the asker knows which request it belongs to.',
    zh: '随应答原样返回的字节，用来对应是哪一个请求。',
  },
  userProperties: {
    en: 'Name and value pairs of your own; order and repeats are kept.',
    zh: '自定义的名值对；顺序和重复都会保留。',
  },
} as const;

/** Texts of every row of `parameters`, by name. */
export const parameterTexts: Readonly<Record<string, ParameterText>> = {
  url: {
    clause: '',
    en: 'Where the server listens: mqtt://, mqtts://, ws:// or wss://, host, port and path.',
    zh: '服务器地址：mqtt://、mqtts://、ws:// 或 wss://，加主机、端口和路径。',
  },
  host: {
    clause: '',
    en: 'Host name or IP address of the server, when no URL is given.',
    zh: '服务器的主机名或 IP 地址（未给出 URL 时使用）。',
  },
  port: {
    clause: '',
    en: 'Port of the server: 1883 for mqtt, 8883 for mqtts, 8083 and 8084 for Hawser over WebSocket.',
    zh: '服务器端口：mqtt 为 1883，mqtts 为 8883，Hawser 的 WebSocket 为 8083 和 8084。',
  },
  transport: {
    clause: '[MQTT5-4.2]',
    en: 'How bytes travel: mqtt (TCP), mqtts (TLS), ws or wss (WebSocket, plain or over TLS).',
    zh: '传输方式：mqtt（TCP）、mqtts（TLS）、ws 或 wss（WebSocket，明文或 TLS）。',
  },
  path: {
    clause: '[MQTT5-6.0.0-3]',
    en: "Path of the WebSocket endpoint; absent or '/' in a URL means /mqtt, this option set to '/' means the root.",
    zh: 'WebSocket 路径；URL 中缺省或为 / 时即 /mqtt，本选项设为 / 时才是根路径。',
  },
  clientId: {
    clause: '[MQTT5-3.1.3-3]',
    en: 'Name of this client at the server, one connection each; generated when absent, given by the server when empty (5.0).',
    zh: '客户端在服务器上的唯一名称；缺省时随机生成，为空时由服务器分配（5.0）。',
  },
  username: {
    clause: '[MQTT5-3.1.3-12]',
    en: 'User name for the server to check; without it and a password the client is anonymous.',
    zh: '供服务器验证的用户名；不给用户名和密码即匿名。',
  },
  password: {
    clause: '[MQTT5-3.1.3.6]',
    en: 'Password or token, text or bytes, or a function that is asked anew before every attempt.',
    zh: '密码或令牌，可以是文本、字节，或每次连接前重新调用的函数。',
  },
  connectTimeout: {
    clause: '',
    en: 'Seconds for the whole way from DNS to CONNACK; the error names the stage that was under way.',
    zh: '从 DNS 到 CONNACK 整个过程的时限（秒）；超时错误会指出停在哪一步。',
  },
  keepAlive: {
    clause: '[MQTT5-3.1.2-22]',
    en: 'Seconds of silence after which a connection counts as dead (the server waits 1.5 times as long); 0 turns it off.',
    zh: '保活时间（秒）：静默超过它（服务器按 1.5 倍计）即视为断线；0 表示关闭。',
  },
  cleanStart: {
    clause: '[MQTT5-3.1.2-4]',
    en: 'true begins a new session, false resumes the stored one; Clean Session in 3.x.',
    zh: 'true 开始新会话，false 恢复已存的会话；在 3.x 中即 Clean Session。',
  },
  sessionExpiryInterval: {
    clause: '[MQTT5-3.1.2-23]',
    en: 'Seconds the server keeps the session after the connection is gone; 0 ends it with the connection, 4294967295 never.',
    zh: '断线后服务器保留会话的秒数；0 表示随连接结束，4294967295 表示永不过期。',
  },
  protocolVersion: {
    clause: '[MQTT5-3.1.2-2]',
    en: "Protocol version: 3 (MQTT 3.1), 4 (3.1.1), 5 (5.0) or 'auto', which falls back when 5.0 is refused.",
    zh: '协议版本：3（MQTT 3.1）、4（3.1.1）、5（5.0）或 auto（5.0 被拒时自动降级）。',
  },
  'will.topic': {
    clause: '[MQTT5-3.1.3-11]',
    en: 'Topic of the Will, the message the server publishes when this client is lost.',
    zh: '遗嘱主题：客户端异常断开时，服务器向它发布遗嘱消息。',
  },
  'will.payload': {
    clause: '[MQTT5-3.1.3.4]',
    en: 'Payload of the Will, text or bytes; may be empty.',
    zh: '遗嘱消息的内容，文本或字节，可以为空。',
  },
  'will.qos': { clause: '[MQTT5-3.1.2-12]', en: 'QoS at which the Will is published.', zh: '发布遗嘱消息的 QoS。' },
  'will.retain': {
    clause: '[MQTT5-3.1.2-14]',
    en: 'Whether the server keeps the Will as the retained message of its topic.',
    zh: '遗嘱消息是否作为该主题的保留消息。',
  },
  'will.delayInterval': {
    clause: '[MQTT5-3.1.3-9]',
    en: 'Seconds the server waits before it publishes the Will; a client that is back by then cancels it.',
    zh: '发布遗嘱前等待的秒数；客户端在此期间重连则不发布。',
  },
  'will.messageExpiryInterval': { clause: '[MQTT5-3.1.3.2.4]', ...properties.messageExpiryInterval },
  'will.payloadFormatIndicator': { clause: '[MQTT5-3.1.3.2.3]', ...properties.payloadFormatIndicator },
  'will.contentType': { clause: '[MQTT5-3.1.3.2.5]', ...properties.contentType },
  'will.responseTopic': { clause: '[MQTT5-3.1.3.2.6]', ...properties.responseTopic },
  'will.correlationData': { clause: '[MQTT5-3.1.3.2.7]', ...properties.correlationData },
  'will.userProperties': { clause: '[MQTT5-3.1.3-10]', ...properties.userProperties },
  receiveMaximum: {
    clause: '[MQTT5-3.1.2.11.3]',
    en: 'How many QoS 1 and QoS 2 messages the server may send before the first is acknowledged.',
    zh: '服务器最多可同时发来多少条未确认的 QoS 1 和 QoS 2 消息。',
  },
  maximumPacketSize: {
    clause: '[MQTT5-3.1.2-24]',
    en: 'Largest packet in bytes that this client takes; the server drops what is larger.',
    zh: '客户端可接收的最大报文（字节）；更大的报文服务器会丢弃。',
  },
  topicAliasMaximum: {
    clause: '[MQTT5-3.1.2-26]',
    en: 'How many topic aliases the server may use towards this client; 0 allows none.',
    zh: '服务器对本客户端可使用的主题别名个数；0 表示不允许。',
  },
  requestResponseInformation: {
    clause: '[MQTT5-3.1.2-28]',
    en: 'Asks the server for Response Information, from which response topics can be made.',
    zh: '请求服务器返回响应信息，用来构造响应主题。',
  },
  requestProblemInformation: {
    clause: '[MQTT5-3.1.2-29]',
    en: 'Whether the server may explain failures with a Reason String and User Properties.',
    zh: '是否允许服务器用原因字符串和用户属性说明失败原因。',
  },
  userProperties: { clause: '[MQTT5-3.1.2.11.8]', ...properties.userProperties },
  'authentication.method': {
    clause: '[MQTT5-3.1.2.11.9]',
    en: 'Name of the extended authentication, for example SCRAM-SHA-256.',
    zh: '增强认证方法的名称，例如 SCRAM-SHA-256。',
  },
  'authentication.start': {
    clause: '[MQTT5-4.12]',
    en: 'Called for the first Authentication Data of an exchange.',
    zh: '认证开始时调用，返回首个认证数据。',
  },
  'authentication.continue': {
    clause: '[MQTT5-4.12.0-3]',
    en: "Called with the server's Authentication Data; returns the answer.",
    zh: '收到服务器的认证数据时调用，返回应答。',
  },
  'authentication.finish': {
    clause: '[MQTT5-4.12]',
    en: 'Called when the server accepts, with its last Authentication Data; throws when the server has not proved itself.',
    zh: '服务器接受时调用，传入其最后的认证数据；若服务器未能证明身份则抛出错误。',
  },
  'tls.ca': {
    clause: '',
    en: "Certificates to trust instead of the system's: PEM text, bytes or a path.",
    zh: '用来代替系统证书的受信任 CA：PEM 文本、字节或路径。',
  },
  'tls.servername': {
    clause: '',
    en: 'Name sent as SNI and looked for in the certificate, when it is not the host.',
    zh: 'SNI 及证书校验所用的主机名（与连接的主机不同时设置）。',
  },
  'tls.minVersion': { clause: '', en: 'Oldest TLS version that is accepted.', zh: '可接受的最低 TLS 版本。' },
  'tls.alpn': { clause: '', en: 'ALPN protocols to offer.', zh: '要提供的 ALPN 协议。' },
  'tls.insecure': {
    clause: '',
    en: 'true takes any certificate: anybody on the way can read and change everything. For tests only.',
    zh: 'true 表示不验证证书：中间人可以窃听和篡改，仅供测试。',
  },
  'tls.cert': {
    clause: '',
    en: "This client's certificate for mutual TLS: PEM text, bytes or a path.",
    zh: '双向 TLS 的客户端证书：PEM 文本、字节或路径。',
  },
  'tls.key': {
    clause: '',
    en: "The private key of the client's certificate: PEM text, bytes or a path.",
    zh: '客户端证书的私钥：PEM 文本、字节或路径。',
  },
  'tls.passphrase': { clause: '', en: 'Passphrase of the private key.', zh: '私钥的口令。' },
  reconnect: {
    clause: '',
    en: 'Whether a lost connection is opened again; an object sets the details.',
    zh: '断线后是否自动重连；用对象可设置细节。',
  },
  'reconnect.initial': {
    clause: '',
    en: 'Whether the very first connection is retried too, instead of failing with its error.',
    zh: '首次连接失败时是否也重试，而不是直接报错。',
  },
  'reconnect.delay': {
    clause: '',
    en: 'Seconds before the first new attempt; doubled each time, with full jitter.',
    zh: '首次重连前等待的秒数；每次加倍，并随机抖动。',
  },
  'reconnect.delayMax': {
    clause: '',
    en: 'Longest wait between two attempts, in seconds.',
    zh: '两次重连之间的最长等待（秒）。',
  },
  'reconnect.resetAfter': {
    clause: '',
    en: 'Seconds of a good connection after which the waiting starts small again.',
    zh: '连接稳定多少秒后，重连等待重新从最小值开始。',
  },
  'reconnect.followServerReference': {
    clause: '[MQTT5-4.11]',
    en: 'Whether a server that says "use another server" is obeyed.',
    zh: '服务器要求改用其他服务器时是否照办。',
  },
  'reconnect.referenceHosts': {
    clause: '[MQTT5-4.11]',
    en: 'Hosts to which user name and password may follow a server reference, besides those of the addresses; *.example.com: all below it.',
    zh: '跟随服务器引用时，除各地址中的主机外，用户名和密码还可以发往哪些主机；*.example.com 表示其下所有名称。',
  },
  onTakenOver: {
    clause: '[MQTT5-3.1.4-3]',
    en: 'What to do when another client takes this Client ID: stop with an error, or retry.',
    zh: '另一客户端占用了本客户端标识符时：停止并报错（stop）或重试（retry）。',
  },
  'queue.messages': {
    clause: '',
    en: 'How many messages are kept while there is no connection.',
    zh: '离线时最多缓存多少条消息。',
  },
  'queue.bytes': {
    clause: '',
    en: 'How many bytes of messages are kept while there is no connection.',
    zh: '离线时最多缓存多少字节的消息。',
  },
  'queue.whenFull': {
    clause: '',
    en: 'What happens to a message for which there is no room: an error, or the oldest or newest is dropped.',
    zh: '缓存已满时：报错（error），或丢弃最旧（drop-oldest）、最新（drop-newest）的消息。',
  },
  acknowledge: {
    clause: '[MQTT5-4.3]',
    en: 'Who acknowledges messages of QoS 1 and 2: the client (auto), or `message.acknowledge()` (manual).',
    zh: 'QoS 1 和 2 的消息由谁确认：客户端（auto），或 `message.acknowledge()`（manual）。',
  },
};

/** Texts of what one message takes, by the names of `messageParameters()`. */
export const messageTexts: Readonly<Record<string, ParameterText>> = {
  topic: { clause: '[MQTT5-3.3.2-1]', en: 'Topic to publish to; no wildcards.', zh: '要发布到的主题，不含通配符。' },
  payload: { clause: '[MQTT5-3.3.3]', en: 'What is published, text or bytes.', zh: '消息内容，文本或字节。' },
  qos: {
    clause: '[MQTT5-4.3]',
    en: '0: at most once, 1: at least once, 2: exactly once.',
    zh: '0：至多一次；1：至少一次；2：恰好一次。',
  },
  retain: {
    clause: '[MQTT5-3.3.1-5]',
    en: 'Whether the server keeps it for who subscribes later; an empty payload removes what was kept.',
    zh: '服务器是否为以后的订阅者保留该消息；内容为空则清除已保留的消息。',
  },
  topicAlias: {
    clause: '[MQTT5-3.3.2.3.4]',
    en: 'Number that stands for the topic on this connection.',
    zh: '在本连接上代替主题名的编号。',
  },
  messageExpiryInterval: { clause: '[MQTT5-3.3.2-5]', ...properties.messageExpiryInterval },
  payloadFormatIndicator: { clause: '[MQTT5-3.3.2-4]', ...properties.payloadFormatIndicator },
  contentType: { clause: '[MQTT5-3.3.2-19]', ...properties.contentType },
  responseTopic: { clause: '[MQTT5-3.3.2-13]', ...properties.responseTopic },
  correlationData: { clause: '[MQTT5-3.3.2-16]', ...properties.correlationData },
  userProperties: { clause: '[MQTT5-3.3.2-17]', ...properties.userProperties },
};
