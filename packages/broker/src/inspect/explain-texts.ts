/** Sentences of an explanation, by language. */
export const EXPLAIN_TEXTS = {
  en: {
    space: ' ',
    comma: ', ',
    and: '{others} and {last}',
    sentence: (text: string) => `${text}.`,
    connected:
      '"{id}" is connected since {at} ({time}), from {address} over {listener}, MQTT {version}; the last packet came from it {silence} ago, its Keep Alive is {keepAlive} s.',
    tookOver: 'It took its session over from {address}.',
    before: 'The connection before ended at {at}: {event}.',
    notConnected: '"{id}" is not connected.',
    neverIn: '"{id}" was never let in.',
    end: 'Its connection from {address} ended at {at}: {event}.',
    takenOver: 'Whoever came from {address} has had the session since.',
    lastAttempt: 'Its last attempt to connect came at {at}: {event}.',
    kept: 'Its session is kept {until}: {subscriptions:subscription|subscriptions}, {count:message waits|messages wait}.',
    until: 'until {at}',
    forEver: 'for ever',
    sessionGone: 'At {at} {event}.',
    noSession:
      'It has no session: it did not ask for one that stays (Session Expiry Interval 0; in 3.x Clean Session 1).',
    waiting: '{count:message waits|messages wait} in its queue.',
    slow: 'It does not read fast enough: {bytes} bytes wait for it, and QoS 0 for it is being lost.',
    flapping:
      'Flapping: this Client Identifier was taken over {count:time|times} in {span} ({perMinute} in the last minute), in turn from {addresses}: two clients use the same Client Identifier.',
    flappingAdvice: 'Give each client a Client Identifier of its own: while two share one, each cuts the other off.',
    address:
      'From {address} came {count:attempt|attempts} to connect that ended before a CONNECT was read, the last at {at}: {event}.',
    clients: 'Clients that came from {address}: {names}.',
    clientsAdvice: 'Explain one of these Client Identifiers.',
    unknown: 'Nothing is known of "{id}": it has no session, and no attempt to connect with it is remembered.',
    nothingFrom: 'No connection from {address} is remembered.',
    nothingFromAdvice:
      'What it sends does not reach this broker: check host and port in the client, the name service, firewalls and NAT on the way (behind NAT it comes from another address). The broker listens on {listeners}.',
    near: 'Known and near: {names}.',
    unknownAdvice:
      'Client Identifiers are compared letter by letter, case too. If the client says it tried to connect, explain its IP address: an attempt that fails before the CONNECT has no Client Identifier.',
  },
  zh: {
    space: '',
    comma: '、',
    and: '{others} 和 {last}',
    sentence: (text: string) => `${text}。`,
    connected:
      '"{id}" 自 {at} 起已连接（{time}），来自 {address}，经 {listener}，MQTT {version}；{silence}前收到它的最后一个报文，Keep Alive 为 {keepAlive} 秒。',
    tookOver: '它从 {address} 接管了会话。',
    before: '上一次连接于 {at} 结束：{event}。',
    notConnected: '"{id}" 未连接。',
    neverIn: '"{id}" 从未被允许连接。',
    end: '它从 {address} 建立的连接于 {at} 结束：{event}。',
    takenOver: '此后会话由来自 {address} 的客户端使用。',
    lastAttempt: '它最后一次尝试连接是在 {at}：{event}。',
    kept: '它的会话保留{until}：{subscriptions} 个订阅，{count} 条消息在等待。',
    until: '至 {at}',
    forEver: '且永不过期',
    sessionGone: '{at}，{event}。',
    noSession: '它没有会话：它没有要求保留会话（Session Expiry Interval 为 0；3.x 中为 Clean Session 1）。',
    waiting: '其队列中有 {count} 条消息在等待。',
    slow: '它读取得不够快：有 {bytes} 字节在等待，发给它的 QoS 0 消息正在丢失。',
    flapping:
      '反复抢占：该 Client ID 在 {span}内被接管 {count} 次（最近一分钟 {perMinute} 次），交替来自 {addresses}：两个客户端在使用同一个 Client ID。',
    flappingAdvice: '请给每个客户端设置各自的 Client ID：两个客户端共用一个时，会互相把对方断开。',
    address: '来自 {address} 的连接有 {count} 次在读到 CONNECT 之前就结束了，最后一次在 {at}：{event}。',
    clients: '来自 {address} 的客户端：{names}。',
    clientsAdvice: '请改为解释其中某个 Client ID。',
    unknown: '没有关于 "{id}" 的任何记录：它没有会话，也没有使用它连接的尝试。',
    nothingFrom: '没有来自 {address} 的任何连接记录。',
    nothingFromAdvice:
      '它发送的数据没有到达该代理服务器：请检查客户端中的主机和端口、域名解析、途中的防火墙和 NAT（经过 NAT 后它会来自另一个地址）。代理服务器监听于 {listeners}。',
    near: '相近的已知 Client ID：{names}。',
    unknownAdvice:
      'Client ID 逐字比较，区分大小写。如果客户端确实尝试过连接，请改为解释它的 IP 地址：在 CONNECT 之前失败的连接没有 Client ID。',
  },
} as const;
