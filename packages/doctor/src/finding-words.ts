/** Message and hint, with `{names}` for values. */
export interface FindingWords {
  readonly en: readonly [message: string, hint: string];
  readonly zh: readonly [message: string, hint: string];
}

/** What every finding says. */
export const findingWords = {
  // What the options ask for.
  'credentials-unencrypted': {
    en: [
      'user name and password go to {host} in clear: everybody on the way can read them',
      'Use the TLS port: mqtts:// (mostly 8883) or wss://.',
    ],
    zh: ['用户名和密码以明文发往 {host}：途中任何人都能读到', '请使用 TLS 端口：mqtts://（通常是 8883）或 wss://。'],
  },
  unencrypted: {
    en: [
      'the connection to {host} is not encrypted: everybody on the way can read and change what goes over it',
      'Use mqtts:// or wss://, unless the network between is trusted.',
    ],
    zh: ['到 {host} 的连接没有加密：途中任何人都能读取和篡改数据', '请使用 mqtts:// 或 wss://，除非途经的网络可信。'],
  },
  'anonymous-access': {
    en: [
      'the server at {host} lets in clients without user name, password or certificate',
      'If it is yours: configure authentication there before others find it.',
    ],
    zh: ['{host} 上的服务器允许没有用户名、密码或证书的客户端连接', '如果由您管理：请在他人发现之前启用认证。'],
  },
  'session-without-client-id': {
    en: [
      'a session is to be kept, but the Client ID is random: the next run never finds it again',
      'Give a Client ID of its own and always the same (-i, clientId), or keep no session.',
    ],
    zh: [
      '要求保留会话，但 Client ID 是随机的：下次运行无法再找到该会话',
      '请设置固定且唯一的 Client ID（-i，clientId），或者不保留会话。',
    ],
  },
  'queue-never-read': {
    en: [
      'the server keeps messages for this session for {expiry}, and nobody will read them: {why}',
      'Connect with Clean Start false and a fixed Client ID (-c -i ID), or with Session Expiry Interval 0.',
    ],
    zh: [
      '服务器会为该会话保留消息（{expiry}），但没有人会读取：{why}',
      '请用固定的 Client ID 并设 Clean Start 为 false（-c -i ID），或把 Session Expiry Interval 设为 0。',
    ],
  },
  'session-never-expires': {
    en: [
      'the Session Expiry Interval means for ever: when the device is retired, its session and queue stay on the server',
      'Give the longest absence that makes sense, in seconds: -x 604800 is a week.',
    ],
    zh: [
      'Session Expiry Interval 为永不过期：设备停用后，其会话和队列仍留在服务器上',
      '请设为设备合理的最长离线时间（秒）：-x 604800 是一周。',
    ],
  },
  'session-without-expiry': {
    en: [
      'Clean Start is false but the Session Expiry Interval is 0: the session ends with the connection, nothing is ever resumed',
      'Give a Session Expiry Interval (-x SECONDS, sessionExpiryInterval), or leave Clean Start true.',
    ],
    zh: [
      'Clean Start 为 false，但 Session Expiry Interval 为 0：会话随连接结束，永远无法恢复',
      '请设置 Session Expiry Interval（-x 秒数，sessionExpiryInterval），或让 Clean Start 保持 true。',
    ],
  },
  'client-id-too-long': {
    en: [
      'the Client ID has {length} characters; MQTT 3.1 servers need not take more than 23',
      'Choose a shorter one, or MQTT 3.1.1 (-V 311).',
    ],
    zh: [
      'Client ID 有 {length} 个字符；MQTT 3.1 服务器可以拒绝超过 23 个字符的 ID',
      '请使用更短的 ID，或改用 MQTT 3.1.1（-V 311）。',
    ],
  },
  'probably-milliseconds': {
    en: ['{option} is {value} seconds, which looks like milliseconds', 'Durations are seconds: is {meant} meant?'],
    zh: ['{option} 为 {value} 秒，看起来像是毫秒', '时长的单位是秒：是否应为 {meant}？'],
  },
  'random-client-id': {
    en: [
      'this was tried with a random Client ID, not with {clientId}, so that a live device was not cut off',
      'Rules that hold for that Client ID only are tried with --as-client.',
    ],
    zh: [
      '为避免断开正在使用的设备，本次使用随机 Client ID，而不是 {clientId}',
      '如需检查只对该 Client ID 生效的规则，请使用 --as-client。',
    ],
  },
  'keep-alive-off': {
    en: [
      'Keep Alive is 0: neither side notices when the network goes without a sign; the Will comes late or never',
      'Give a Keep Alive below the timeouts of NAT and firewalls on the way: -k 60.',
    ],
    zh: [
      'Keep Alive 为 0：网络无声中断时两端都不会察觉；遗嘱迟迟不发或永远不发',
      '请设置小于途中 NAT 和防火墙超时的 Keep Alive：-k 60。',
    ],
  },
  'keep-alive-long': {
    en: [
      'Keep Alive is {seconds} s: a network that goes without a sign is noticed after up to {noticed} s; NAT and firewalls often forget a connection after 300 s',
      'Give a shorter Keep Alive: -k 60.',
    ],
    zh: [
      'Keep Alive 为 {seconds} 秒：网络无声中断最多要 {noticed} 秒才被察觉；NAT 和防火墙往往 300 秒后就忘记连接',
      '请设置更短的 Keep Alive：-k 60。',
    ],
  },
  'keep-alive-changed': {
    en: [
      'the server has set the Keep Alive to {granted} s; {requested} s were asked for',
      'Hawser obeys it; a client library that ignores Server Keep Alive is cut off.',
    ],
    zh: [
      '服务器把 Keep Alive 定为 {granted} 秒；请求的是 {requested} 秒',
      'Hawser 会遵守；忽略 Server Keep Alive 的客户端库会被断开。',
    ],
  },
  'session-expiry-capped': {
    en: [
      'the server keeps the session for {granted} s; {requested} s were asked for',
      'A device that is away for longer finds no session: read the CONNACK, or raise the limit of the server.',
    ],
    zh: [
      '服务器只保留会话 {granted} 秒；请求的是 {requested} 秒',
      '离线更久的设备将找不到会话：请读取 CONNACK，或提高服务器的上限。',
    ],
  },
  // TLS.
  'tls-not-verified': {
    en: [
      'the certificate of the server is not checked (insecure), and it would not have passed: anybody on the way can pose as the server',
      'Leave out --insecure and give the CA: --ca ca.pem.',
    ],
    zh: [
      '没有校验服务器证书（insecure），而且该证书本来通不过校验：途中任何人都能冒充服务器',
      '请去掉 --insecure 并提供 CA：--ca ca.pem。',
    ],
  },
  'tls-not-verified-needlessly': {
    en: [
      'the certificate of the server is not checked (insecure), although it would have passed',
      'Leave out --insecure (tls.insecure).',
    ],
    zh: ['没有校验服务器证书（insecure），而该证书其实能通过校验', '请去掉 --insecure（tls.insecure）。'],
  },
  'certificate-expired': {
    en: [
      'the certificate {subject} has expired on {date}',
      'Renew it on the server; only clients that check nothing still connect.',
    ],
    zh: ['证书 {subject} 已于 {date} 过期', '请在服务器上更新证书；只有不做校验的客户端还能连接。'],
  },
  'certificate-expires-soon': {
    en: [
      'the certificate {subject} expires on {date}: {days} days are left',
      'Renew it on the server before; after that no client that checks it connects.',
    ],
    zh: ['证书 {subject} 将于 {date} 过期：还剩 {days} 天', '请在此之前更新；过期后所有校验证书的客户端都无法连接。'],
  },
  // What the server does not have.
  'older-version': {
    en: [
      'the server does not take MQTT 5.0: connected with MQTT {version}',
      'Limits and reasons stay untold in 3.x; update the server, or keep to {version} knowingly (-V).',
    ],
    zh: [
      '服务器不支持 MQTT 5.0：以 MQTT {version} 连接',
      '3.x 无法告知上限和原因；请升级服务器，或用 -V 明确指定 {version}。',
    ],
  },
  'qos-not-available': {
    en: [
      'the server takes and gives at most QoS {maximum}',
      'Publish and subscribe with QoS {maximum} or less, the Will too; or raise it on the server.',
    ],
    zh: [
      '服务器最高只支持 QoS {maximum}',
      '发布、订阅和遗嘱都请使用不高于 QoS {maximum} 的级别；或在服务器上放开限制。',
    ],
  },
  'retain-not-available': {
    en: [
      'the server keeps no retained messages',
      'Publish without RETAIN, the Will too: a server may close the connection otherwise.',
    ],
    zh: ['服务器不支持保留消息', '发布和遗嘱都不要设置 RETAIN，否则服务器可能断开连接。'],
  },
  'wildcard-not-available': {
    en: ['the server takes no wildcards (+, #) in Topic Filters', 'Subscribe to each Topic Name by itself.'],
    zh: ['服务器不支持主题过滤器中的通配符（+、#）', '请逐个订阅完整的主题名。'],
  },
  'shared-not-available': {
    en: [
      'the server has no shared subscriptions ($share/…)',
      'Share the work among clients in another way, by topic for instance.',
    ],
    zh: ['服务器不支持共享订阅（$share/…）', '请用其他方式在客户端之间分配工作，例如按主题划分。'],
  },
  'subscription-identifiers-not-available': {
    en: ['the server has no Subscription Identifiers', 'Tell messages apart by their topic.'],
    zh: ['服务器不支持 Subscription Identifier', '请根据主题区分消息。'],
  },
  'packet-size-small': {
    en: [
      'the server takes packets of at most {bytes} bytes',
      'Split larger messages, or raise the Maximum Packet Size of the server.',
    ],
    zh: ['服务器最大只接受 {bytes} 字节的报文', '请拆分较大的消息，或提高服务器的 Maximum Packet Size。'],
  },
  // What was tried and did not work.
  'topic-not-permitted': {
    en: [
      'the server does not permit {action} {topic}: what depends on it could not be tried',
      'Give a topic that this user may use, with -t TOPIC, or change the rules of the server.',
    ],
    zh: [
      '服务器不允许{action} {topic}：依赖它的检查无法进行',
      '请用 -t 指定该用户有权使用的主题，或修改服务器的权限规则。',
    ],
  },
  'subscribe-refused': {
    en: ['the server refused to subscribe to {topic}: {reason}', 'Look into the log and the rules of the server.'],
    zh: ['服务器拒绝订阅 {topic}：{reason}', '请查看服务器的日志和权限规则。'],
  },
  'subscribe-unanswered': {
    en: [
      'no SUBACK came within {seconds} s',
      'The server is overloaded or does not follow the specification: look into its log.',
    ],
    zh: ['{seconds} 秒内没有收到 SUBACK', '服务器过载或不符合规范：请查看其日志。'],
  },
  'publish-refused': {
    en: [
      'the server refused a message of QoS {qos} to {topic}: {reason}',
      'Look into the log and the rules of the server.',
    ],
    zh: ['服务器拒绝了发往 {topic} 的 QoS {qos} 消息：{reason}', '请查看服务器的日志和权限规则。'],
  },
  'publish-unanswered': {
    en: [
      'a message of QoS {qos} was not acknowledged within {seconds} s',
      'The server is overloaded or its disk is slow: look into its log.',
    ],
    zh: ['QoS {qos} 的消息在 {seconds} 秒内没有得到确认', '服务器过载或磁盘过慢：请查看其日志。'],
  },
  'message-not-received': {
    en: [
      'a message of QoS {qos} to {topic} was taken by the server and did not come back within {seconds} s',
      '{why}: check its rules, or give a permitted topic with -t TOPIC.',
    ],
    zh: [
      '服务器收下了发往 {topic} 的 QoS {qos} 消息，但 {seconds} 秒内没有送回',
      '{why}：请检查权限规则，或用 -t 指定允许的主题。',
    ],
  },
  'queue-in-front': {
    en: [
      '{count} messages wait in the session of this client and were left there: the message of the doctor did not come past them',
      'Let the device read its queue first, or leave out --as-client.',
    ],
    zh: [
      '该客户端的会话中有 {count} 条消息在等待，已保留原样：doctor 的消息被它们挡住了',
      '请先让设备读完队列，或不使用 --as-client。',
    ],
  },
  'qos-downgraded': {
    en: [
      'a message published with QoS {published} came with QoS {received}',
      'Subscribe with QoS {published}, and look for a limit of the server.',
    ],
    zh: ['以 QoS {published} 发布的消息以 QoS {received} 送达', '请以 QoS {published} 订阅，并检查服务器的限制。'],
  },
  'qos2-answered-as-qos1': {
    en: [
      'the server has no QoS 2: it answers such a message with PUBACK, which is the answer to QoS 1',
      'Publish with QoS 1 or less: clients that hold to the specification end the connection over that answer.',
    ],
    zh: [
      '服务器不支持 QoS 2：它用 PUBACK（QoS 1 的应答）应答 QoS 2 的消息',
      '请使用不高于 QoS 1 的级别发布：遵守规范的客户端收到这种应答会断开连接。',
    ],
  },
  'subscribe-closes': {
    en: [
      'the server ended the connection when {topic} was subscribed to ({cause}): {text}',
      'Do not subscribe to filters of this kind there: it does not have them, or does not permit this one, and does not say which.',
    ],
    zh: [
      '订阅 {topic} 时服务器断开了连接（{cause}）：{text}',
      '请不要在该服务器上使用这类主题过滤器：它不支持或不允许，但没有说明是哪一种。',
    ],
  },
  'not-connected-again': {
    en: [
      'after the connection was lost no other came about ({reason}): the rest was not tried',
      'Mend what is said above first; look for a limit on connections per address, user or time.',
    ],
    zh: [
      '连接中断后无法重新连接（{reason}）：其余检查未进行',
      '请先解决上面的问题，并检查服务器按地址、用户或时间限制连接的设置。',
    ],
  },
  'qos2-duplicated': {
    en: [
      'a message of QoS 2 came {times} times',
      'The server does not keep exactly once: update it, or make the program stand a repetition.',
    ],
    zh: ['一条 QoS 2 的消息送达了 {times} 次', '服务器没有做到恰好一次：请升级服务器，或让程序容忍重复。'],
  },
  'retained-not-received': {
    en: [
      'a retained message to {topic} did not come to a new subscription within {seconds} s',
      'Is retain switched off or limited on the server?',
    ],
    zh: ['发往 {topic} 的保留消息在 {seconds} 秒内没有送达新的订阅', '服务器是否关闭或限制了保留消息？'],
  },
  'retained-not-deleted': {
    en: [
      'an empty retained message to {topic} did not delete the one that was kept',
      'Delete it on the server; this one does not follow the specification.',
    ],
    zh: ['向 {topic} 发送空的保留消息没有删除已保留的消息', '请在服务器上删除；该服务器不符合规范。'],
  },
  'ping-unanswered': {
    en: [
      'PINGREQ was not answered within {seconds} s: clients take the connection for dead and reconnect again and again',
      'The server, or a proxy between, does not follow the specification: look into its log.',
    ],
    zh: [
      'PINGREQ 在 {seconds} 秒内没有得到应答：客户端会认为连接已断开并反复重连',
      '服务器或中间的代理不符合规范：请查看其日志。',
    ],
  },
  'session-not-kept': {
    en: [
      'the server does not keep sessions: it grants a Session Expiry Interval of 0',
      'Messages to a client that is away are lost; raise the limit of the server if they must not be.',
    ],
    zh: [
      '服务器不保留会话：它给出的 Session Expiry Interval 为 0',
      '发给离线客户端的消息会丢失；如不允许丢失，请提高服务器的上限。',
    ],
  },
  'session-not-resumed': {
    en: [
      'a session that was to be kept was not there any more after reconnecting at once',
      'Look for a limit on sessions of the server, and whether a cluster or balancer leads to another node.',
    ],
    zh: ['要求保留的会话在立即重连后已不存在', '请检查服务器的会话限制，以及集群或负载均衡是否把连接引到了别的节点。'],
  },
  'queued-message-lost': {
    en: [
      'the session was resumed, but a QoS 1 message that came meanwhile was not delivered within {seconds} s',
      'Look for a limit on the queue of offline clients on the server.',
    ],
    zh: ['会话已恢复，但期间到达的 QoS 1 消息在 {seconds} 秒内没有送达', '请检查服务器对离线客户端队列的限制。'],
  },
  'session-not-tried': {
    en: [
      'resuming a session could not be tried, a second connection failed: {reason}',
      'Look for a limit on connections per address, user or time.',
    ],
    zh: ['无法检查会话恢复，第二个连接失败：{reason}', '请检查服务器按地址、用户或时间限制连接的设置。'],
  },
  'connection-lost': {
    en: [
      'the connection ended while {stage} was tried ({cause}): {text}',
      'Look into the log of the server at this moment; Hawser tells with: hawser explain {clientId}.',
    ],
    zh: [
      '检查 {stage} 时连接中断（{cause}）：{text}',
      '请查看服务器此刻的日志；若是 Hawser，可用 hawser explain {clientId} 查询。',
    ],
  },
  'trials-stopped': {
    en: [
      'two answers did not come: the rest was not tried',
      'Mend what is said above first; for a slow network raise --connect-timeout.',
    ],
    zh: ['两次没有得到应答：其余检查未进行', '请先解决上面的问题；网络较慢时可加大 --connect-timeout。'],
  },
  'cleanup-incomplete': {
    en: [
      'something of the doctor may have stayed on the server: {what}',
      'Remove it by hand: hawser pub -t TOPIC --retain --empty for a retained message.',
    ],
    zh: ['doctor 的内容可能留在了服务器上：{what}', '请手工清除；保留消息用：hawser pub -t 主题 --retain --empty。'],
  },
} as const satisfies Readonly<Record<string, FindingWords>>;

/** Stable names of findings. */
export type FindingCode = keyof typeof findingWords;
