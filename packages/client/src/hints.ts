import type { ConnectStage } from './errors.ts';

/** Languages that hints are in. */
export type HintLanguage = 'en' | 'zh';

/** What a hint is wanted for; a ConnectError is one. */
export interface HintSubject {
  readonly stage: ConnectStage;
  readonly code: string;
}

/** What somebody who does this for the first time can do about a ConnectError: what there is to say about its code, else about its stage. */
export function hintFor({ stage, code }: HintSubject, language: HintLanguage = 'en'): string {
  const hint = hints[code] ?? stages[stage];
  return hint[language === 'zh' ? 1 : 0];
}

type Hint = readonly [en: string, zh: string];

const timeout: Hint = [
  'Check host and port, and whether a firewall drops the packets on the way; raise connectTimeout for a slow network.',
  '请检查主机和端口，以及途中是否有防火墙丢弃数据包；网络较慢时可加大 connectTimeout。',
];
const wait: Hint = [
  'Nothing is wrong on this side: try again later. The client does so by itself when reconnect is on.',
  '本端没有问题：稍后重试即可；开启 reconnect 时客户端会自动重试。',
];

const dnsFailed: Hint = [
  'Check the network and the name server, or use the IP address.',
  '请检查网络和域名服务器，或改用 IP 地址。',
];
const tcpFailed: Hint = ['Check host, port and network.', '请检查主机、端口和网络。'];

/** What there is to say about any failure of a stage, where its code has no hint of its own. */
const stages: Readonly<Record<ConnectStage, Hint>> = {
  address: ['Change the option as the message says.', '请按错误信息修改该选项。'],
  dns: dnsFailed,
  tcp: tcpFailed,
  tls: [
    'Look at what the server says: openssl s_client -connect host:port, and at the log of the server.',
    '请查看服务器的应答：openssl s_client -connect 主机:端口，并查看服务器日志。',
  ],
  websocket: [
    'Check address, port and path, and the log of the server or of the proxy in front of it.',
    '请检查地址、端口和路径，并查看服务器或其前面代理的日志。',
  ],
  connack: [
    'The answer of the server is not what MQTT allows: find out which software, and which version of it, runs there, and report it to its makers; another protocolVersion may work.',
    '服务器的应答不符合 MQTT 规范：请确认那里运行的是什么软件及其版本，并向其开发者反馈；也可试其他 protocolVersion。',
  ],
  auth: [
    'See the message and the cause of this error: the authentication exchange did not come to a good end.',
    '认证过程没有成功：请查看错误信息及其 cause。',
  ],
};

/** By code. */
const hints: Readonly<Record<string, Hint>> = {
  'unknown-scheme': [
    'Write mqtt://host:1883, mqtts://host:8883 for TLS, ws://host:8083/mqtt or wss://host:8084/mqtt for WebSocket.',
    '请写成 mqtt://主机:1883；TLS 用 mqtts://主机:8883；WebSocket 用 ws://主机:8083/mqtt 或 wss://主机:8084/mqtt。',
  ],
  'bad-host': [
    'Write a name or an IP address alone as host, without scheme and port; in a URL an IPv6 address stands in brackets.',
    'host 只写主机名或 IP 地址，不带协议和端口；URL 中的 IPv6 地址要放在方括号里。',
  ],
  'bad-port': [
    'Use a port from 1 to 65535: 1883 for mqtt, 8883 for mqtts, 8083 and 8084 for WebSocket.',
    '端口范围为 1 到 65535：mqtt 用 1883，mqtts 用 8883，WebSocket 用 8083 和 8084。',
  ],
  'bad-userinfo': [
    'Percent-encode special characters (@ is %40, : is %3A, / is %2F), or give the options username and password.',
    '特殊字符要做百分号编码（@ 写作 %40，: 写作 %3A，/ 写作 %2F），或者改用 username 和 password 选项。',
  ],
  'mutual-tls-in-browser': [
    'Import the certificate into the browser or the system; the browser then offers it. Leave out cert, key and passphrase.',
    '请把证书导入浏览器或操作系统，由浏览器出示；去掉 cert、key 和 passphrase 选项。',
  ],
  'option-not-in-this-version': [
    'Leave the option out, or connect with protocolVersion: 5.',
    '去掉该选项，或使用 protocolVersion: 5 连接。',
  ],
  'scheme-not-in-browser': [
    'A page has WebSocket only: write ws://host:8083/mqtt, or wss://host:8084/mqtt in a page of https://.',
    '网页只能使用 WebSocket：请写 ws://主机:8083/mqtt；https:// 页面中写 wss://主机:8084/mqtt。',
  ],
  'conflicting-options': [
    'Leave one of them out, or change the address so that both hold.',
    '请去掉其中一个选项，或修改地址使两者一致。',
  ],
  'missing-option': ['Give the option that the message names.', '请补上错误信息中指出的选项。'],
  'option-not-on-this-platform': [
    'A browser decides this itself: leave the option out.',
    '浏览器自行决定这一项：请去掉该选项。',
  ],
  'file-not-readable': [
    'Check the path, and whether this program may read the file.',
    '请检查文件路径，以及本程序是否有读取权限。',
  ],
  'host-not-found': [
    'Check the spelling of the host name, and whether this machine resolves it: nslookup <host>.',
    '请检查主机名的拼写，并用 nslookup <主机名> 查看本机能否解析。',
  ],
  'dns-timeout': [
    'The name server does not answer: check the network, or use the IP address.',
    '域名服务器没有应答：请检查网络，或改用 IP 地址。',
  ],
  'dns-failed': dnsFailed,
  refused: [
    'Nothing listens on this port. Is the broker running, and on this port? Usual are 1883 for mqtt:// and 8883 for mqtts://; ws:// and wss:// without a port mean 80 and 443, and Hawser listens on 8083 and 8084.',
    '该端口没有程序在监听。服务器启动了吗？端口对吗？mqtt:// 通常为 1883，mqtts:// 为 8883；ws:// 和 wss:// 不写端口即 80 和 443，而 Hawser 监听 8083 和 8084。',
  ],
  timeout,
  unreachable: [
    'This machine has no route to the server: check network, VPN and address.',
    '本机没有到服务器的路由：请检查网络、VPN 和地址。',
  ],
  reset: [
    'The server, or something on the way, cut the connection: try again, and look into the log of the server.',
    '服务器或途中的设备切断了连接：请重试，并查看服务器日志。',
  ],
  'tcp-failed': tcpFailed,
  'not-tls-here': [
    'This port speaks plain MQTT or something else. Use the TLS port (mostly 8883, wss 8084), or mqtt:// or ws://.',
    '该端口不是 TLS 端口。请使用 TLS 端口（通常是 8883，wss 为 8084），或改用 mqtt:// 或 ws://。',
  ],
  'tls-expected': [
    'The server wants TLS on this port: use mqtts:// or wss://.',
    '该端口要求 TLS：请使用 mqtts:// 或 wss://。',
  ],
  'untrusted-issuer': [
    'Give the certificate of the authority that issued it: tls: { ca: "ca.pem" } (--ca ca.pem).',
    '请提供签发机构的 CA 证书：tls: { ca: "ca.pem" }（命令行 --ca ca.pem）。',
  ],
  'self-signed': [
    'Give the server certificate itself as CA: tls: { ca: "server.pem" } (--ca server.pem); to try it only: tls: { insecure: true }.',
    '请把服务器证书本身作为 CA：tls: { ca: "server.pem" }（--ca server.pem）；仅供试验时可用 tls: { insecure: true }。',
  ],
  'hostname-mismatch': [
    'Connect by a name that is in the certificate, give that name as tls.servername, or issue the certificate anew with this name.',
    '请用证书中列出的名称连接，或把该名称设为 tls.servername，或重新签发包含当前名称的证书。',
  ],
  expired: [
    'The server needs a new certificate. Is the clock of this machine right?',
    '服务器需要更换证书。另请确认本机时间正确。',
  ],
  'not-yet-valid': [
    'Set the clock of this machine; without a battery it starts in the past.',
    '请校准本机时间；没有电池的设备开机后时间往往是过去的。',
  ],
  revoked: ['The server needs a new certificate.', '服务器需要更换证书。'],
  'certificate-invalid': [
    'Look at the certificate: openssl s_client -connect host:port -showcerts.',
    '请查看证书：openssl s_client -connect 主机:端口 -showcerts。',
  ],
  'ca-invalid': [
    'tls.ca (--ca) takes certificates in PEM, which begin with -----BEGIN CERTIFICATE-----, not a key; from DER: openssl x509 -inform der -in ca.der -out ca.pem.',
    'tls.ca（--ca）要的是 PEM 格式的证书（以 -----BEGIN CERTIFICATE----- 开头），不是密钥；DER 格式可转换：openssl x509 -inform der -in ca.der -out ca.pem。',
  ],
  'own-certificate-invalid': [
    'Check tls.cert, tls.key and tls.passphrase: they must be PEM and belong together.',
    '请检查 tls.cert、tls.key 和 tls.passphrase：必须是 PEM 格式且相互匹配。',
  ],
  'client-certificate-required': [
    'Give tls: { cert, key } (--cert, --key) that the server trusts.',
    '请提供服务器信任的客户端证书：tls: { cert, key }（--cert、--key）。',
  ],
  'client-certificate-rejected': [
    'The server does not accept this client certificate: is it issued by its CA, not expired and not revoked?',
    '服务器不接受该客户端证书：请确认它由服务器信任的 CA 签发，未过期也未被吊销。',
  ],
  'protocol-version': [
    'One side is too old: lower tls.minVersion to TLSv1.2, or update the server.',
    '一方的 TLS 版本过旧：请把 tls.minVersion 降到 TLSv1.2，或升级服务器。',
  ],
  'no-shared-cipher': [
    'The server may ask for a client certificate (tls.cert, tls.key), or its ciphers are too old.',
    '服务器可能要求客户端证书（tls.cert、tls.key），或其加密套件过旧。',
  ],
  alpn: [
    'Set tls.alpn to what the server expects ("mqtt"; AWS on 443: "x-amzn-mqtt-ca"), or leave it out.',
    '请把 tls.alpn 设为服务器要求的值（"mqtt"；AWS 443 端口为 "x-amzn-mqtt-ca"），或不设置。',
  ],
  'handshake-timeout': [
    'Something answers on this port, but not TLS: check the port.',
    '该端口有应答，但不是 TLS：请检查端口。',
  ],
  'wrong-path': [
    'There is a web server, but no MQTT at this path: most brokers use /mqtt. Give it in the URL or as path.',
    '这是一个网站服务器，但该路径下没有 MQTT：多数服务器使用 /mqtt。请在 URL 中或用 path 指定。',
  ],
  'http-not-websocket': [
    'What answers speaks HTTP but no WebSocket, or no HTTP at all: check port and path, and the upgrade headers of a proxy in front.',
    '应答方会 HTTP 但不支持 WebSocket，或者根本不是 HTTP：请检查端口和路径，以及前面的代理是否转发 Upgrade 头。',
  ],
  'http-unavailable': [
    'A web server or proxy answers, and what stands behind it is down or busy: try again later. If it stays so, its log says where it passes this path on to.',
    '网站服务器或代理有应答，但其后面的服务不可用或繁忙：请稍后重试。若一直如此，请在其日志中查看该路径被转发到了哪里。',
  ],
  'subprotocol-refused': [
    'This WebSocket is not for MQTT: check the path.',
    '该 WebSocket 不是用于 MQTT 的：请检查路径。',
  ],
  forbidden: [
    'The web server or proxy wants credentials or refuses this origin: ask who runs it.',
    'Web 服务器或代理要求认证，或拒绝了此来源：请联系其管理员。',
  ],
  'upgrade-timeout': timeout,
  'websocket-failed': [
    'A browser does not tell scripts why: open the developer tools (network), and check address, path and certificate.',
    '浏览器不会把原因告诉脚本：请打开开发者工具的“网络”面板，检查地址、路径和证书。',
  ],
  'not-mqtt': [
    'Another service listens on this port: check the port. MQTT over WebSocket needs ws:// or wss://.',
    '该端口是别的服务：请检查端口。MQTT over WebSocket 要用 ws:// 或 wss://。',
  ],
  'closed-before-connack': [
    'Try protocolVersion: 4 (an old server), mqtts:// (a TLS port), and look into the log of the server: it may refuse the address or the Client ID.',
    '可试 protocolVersion: 4（旧服务器）、mqtts://（TLS 端口），并查看服务器日志：它可能拒绝了该地址或客户端 ID。',
  ],
  'connack-timeout': [
    'The server took the connection and says nothing: is it overloaded, or is this the port of another service?',
    '服务器接受了连接却没有应答：可能过载，或者该端口属于别的服务。',
  ],
  'unsupported-protocol-version': [
    "The server does not take this version of MQTT. Try the others: protocolVersion 5, 4 (3.1.1) or 3 (3.1). 'auto' tries them in turn, but only 5 while an option is set that only 5.0 has (sessionExpiryInterval, userProperties, …): leave those out. If it takes none, ask who runs the server.",
    "服务器不支持该 MQTT 版本。请试其他版本：protocolVersion 5、4（3.1.1）或 3（3.1）。'auto' 会依次尝试，但只要设置了仅 5.0 才有的选项（sessionExpiryInterval、userProperties 等）就只用 5：请去掉这些选项。若都不支持，请联系服务器管理员。",
  ],
  'client-identifier-not-valid': [
    'Choose another Client ID: letters and digits, at most 23 for old servers; in 3.x an empty one needs cleanStart: true.',
    '请换一个客户端 ID：字母和数字，旧服务器最多 23 个字符；3.x 中空 ID 要求 cleanStart: true。',
  ],
  'bad-user-name-or-password': [
    'Check user name and password; spaces and line ends count.',
    '请检查用户名和密码；空格和换行也算字符。',
  ],
  'not-authorized': [
    'The server does not let this client in. Without user name and password: it wants them (username, password). With them: they may be wrong, which many servers (Mosquitto) answer like this, or not permitted. Try them anew, letter by letter, and another user; then look into the log and the permissions of the server.',
    '服务器不允许该客户端连接。未提供用户名和密码时：请提供（username、password）；已提供时：可能是用户名或密码错误（Mosquitto 等许多服务器也这样应答），也可能是没有权限。请逐字核对后重试，并换一个用户试试；然后查看服务器的日志和权限。',
  ],
  banned: ['This client was banned: ask who runs the server.', '该客户端已被封禁：请联系服务器管理员。'],
  'server-unavailable': wait,
  'server-busy': wait,
  'quota-exceeded': wait,
  'connection-rate-exceeded': wait,
  'use-another-server': [
    'The server refers to another one (evidence.serverReference): connect there, or allow reconnect.followServerReference.',
    '服务器指向了另一台服务器（evidence.serverReference）：请连接到那里，或允许 reconnect.followServerReference。',
  ],
  'server-moved': [
    'The server has moved (evidence.serverReference): change the address, or allow reconnect.followServerReference.',
    '服务器已迁移（evidence.serverReference）：请修改地址，或允许 reconnect.followServerReference。',
  ],
  'packet-too-large': [
    'The CONNECT is too large for the server: shorten the Will and the User Properties. Or its answer is for this client: raise maximumPacketSize.',
    'CONNECT 对服务器来说过大：请缩短遗嘱消息和用户属性；或服务器的应答对本客户端过大：请加大 maximumPacketSize。',
  ],
  'topic-name-invalid': ["The server does not accept the Will's topic.", '服务器不接受遗嘱消息的主题。'],
  'payload-format-invalid': [
    "The Will's payload is not what its Payload Format Indicator says.",
    '遗嘱消息的内容与其 Payload Format Indicator 不符。',
  ],
  'retain-not-supported': [
    'The server has no retained messages: will.retain must be false.',
    '服务器不支持保留消息：will.retain 须为 false。',
  ],
  'qos-not-supported': ['The server does not take this QoS: lower will.qos.', '服务器不支持该 QoS：请降低 will.qos。'],
  'unspecified-error': ['The server does not say why: look into its log.', '服务器没有说明原因：请查看服务器日志。'],
  'implementation-specific-error': [
    'The server does not take this CONNECT, for a reason of its own: look into its log.',
    '服务器因自身的规则不接受该 CONNECT：请查看服务器日志。',
  ],
  'server-shutting-down': wait,
  'malformed-packet': [
    'The server could not read the CONNECT: report it, with the software of the server.',
    '服务器无法解析 CONNECT：请连同服务器软件名称一起反馈。',
  ],
  'protocol-error': [
    'The server found fault with the CONNECT: look into its log.',
    '服务器认为 CONNECT 有误：请查看服务器日志。',
  ],
  'session-present-unexpected': [
    'The server does not follow the specification here; another version (protocolVersion: 4) may work.',
    '服务器此处不符合规范；可试其他版本（protocolVersion: 4）。',
  ],
  'session-present-without-state': [
    'The store of this client was lost or is new, and the server has kept an old session: connect once with cleanStart: true.',
    '客户端的存储丢失或是新建的，而服务器保留着旧会话：请用 cleanStart: true 连接一次。',
  ],
  'method-not-supported': [
    'The server does not know this authentication method: check authentication.method, or use user name and password.',
    '服务器不支持该认证方法：请检查 authentication.method，或改用用户名和密码。',
  ],
  'mechanism-failed': [
    'The authentication exchange failed on this side: see the cause of this error.',
    '认证过程在本端失败：请查看该错误的 cause。',
  ],
  'server-signature-wrong': [
    'The server does not know the password: it may be an impostor. Check the address.',
    '服务器不掌握该密码，可能是冒充者：请检查地址。',
  ],
  'provider-failed': [
    'The function that gives the credentials threw: see the cause of this error.',
    '提供凭据的函数抛出了异常：请查看该错误的 cause。',
  ],
  'provider-timeout': ['The function that gives the credentials takes too long.', '提供凭据的函数耗时过长。'],
  'authentication-timeout': [
    'The authentication exchange came to no end: the server did not answer, or continue() or finish() of the option authentication takes too long.',
    '认证过程没有完成：服务器没有应答，或者选项 authentication 的 continue() 或 finish() 耗时过长。',
  ],
};
