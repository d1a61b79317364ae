/**
 * What the broker says in English when something happens, in Chinese: a pattern of the whole text, and a sentence whose braces
 * take its named groups. Details of packets that cannot be decoded are not here; they stand in brackets as they are.
 */
const TEXTS: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  // The first bytes.
  [/^an HTTP request came to an MQTT port; .*$/, 'MQTT 端口收到了 HTTP 请求；WebSocket 上的 MQTT 使用单独的端口'],
  [/^a TLS handshake came to a port without TLS$/, '非 TLS 端口收到了 TLS 握手'],
  [
    /^the first packet is not a CONNECT; it begins with byte (?<byte>\w+)$/,
    '第一个报文不是 CONNECT，其首字节为 {byte}',
  ],
  [
    /^(?<count>\d+) connections without a CONNECT already \(.*\)$/,
    '已有 {count} 个尚未发送 CONNECT 的连接（limits.halfOpen）',
  ],
  [
    /^clients connect faster than they may \(.*\)$/,
    '连接速率超过上限（limits.connectRate、limits.connectRatePerAddress）',
  ],
  [/^this process may have (?<count>\d+) files and .*$/, '该进程最多只能打开 {count} 个文件和连接（ulimit -n）'],

  // TLS and WebSocket.
  [
    /^(?<count>\d+) handshakes were under way on this listener, its bound$/,
    '该监听器上已有 {count} 个正在进行的握手，达到上限',
  ],
  [/^(?<count>\d+) connections without a PROXY header already$/, '已有 {count} 个尚未收到 PROXY 头的连接'],
  [/^no whole TLS handshake within (?<seconds>[\d.]+) s$/, '{seconds} 秒内没有完成 TLS 握手'],
  [/^no whole WebSocket upgrade within (?<seconds>[\d.]+) s$/, '{seconds} 秒内没有完成 WebSocket 升级'],
  [/^the listener was closed before the TLS handshake was done$/, '监听器在 TLS 握手完成之前关闭'],
  [/^the listener was closed before the WebSocket upgrade was done$/, '监听器在 WebSocket 升级完成之前关闭'],
  [/^the listener was closed before a PROXY header had come$/, '监听器在收到 PROXY 头之前关闭'],
  [/^no PROXY header within (?<seconds>[\d.]+) s$/, '{seconds} 秒内没有收到 PROXY 头'],
  [/^only balancers may connect here, .*$/, '只有负载均衡器可以连接到这里，而该地址不在其列（proxyProtocol）'],
  [/^the client closed the connection before the TLS handshake was done$/, '客户端在 TLS 握手完成之前关闭了连接'],
  [
    /^the client closed the connection before the WebSocket upgrade was done$/,
    '客户端在 WebSocket 升级完成之前关闭了连接',
  ],
  [
    /^the client closed the connection during the TLS handshake: .*$/,
    '客户端在 TLS 握手期间关闭了连接：通常是因为不信任该监听器的证书',
  ],
  [/^the client sent no certificate, and .*$/, '客户端没有发送证书，而该监听器要求证书'],
  [/^the client does not speak TLS, but .*$/, '客户端使用的不是 TLS，而该监听器需要 TLS：请使用 mqtts:// 或 wss://'],
  [
    /^an HTTP request without TLS came to a TLS listener: .*$/,
    'TLS 监听器收到了没有 TLS 的 HTTP 请求：请使用 wss:// 或 https://',
  ],
  [/^the client speaks only versions of TLS .*$/, '客户端只支持该监听器不接受的旧版 TLS'],
  [/^client and listener have no cipher in common$/, '客户端与监听器没有共同的加密套件'],
  [/^the client offers only application protocols .*$/, '客户端提供的应用层协议（ALPN）该监听器都不支持'],
  [/^a plain HTTP (?<method>\w+) came, no WebSocket$/, '收到的是普通的 HTTP {method} 请求，不是 WebSocket'],
  [
    /^MQTT without a WebSocket came to a WebSocket port: .*$/,
    'WebSocket 端口收到了没有 WebSocket 的 MQTT：请使用 ws:// 或 wss://，或改用 mqtt:// 的端口',
  ],
  [
    /^TLS came to a WebSocket port without TLS: .*$/,
    '没有 TLS 的 WebSocket 端口收到了 TLS：请使用 ws://，或改用 wss:// 的端口',
  ],
  [
    /^the WebSocket subprotocol mqtt must be offered .* the client offered (?<offered>.*)$/,
    '必须声明 WebSocket 子协议 mqtt，而客户端声明的是 {offered}',
  ],

  // Who may connect.
  [/^a Client Identifier may have (?<bytes>\d+) bytes here$/, '这里的 Client ID 最多 {bytes} 字节'],
  [/^MQTT 3\.1 needs a Client Identifier of 1 to 23 characters$/, 'MQTT 3.1 的 Client ID 必须为 1 到 23 个字符'],
  [
    /^MQTT 3\.1 allows 23 characters in a Client Identifier, this has (?<length>\d+) .*$/,
    'MQTT 3.1 的 Client ID 最多 23 个字符，而它有 {length} 个（可用 limits.clientIdLong31 放宽）',
  ],
  [/^an empty Client Identifier needs Clean Session 1$/, 'Client ID 为空时，Clean Session 必须为 1'],
  [/^these credentials are for another Client Identifier$/, '这些凭据属于另一个 Client ID'],
  [/^this Client Identifier belongs to another user$/, '该 Client ID 属于另一个用户'],
  [/^the listener (?<url>\S+) does not take this protocol version$/, '监听器 {url} 不接受该协议版本'],
  [/^the authentication method (?<method>.*) is not known here$/, '这里不支持认证方法 {method}'],
  [/^the server could not check who this is; .*$/, '代理服务器当时无法验证它的身份'],
  [/^the exchange before the CONNACK took too long$/, 'CONNACK 之前的认证交换耗时过长'],
  [/^the credentials of this connection have expired$/, '该连接的凭据已过期'],
  [/^it is kept out for a while: too many logins have failed$/, '它被暂时封禁：登录失败次数过多'],
  [/^it is kept out for a while: it has connected again and again$/, '它被暂时封禁：反复连接'],
  [/^it is kept out for a while: (?<reason>.*)$/, '它被暂时封禁：{reason}'],
  [/^there are (?<count>\d+) connections already \(.*\)$/, '已有 {count} 个连接（limits.connections）'],
  [
    /^the server is overloaded: its event loop is (?<ms>\d+) ms late .*$/,
    '代理服务器过载：事件循环延迟 {ms} 毫秒（limits.loopDelay）',
  ],
  [
    /^(?<address>\S+) has (?<count>\d+) connections already \(.*\)$/,
    '{address} 已有 {count} 个连接（limits.connectionsPerAddress）',
  ],
  [
    /^this user has (?<count>\d+) connections already \(.*\)$/,
    '该用户已有 {count} 个连接（limits.connectionsPerUser）',
  ],
  [/^there are (?<count>\d+) sessions already \(.*\)$/, '已有 {count} 个会话（sessions.max）'],
  [/^the sessions there are take all the memory they may \(.*\)$/, '现有会话已占满允许的内存（sessions.bytes）'],
  [/^the session cannot be kept: (?<why>.*)$/s, '会话无法保存：{why}'],
  [/^the session could not be read or kept: (?<why>.*)$/s, '会话无法读取或保存：{why}'],

  // Messages and subscriptions.
  [
    /^the server could not check whether publishing to (?<topic>.*) is permitted; .*$/s,
    '代理服务器无法检查是否有权限发布到 {topic}',
  ],
  [/^the server could not check whether the Will is permitted; .*$/, '代理服务器无法检查是否有权限发布遗嘱'],
  [
    /^the subscription to (?<topic>.*) could not be checked by the server: .*$/s,
    '代理服务器无法检查是否有权限订阅 {topic}',
  ],
  [/^publishing the Will to (?<topic>.*) is not permitted$/s, '没有权限把遗嘱发布到 {topic}'],
  [/^publishing to (?<topic>.*) is not permitted$/s, '没有权限发布到 {topic}'],
  [/^the subscription to (?<topic>.*) is not permitted$/s, '没有权限订阅 {topic}'],
  [/^the subscription to (?<topic>.*) is no longer permitted: .*$/s, '不再有权限订阅 {topic}：不会再投递其消息'],
  [
    /^the subscription to (?<topic>.*) is over the (?<count>\d+) subscriptions of one session .*$/s,
    '订阅 {topic} 超出单个会话 {count} 个订阅的上限（limits.subscriptions）',
  ],
  [
    /^the subscription to (?<topic>.*) is over the (?<count>\d+) Shared Subscriptions of one session .*$/s,
    '订阅 {topic} 超出单个会话 {count} 个共享订阅的上限（limits.sharedSubscriptions）',
  ],
  [
    /^the subscription to (?<topic>.*) has (?<levels>\d+) levels, over (?<limit>\d+) .*$/s,
    '订阅 {topic} 有 {levels} 层，超过 {limit} 层的上限（limits.topicLevels）',
  ],
  [
    /^the subscription to (?<topic>.*) has more than (?<bytes>\d+) bytes .*$/s,
    '订阅 {topic} 超过 {bytes} 字节（limits.topicBytes）',
  ],
  [
    /^the subscription to (?<topic>.*) is one for which this session has no room .*$/s,
    '该会话没有空间保存订阅 {topic}（limits.subscriptionBytes）',
  ],
  [
    /^the subscription to (?<topic>.*) is one for which there is no room .*$/s,
    '没有空间保存订阅 {topic}（sessions.bytes）',
  ],
  [/^the subscription to (?<topic>.*) cannot be kept: (?<why>.*)$/s, '订阅 {topic} 无法保存：{why}'],
  [/^the payload for (?<topic>.*) is said to be UTF-8 and is not$/s, '发往 {topic} 的载荷声明为 UTF-8，但实际不是'],
  [
    /^over (?<count>\d+) QoS 2 messages were not released with PUBREL .*$/,
    '超过 {count} 条 QoS 2 消息没有用 PUBREL 释放（limits.inboundQos2）',
  ],
  [
    /^over (?<bytes>\d+) bytes of packets are held whose rest has not come \((?<key>[\w.]+)\)$/,
    '尚未收全的报文已占用超过 {bytes} 字节（{key}）',
  ],
  [/^there is no room for another retained message$/, '没有空间保存更多保留消息'],
  [/^the queue of a subscriber to (?<topic>.*) is full$/s, '{topic} 的某个订阅者的队列已满'],
  [/^the message cannot be taken: (?<why>.*)$/s, '消息无法被接受：{why}'],
  [
    /^a Topic Name of (?<bytes>\d+) bytes; it may have (?<limit>\d+)$/,
    'Topic Name 有 {bytes} 字节，最多允许 {limit} 字节',
  ],
  [
    /^Topic Name has (?<levels>\d+) levels; (?<limit>\d+) are accepted here$/,
    'Topic Name 有 {levels} 层，这里最多接受 {limit} 层',
  ],
  [
    /^Topic Filter (?<filter>.*) has (?<levels>\d+) levels; (?<limit>\d+) are accepted here$/s,
    'Topic Filter {filter} 有 {levels} 层，这里最多接受 {limit} 层',
  ],
  [/^(?<packet>\w+): more than (?<count>\d+) User Properties$/, '{packet} 中的 User Property 超过 {count} 个'],
  [/^(?<packet>\w+): more than (?<count>\d+) Topic Filters$/, '{packet} 中的 Topic Filter 超过 {count} 个'],

  // Ends.
  [/^the network connection broke: (?<why>.*)$/s, '网络连接中断：{why}'],
  [/^an error in the broker itself; its log has it$/, '代理服务器自身出错，其日志中有记录'],
  [/^its session was cleared by an operator$/, '管理员清除了它的会话'],
];

/** In Chinese what was said in English; undefined: there is no sentence for it. */
export function inChinese(text: string): string | undefined {
  for (const [pattern, sentence] of TEXTS) {
    const found = pattern.exec(text);
    if (found !== null) return sentence.replace(/\{(\w+)\}/g, (_, name: string) => found.groups?.[name] ?? '');
  }
  return undefined;
}

/** For the test that every sentence has what its braces need. */
export const CHINESE_TEXTS = TEXTS;
