import type { CloseCode } from '@hawser/protocol';
import type { AttemptCode } from '@hawser/transport';
import { CERTIFICATE, FIX_SENDER, LIMIT, PERMISSIONS, POLICY_TROUBLE, TRY_LATER, WRONG_PORT } from './advice.ts';
import { type CauseWords, cause, words } from './words.ts';

const malformed = (zh: string): CauseWords =>
  cause(words('it sent bytes that are not a valid MQTT packet', `它发来的不是有效的 MQTT 报文：${zh}`), FIX_SENDER);
const forbidden = (zh: string): CauseWords =>
  cause(words('it sent a packet that MQTT does not allow there', `它发来了 MQTT 不允许的报文：${zh}`), FIX_SENDER);

/** Every code that a connection, an attempt to connect or a SUBSCRIBE can end with. */
export const CAUSES = {
  // Ends.
  connected: cause(words('it connected', '已连接')),
  'normal-disconnection': cause(
    words('the client sent DISCONNECT and left in good order', '客户端发送 DISCONNECT，正常离开'),
  ),
  'disconnect-with-will-message': cause(
    words(
      'the client sent DISCONNECT and asked for its Will to be published',
      '客户端发送 DISCONNECT，并要求发布其遗嘱',
    ),
  ),
  'network-lost': cause(
    words('the network connection ended without a DISCONNECT', '网络连接在没有 DISCONNECT 的情况下中断'),
    words(
      'Look at what lies between: power and radio of the device, NAT and firewalls that forget idle connections (a Keep Alive below their timeout helps), a client that was killed.',
      '请检查中间环节：设备的电源和无线信号、会丢弃空闲连接的 NAT 和防火墙（把 Keep Alive 设得比其超时更短会有帮助），或客户端被强制结束。',
    ),
  ),
  'internal-error': {
    meaning: words('an error in the broker itself ended the connection', '服务器自身的错误结束了连接'),
    advice: words(
      'the log of the broker has the error (warning internal-error): please report it',
      '服务器日志中有该错误（警告 internal-error），请反馈给我们',
    ),
  },
  'keep-alive-timeout': {
    meaning: words(
      'the client was silent for more than one and a half times its Keep Alive',
      '客户端沉默的时间超过了 Keep Alive 的 1.5 倍',
    ),
    advice: words(
      'Either the network lost the device without a sign, or the client does not send PINGREQ in time: call its loop often enough (long blocking work and deep sleep stop it), or ask for a longer Keep Alive.',
      '要么网络无声地断开了设备，要么客户端没有按时发送 PINGREQ：请保证其网络循环被及时调用（长时间阻塞和深度休眠会使它停下），或设置更长的 Keep Alive。',
    ),
  },
  'session-taken-over': {
    meaning: words('another client connected with this Client Identifier', '另一个客户端使用相同的 Client ID 连接'),
    advice: words(
      'If that was the same device coming back, all is well. If not, two clients share one Client Identifier: give each its own.',
      '如果是同一设备重新连接，则一切正常；否则说明两个客户端共用一个 Client ID：请给每个客户端设置各自的 Client ID。',
    ),
  },
  'server-shutting-down': cause(
    words('the broker was stopped', '代理服务器被停止'),
    words(
      'Nothing is wrong with the client; it should connect again by itself.',
      '客户端没有问题，它应当自动重新连接。',
    ),
  ),
  'broker-ended': cause(
    words(
      'the broker itself went down without being stopped (crash, kill, loss of power) and has been started again since',
      '代理服务器未经正常停止就中断（崩溃、被杀死或断电），之后已重新启动',
    ),
    words('Look at the logs of the broker and of the system for that time.', '请查看该时段代理服务器和系统的日志。'),
  ),
  'administrative-action': cause(
    words('an operator ended the connection', '管理员断开了此连接'),
    words(
      'Somebody asked for it, by the console or the HTTP API; the client may connect again.',
      '这是通过控制台或 HTTP API 要求的；客户端可以重新连接。',
    ),
  ),

  // Before a CONNECT was read.
  'connect-never-sent': {
    meaning: words(
      'a connection was opened and no whole CONNECT came over it in time',
      '连接建立后，没有按时收到完整的 CONNECT',
    ),
    advice: words(
      'Often a port scan, a health check that only opens the port, or a client that waits for TLS or a WebSocket on the wrong port. `limits.connectTimeout` says how long is waited.',
      '常见原因：端口扫描、只打开端口的健康检查，或客户端在错误的端口上等待 TLS 或 WebSocket。等待时间由 `limits.connectTimeout` 决定。',
    ),
  },
  'connect-timeout': cause(
    words('the exchange before the CONNACK took too long', 'CONNACK 之前的认证交换耗时过长'),
    words(
      'Look at the authentication service behind the broker, and at a client that stops half way through AUTH.',
      '请检查代理服务器后面的认证服务，以及在 AUTH 过程中停住的客户端。',
    ),
  ),
  'not-a-connect': cause(words('the first bytes are not a CONNECT', '最初的字节不是 CONNECT'), WRONG_PORT),
  'too-many-half-open': cause(
    words('too many connections had not sent a CONNECT yet', '尚未发送 CONNECT 的连接过多'),
    words(
      'Somebody opens connections and says nothing, or very many devices came at once: see `limits.halfOpen`.',
      '有人打开连接却不发送任何内容，或大量设备同时连接：参见 `limits.halfOpen`。',
    ),
  ),
  'too-many-open-files': cause(
    words(
      'the system lets the broker have no more connections and files open',
      '系统不允许代理服务器打开更多连接和文件',
    ),
    words(
      'Raise the limit of open files for the broker: `ulimit -n`, in systemd LimitNOFILE=, in Docker --ulimit nofile.',
      '请提高代理服务器的打开文件数上限：`ulimit -n`，systemd 的 LimitNOFILE=，或 Docker 的 --ulimit nofile。',
    ),
  ),
  'accept-failed': cause(
    words('the system could not hand over a connection', '系统无法交出一个新连接'),
    words('Look at the log of the system for that time.', '请查看该时段的系统日志。'),
  ),
  'closed-at-once': cause(words('the connection was gone before it could be taken', '连接在被接受之前就已断开')),
  'listener-closed': cause(
    words(
      'the broker was stopped, or closed this listener, while the connection was being made',
      '连接建立期间代理服务器停止，或关闭了该监听器',
    ),
    TRY_LATER,
  ),

  // TLS.
  'too-many-handshakes': cause(words('too many handshakes were under way', '正在进行的握手过多'), LIMIT),
  'handshake-timeout': cause(words('the TLS handshake was not done in time', 'TLS 握手未按时完成'), WRONG_PORT),
  'closed-in-handshake': cause(
    words('the client closed the connection during the handshake', '客户端在握手期间关闭了连接'),
    words(
      "Often the client does not trust this listener's certificate: give it the CA, and connect by a name the certificate has.",
      '通常是客户端不信任该监听器的证书：请给它配置 CA，并使用证书中包含的主机名连接。',
    ),
  ),
  'client-certificate-rejected': cause(
    words("the client's certificate was not accepted", '客户端证书未被接受'),
    CERTIFICATE,
  ),
  'client-certificate-required': cause(words('the client sent no certificate', '客户端没有发送证书'), CERTIFICATE),
  'not-tls': cause(words('something that is not TLS came to a TLS listener', 'TLS 监听器收到的不是 TLS'), WRONG_PORT),
  'protocol-version': cause(
    words('the client speaks only old versions of TLS', '客户端只支持过旧的 TLS 版本'),
    words(
      'TLS 1.2 is the least here: update the TLS library of the client.',
      '这里至少需要 TLS 1.2：请更新客户端的 TLS 库。',
    ),
  ),
  'no-shared-cipher': cause(words('client and listener have no cipher in common', '客户端与监听器没有共同的加密套件')),
  alpn: cause(words('no application protocol (ALPN) in common', '没有共同的应用层协议（ALPN）')),
  'server-certificate-rejected': cause(
    words("the client refused this listener's certificate", '客户端拒绝了该监听器的证书'),
    words(
      'Give the client the CA that issued it (`--ca`), and connect by a name that stands in the certificate.',
      '请给客户端配置签发该证书的 CA（`--ca`），并使用证书中包含的主机名连接。',
    ),
  ),
  'tls-failed': cause(words('the TLS handshake failed', 'TLS 握手失败'), WRONG_PORT),

  // WebSocket.
  'upgrade-timeout': cause(words('the WebSocket upgrade was not done in time', 'WebSocket 升级未按时完成'), WRONG_PORT),
  'bad-upgrade': cause(words('the request for a WebSocket is not a valid one', 'WebSocket 升级请求无效')),
  'not-websocket': cause(
    words('a plain HTTP request came to a WebSocket port', 'WebSocket 端口收到了普通的 HTTP 请求'),
    WRONG_PORT,
  ),
  'wrong-path': {
    meaning: words('the WebSocket was asked for at a path where there is none', 'WebSocket 请求的路径不存在'),
    advice: words(
      'Add the path to the URL of the client: ws://host:8083/mqtt.',
      '请在客户端的 URL 中加上路径：ws://host:8083/mqtt。',
    ),
  },
  'subprotocol-missing': cause(
    words('the client does not offer the WebSocket subprotocol mqtt', '客户端没有提供 WebSocket 子协议 mqtt'),
    words("Ask for it: new WebSocket(url, 'mqtt').", "请在客户端声明：new WebSocket(url, 'mqtt')。"),
  ),
  'origin-refused': cause(
    words(
      'a web page from an origin that is not allowed asked for the WebSocket',
      '来自未被允许来源的网页请求了 WebSocket',
    ),
    words('Allow the origin of the page for this listener.', '请在该监听器上允许该网页的来源（Origin）。'),
  ),
  'websocket-text-frame': cause(
    words(
      'it sent a text frame over the WebSocket, and MQTT is sent in binary frames',
      '它在 WebSocket 上发送了文本帧，而 MQTT 必须使用二进制帧',
    ),
    words(
      'In a page: send Uint8Array or ArrayBuffer, not strings; an MQTT library does this by itself.',
      '网页中请发送 Uint8Array 或 ArrayBuffer，而不是字符串；MQTT 库会自动处理。',
    ),
  ),
  'websocket-frame-invalid': cause(
    words('it sent something that is no WebSocket frame', '它发送的不是有效的 WebSocket 帧'),
    words(
      'Look for a proxy between that changes what passes through it, or another WebSocket library.',
      '请检查中间是否有修改内容的代理，或更换 WebSocket 库。',
    ),
  ),
  'not-http': cause(words('what came to the WebSocket port is not HTTP', 'WebSocket 端口收到的不是 HTTP'), WRONG_PORT),

  // Reason Codes, by their names in the specification.
  'unspecified-error': cause(words('an error without a name', '未说明的错误')),
  'malformed-packet': malformed('格式错误'),
  'protocol-error': forbidden('违反协议'),
  'implementation-specific-error': cause(words('an error of this implementation', '实现相关的错误')),
  'unsupported-protocol-version': cause(
    words('the client asked for a protocol version that is not taken here', '客户端请求的协议版本在此不受支持'),
    words(
      'Set the client to 5.0 or 3.1.1, or let the listener take its version (`versions`).',
      '请把客户端设置为 5.0 或 3.1.1，或让监听器接受该版本（`versions`）。',
    ),
  ),
  'client-identifier-not-valid': cause(
    words('the Client Identifier is not allowed', 'Client ID 不被允许'),
    words(
      'Choose another Client Identifier, or raise `limits.clientIdBytes` or `limits.clientIdLong31`.',
      '请更换 Client ID，或提高 `limits.clientIdBytes`、启用 `limits.clientIdLong31`。',
    ),
  ),
  'bad-user-name-or-password': cause(
    words('the user name or the password was wrong', '用户名或密码错误'),
    words(
      'Check user name and password of the client, spaces and case too; they are never written down here.',
      '请检查客户端的用户名和密码（包括空格和大小写）；它们不会被记录在这里。',
    ),
  ),
  'not-authorized': cause(words('this is not permitted', '没有权限'), PERMISSIONS),
  'policy-failed': cause(
    words('the broker could not check whether this is permitted', '代理服务器无法检查是否有权限'),
    POLICY_TROUBLE,
  ),
  'server-unavailable': cause(
    words('the broker could not decide or serve at that moment', '代理服务器当时无法处理'),
    TRY_LATER,
  ),
  'server-busy': cause(
    words('the broker had no room for another connection', '代理服务器没有余量接受更多连接'),
    TRY_LATER,
  ),
  banned: cause(
    words('this client is banned', '该客户端已被禁止'),
    words(
      'A ban ends by itself: after `bans.first`, each time twice as long up to `bans.longest`. GET /api/v1/bans of the HTTP API says until when and why, DELETE /api/v1/bans/TARGET takes it back; `bans.exempt` names addresses that are never banned.',
      '封禁会自行结束：首次为 `bans.first`，之后每次加倍，最长 `bans.longest`。HTTP API 的 GET /api/v1/bans 给出期限和原因，DELETE /api/v1/bans/TARGET 可解除；`bans.exempt` 列出永不封禁的地址。',
    ),
  ),
  'bad-authentication-method': cause(
    words('the authentication method is not known here', '不支持该认证方法'),
    words(
      'Use user name and password, or a method that is configured here.',
      '请使用用户名和密码，或此处已配置的认证方法。',
    ),
  ),
  'topic-filter-invalid': cause(
    words('the Topic Filter is not valid or has too many levels', 'Topic Filter 无效或层级过多'),
    FIX_SENDER,
  ),
  'topic-name-invalid': cause(words('the Topic Name is not valid', 'Topic Name 无效'), FIX_SENDER),
  'receive-maximum-exceeded': {
    meaning: words(
      'it sent more QoS 1 and 2 messages than the Receive Maximum lets be unacknowledged',
      '它未确认的 QoS 1、2 消息超过了 Receive Maximum',
    ),
    advice: words(
      'The client must wait for acknowledgements; its library ignores the Receive Maximum of the CONNACK. `limits.receiveMaximum` can be raised.',
      '客户端必须等待确认；其库忽略了 CONNACK 中的 Receive Maximum。可以提高 `limits.receiveMaximum`。',
    ),
  },
  'topic-alias-invalid': forbidden('Topic Alias 无效'),
  'packet-too-large': {
    meaning: words('it sent a packet that is larger than what is taken here', '它发送的报文超过了这里接受的大小'),
    advice: words(
      'Send less in one message, or raise `limits.maximumPacketSize` (a CONNECT: `limits.connectPacketBytes`).',
      '请减小单条消息，或提高 `limits.maximumPacketSize`（CONNECT 则为 `limits.connectPacketBytes`）。',
    ),
  },
  'quota-exceeded': cause(words('a quota was exceeded', '超出配额'), LIMIT),
  'payload-format-invalid': cause(
    words('a payload was said to be UTF-8 and is not', '载荷声明为 UTF-8，但实际不是'),
    words(
      'Leave Payload Format Indicator at 0 for binary payloads.',
      '二进制载荷请将 Payload Format Indicator 保持为 0。',
    ),
  ),
  'retain-not-supported': cause(words('retained messages are not supported', '不支持保留消息')),
  'qos-not-supported': cause(words('this QoS is not supported', '不支持该 QoS')),
  'use-another-server': cause(words('the client was sent to another server', '客户端被引导到另一台服务器')),
  'server-moved': cause(words('the server has moved', '服务器已迁移')),
  'proxy-not-trusted': cause(
    words('only balancers that are named may connect there', '该端口只允许已列出的负载均衡器连接'),
    words(
      'Add the address of the balancer to proxyProtocol of the listener.',
      '请把负载均衡器的地址加入该监听器的 proxyProtocol。',
    ),
  ),
  'proxy-header-timeout': cause(
    words('the balancer has not said in time whom it connects', '负载均衡器没有及时说明它转接的是谁'),
    words('Switch the PROXY protocol on at the balancer.', '请在负载均衡器上启用 PROXY 协议。'),
  ),
  'proxy-header-invalid': cause(
    words('what the balancer sent first is no PROXY header', '负载均衡器最先发来的不是 PROXY 头'),
    words('Switch the PROXY protocol on at the balancer.', '请在负载均衡器上启用 PROXY 协议。'),
  ),
  'connection-rate-exceeded': cause(words('connections came too fast', '连接速率过高'), TRY_LATER),
  'maximum-connect-time': cause(words('the longest time for one connection was over', '达到单次连接的最长时间')),
  // 3.x has no way to refuse a PUBLISH: the connection ends.
  'retained-limit': cause(words('there was no room for another retained message', '没有空间保存更多保留消息'), LIMIT),
  'store-fault': cause(
    words(
      'the data directory could not be written, so the message was not taken',
      '数据目录无法写入，因此消息未被接受',
    ),
    words('Look at space and health of the disk.', '请检查磁盘空间和健康状况。'),
  ),

  // Packets that cannot be decoded, or may not come.
  'authentication-data-without-method': forbidden('有认证数据却没有认证方法'),
  'authentication-method-missing': forbidden('缺少认证方法'),
  'dup-with-qos-0': malformed('QoS 0 的报文设置了 DUP'),
  'duplicate-property': malformed('同一属性出现两次'),
  'invalid-connect-flags': malformed('CONNECT 标志无效'),
  'invalid-length': malformed('长度无效'),
  'invalid-qos': malformed('QoS 为 3'),
  'invalid-retain-handling': malformed('Retain Handling 无效'),
  'invalid-subscription-options': malformed('订阅选项无效'),
  'invalid-utf8': malformed('字符串不是有效的 UTF-8'),
  'no-local-on-shared-subscription': forbidden('共享订阅设置了 No Local'),
  'no-topic-filters': forbidden('没有 Topic Filter'),
  'non-minimal-length': malformed('长度编码不是最短形式'),
  'not-connected': forbidden('连接被接受之前发送了其他报文'),
  'not-mqtt': cause(words('the Protocol Name is not that of MQTT', '协议名不是 MQTT'), WRONG_PORT),
  'null-in-string': malformed('字符串中含有 U+0000'),
  'packet-identifier-zero': forbidden('Packet Identifier 为 0'),
  'property-not-allowed': forbidden('该报文不允许此属性'),
  'property-out-of-range': forbidden('属性值超出范围'),
  'reason-code-not-allowed': forbidden('该报文不允许此 Reason Code'),
  'reserved-bits': malformed('保留位被设置'),
  'reserved-flags': malformed('保留标志被设置'),
  'reserved-packet-type': malformed('保留的报文类型'),
  'response-topic-invalid': forbidden('Response Topic 无效'),
  'second-connect': forbidden('同一连接上发送了第二个 CONNECT'),
  'subscription-identifier-from-client': forbidden('客户端的 PUBLISH 不得带 Subscription Identifier'),
  'surrogate-in-string': malformed('字符串中含有代理字符'),
  'too-many-topic-filters': cause(
    words('one packet had too many Topic Filters', '单个报文中的 Topic Filter 过多'),
    FIX_SENDER,
  ),
  'too-many-user-properties': cause(
    words('one packet had too many User Properties', '单个报文中的 User Property 过多'),
    FIX_SENDER,
  ),
  'topic-alias-unknown': forbidden('Topic Alias 未定义'),
  'topic-filter-too-deep': cause(words('the Topic Filter has too many levels', 'Topic Filter 层级过多'), LIMIT),
  'topic-name-missing': forbidden('缺少 Topic Name'),
  'topic-name-too-long': cause(words('the Topic Name is too long', 'Topic Name 过长'), LIMIT),
  'topic-name-too-deep': cause(words('the Topic Name has too many levels', 'Topic Name 层级过多'), LIMIT),
  'trailing-bytes': malformed('报文末尾有多余字节'),
  truncated: malformed('报文被截断'),
  'unknown-property': malformed('未知属性'),
  'wrong-direction': forbidden('该报文只能由服务器发送'),
} satisfies Record<CloseCode | AttemptCode | 'connected' | 'broker-ended', CauseWords>;
