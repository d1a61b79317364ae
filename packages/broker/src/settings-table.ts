/** A setting: its key as it stands in the configuration file and after `--set`. */
export interface Setting<T> {
  readonly default: T;
  readonly minimum?: number;
  readonly maximum?: number;
  /** For strings: what it may be. */
  readonly values?: readonly string[];
  readonly unit?: string;
  /** One sentence for people. */
  readonly text: string;
  /** Absent: a reload reaches it. `start`: it is read once, and needs a restart. */
  readonly reach?: 'start';
}

const number = (value: number, unit: string, minimum: number, maximum: number, text: string): Setting<number> => ({
  default: value,
  unit,
  minimum,
  maximum,
  text,
});
const flag = (value: boolean, text: string): Setting<boolean> => ({ default: value, text });
const choice = <T extends string>(value: T, values: readonly T[], text: string): Setting<T> => ({
  default: value,
  values,
  text,
});

/** A setting that is read once, when the broker starts. */
const atStart = <T extends Setting<unknown>>(setting: T): T => ({ ...setting, reach: 'start' });

const MiB = 1024 * 1024;
const FOREVER = 0xffff_ffff;

/** Every bound and switch of the broker: name, default, range, unit, a sentence. */
export const SETTINGS = {
  'limits.connectTimeout': number(10, 's', 0.1, 3600, 'How long a new connection may take to send a whole CONNECT.'),
  'limits.clientIdBytes': number(65_535, 'bytes', 1, 65_535, 'Longest Client Identifier.'),
  'limits.clientIdLong31': flag(false, 'MQTT 3.1 clients may have Client Identifiers of more than 23 characters.'),
  'limits.connectPacketBytes': number(384 * 1024, 'bytes', 64, 268_435_460, 'Largest CONNECT packet.'),
  'limits.maximumPacketSize': number(
    MiB,
    'bytes',
    64,
    268_435_460,
    'Largest packet that is taken; announced to 5.0 clients.',
  ),
  'limits.keepAliveMax': number(
    0,
    's',
    0,
    65_535,
    'Longest Keep Alive; 5.0 clients are told (Server Keep Alive). 0: any.',
  ),
  'limits.receiveMaximum': number(
    1024,
    'messages',
    1,
    65_535,
    'QoS 1 and 2 messages a client may have unacknowledged; announced in 5.0.',
  ),
  'limits.inflight3': number(32, 'messages', 1, 65_535, 'QoS 1 and 2 messages under way to a 3.x client.'),
  'limits.topicAliasMaximum': number(64, 'aliases', 0, 65_535, 'Topic Aliases a 5.0 client may set.'),
  'limits.topicLevels': atStart(number(128, 'levels', 1, 1000, 'Levels of a Topic Name or Topic Filter.')),
  'limits.topicBytes': number(65_535, 'bytes', 1, 65_535, 'Longest Topic Name or Topic Filter.'),
  'limits.userProperties': number(1000, 'properties', 0, 1_000_000, 'User Properties in one packet, and in its Will.'),
  'limits.filters': number(10_000, 'filters', 1, 10_000_000, 'Topic Filters in one SUBSCRIBE or UNSUBSCRIBE.'),
  'limits.outboundAliases': number(
    64,
    'aliases',
    0,
    65_535,
    'Topic Aliases that are used towards a 5.0 client that allows them.',
  ),
  'limits.inboundQos2': number(
    16_384,
    'messages',
    1,
    65_535,
    'QoS 2 messages of one session that were taken and not released (PUBREL).',
  ),
  'limits.inflightBytes': atStart(
    number(
      16 * MiB,
      'bytes',
      1024,
      65_536 * MiB,
      'Messages that were sent to one session and not acknowledged, with what they take in memory; the next wait in its queue.',
    ),
  ),
  'limits.subscriptionBytes': number(
    8 * MiB,
    'bytes',
    1024,
    1024 * MiB,
    'Memory of the subscriptions of one session, as estimated.',
  ),
  'limits.permissions': number(
    1024,
    'permissions',
    0,
    1_000_000,
    'Permissions that are remembered for one connection, for publishing and subscribing each.',
  ),
  'limits.topics': atStart(number(8192, 'topics', 64, 1_048_576, 'Topic Names that are remembered with their bytes.')),
  'limits.inputBytesNode': number(
    256 * MiB,
    'bytes',
    MiB,
    65_536 * MiB,
    'Memory of parts of packets that are held for all clients until the rest has come, over WebSockets too.',
  ),
  'limits.inputBytesStrangers': number(
    32 * MiB,
    'bytes',
    64 * 1024,
    65_536 * MiB,
    'The same for connections that have no CONNACK yet: apart, so that they take nothing from the clients.',
  ),
  'limits.subscriptions': number(10_000, 'subscriptions', 1, 10_000_000, 'Subscriptions of one session.'),
  'limits.sharedSubscriptions': number(
    100,
    'subscriptions',
    0,
    10_000_000,
    'Shared Subscriptions of one session: each that matches a message of somebody else makes one more delivery of it.',
  ),
  'limits.connections': number(1_000_000, 'connections', 1, 10_000_000, 'Connections in all.'),
  'limits.halfOpen': number(
    10_000,
    'connections',
    1,
    10_000_000,
    'Connections that have not sent a whole CONNECT yet.',
  ),
  'limits.handshakes': atStart(
    number(1000, 'handshakes', 1, 1_000_000, 'TLS handshakes and WebSocket upgrades under way.'),
  ),
  'limits.connectionsPerAddress': number(
    100_000,
    'connections',
    1,
    10_000_000,
    'Connections from one address (of IPv6: one /64).',
  ),
  'limits.connectionsPerUser': number(0, 'connections', 0, 10_000_000, 'Connections of one user name. 0: any.'),
  'limits.connectRate': number(0, 'per s', 0, 1_000_000, 'New connections a second. 0: any.'),
  'limits.connectRatePerAddress': number(
    10_000,
    'per s',
    0,
    1_000_000,
    'New connections a second from one address. 0: any.',
  ),
  'limits.messageRate': number(
    0,
    'per s',
    0,
    10_000_000,
    'Messages a second of one client; beyond it is not read. 0: any.',
  ),
  'limits.byteRate': number(
    0,
    'bytes/s',
    0,
    65_536 * MiB,
    'Bytes of messages a second of one client; beyond it is not read. 0: any.',
  ),
  'limits.loopDelay': number(
    2,
    's',
    0,
    3600,
    'How late the event loop may be before newcomers are refused (server busy). 0: any.',
  ),
  'limits.outputBytes': number(MiB, 'bytes', 1024, 1024 * MiB, 'What may wait for one client that does not read.'),
  'limits.outputBytesNode': number(
    256 * MiB,
    'bytes',
    MiB,
    65_536 * MiB,
    'What may wait for all clients that do not read.',
  ),
  'limits.answerBytes': number(
    64 * 1024,
    'bytes',
    1024,
    1024 * MiB,
    'Answers that may wait for a client that does not take them; then it is not read.',
  ),
  'limits.unanswered': number(
    65_536,
    'packets',
    16,
    10_000_000,
    'Packets of one client that may wait for the disk to be answered; then it is not read.',
  ),
  'limits.unansweredBytes': number(
    8 * MiB,
    'bytes',
    64 * 1024,
    1024 * MiB,
    'Bytes of one client that may wait for the disk to be answered; then it is not read.',
  ),
  'limits.retainedMessages': number(1_000_000, 'messages', 0, 100_000_000, 'Retained messages.'),
  'limits.retainedBytes': number(1024 * MiB, 'bytes', 0, 65_536 * MiB, 'Memory of retained messages, as estimated.'),
  'limits.routes': number(10_000, 'topics', 16, 10_000_000, 'Topics whose receivers are remembered.'),
  'limits.routeBytes': number(
    256 * MiB,
    'bytes',
    64 * 1024,
    65_536 * MiB,
    'Memory for receivers that are remembered, as estimated.',
  ),
  'fanout.minimumMembers': number(
    2,
    'subscribers',
    2,
    1_000_000_000,
    'Subscribers of a topic from which on they share the bytes of its messages.',
  ),
  'fanout.segmentBytes': number(
    64 * MiB,
    'bytes',
    0,
    65_536 * MiB,
    'Buffers that are kept for the next messages to subscribers that share bytes.',
  ),
  'backpressure.pauseMax': number(
    0.2,
    's',
    0,
    60,
    'How long publishers wait for one slow subscriber before it begins to lose QoS 0.',
  ),
  'queue.messages': atStart(number(1000, 'messages', 0, 100_000_000, 'Messages waiting for one session.')),
  'queue.bytes': atStart(
    number(
      16 * MiB,
      'bytes',
      0,
      65_536 * MiB,
      'Bytes waiting for one session, topics, payloads and properties; what they take in memory beside that is in queues.memoryBytes.',
    ),
  ),
  'queue.age': atStart(
    number(
      0,
      's',
      0,
      FOREVER,
      'How long a message is kept for a client that is not connected. 0: as long as its session.',
    ),
  ),
  'queue.qos0': flag(false, 'QoS 0 messages wait for offline sessions too.'),
  'queue.policy': {
    ...choice(
      'drop-oldest',
      ['drop-oldest', 'drop-newest', 'keep-last-per-topic', 'refuse'],
      'What happens when a queue is full.',
    ),
    reach: 'start',
  },
  'queue.pageSize': atStart(
    number(128, 'messages', 2, 100_000, 'Messages of an offline queue that are held in memory.'),
  ),
  'queues.memoryBytes': number(
    256 * MiB,
    'bytes',
    0,
    1024 * 1024 * MiB,
    'What all sessions hold of messages in memory, in queues and in flight, with all that it costs; a message that many wait for counts once. Beyond it messages are in the store alone, or dropped where there is none.',
  ),
  'data.bytesMax': number(
    0,
    'bytes',
    0,
    1024 * 1024 * MiB,
    'Size of the data directory from which on nothing is added to it. 0: any.',
  ),
  'data.freeBytesMin': number(
    64 * MiB,
    'bytes',
    0,
    1024 * 1024 * MiB,
    'Free space on the disk below which nothing is added to the data directory.',
  ),
  'data.backups': {
    default: '',
    text: 'Directory in which the API makes backups. Empty: beside the data directory, with its name and "-backups".',
  } as Setting<string>,
  'data.pendingBytes': number(
    64 * MiB,
    'bytes',
    MiB,
    65_536 * MiB,
    'What may wait in memory for a disk that is slow or fails.',
  ),
  'sessions.max': number(1_000_000, 'sessions', 1, 100_000_000, 'Sessions in all, connected or not.'),
  'sessions.bytes': number(
    1024 * MiB,
    'bytes',
    MiB,
    1024 * 1024 * MiB,
    'Memory of all sessions: names, Wills, subscriptions, as estimated; without their queues.',
  ),
  'sessions.expiryMax': number(FOREVER, 's', 0, FOREVER, 'Longest Session Expiry Interval; told to the client.'),
  'sessions.expiry3': number(
    7 * 24 * 3600,
    's',
    0,
    FOREVER,
    'How long sessions of 3.x clients with Clean Session 0 are kept.',
  ),
  'messages.expiryMax': number(FOREVER, 's', 1, FOREVER, 'Longest time a queued message is kept.'),
  'messages.checkPayloadFormat': flag(false, 'Payloads said to be UTF-8 are checked.'),
  'subscriptions.overlapping': choice(
    'merge',
    ['merge', 'each'],
    'One copy of a message for a client whose subscriptions overlap, or one for each.',
  ),
  'policy.timeout': number(5, 's', 0.01, 600, 'How long a policy may take before the answer is no.'),
  'policy.denyCloses': flag(false, 'A PUBLISH that is not permitted closes the connection where it cannot be refused.'),
  'bans.failedLogins': number(
    60,
    'logins',
    0,
    1_000_000,
    'Failed logins of one address within bans.window that ban it. 0: none.',
  ),
  'bans.connects': number(
    0,
    'connections',
    0,
    1_000_000,
    'Connections of one Client Identifier from one address within bans.window that ban it there. 0: none.',
  ),
  'bans.window': number(60, 's', 1, 86_400, 'The time in which offences are counted.'),
  'bans.first': number(60, 's', 1, 86_400, 'How long the first ban lasts; each further one is twice as long.'),
  'bans.longest': number(3600, 's', 1, 31_536_000, 'The longest ban.'),
  'bans.remembered': number(
    100_000,
    'addresses',
    16,
    10_000_000,
    'Offenders and bans that are remembered; the oldest are forgotten first.',
  ),
  'bans.exempt': {
    default: 'loopback',
    text: 'Addresses and networks that are never banned, with commas between them: balancers, monitoring, this machine.',
  } as Setting<string>,
  'bans.fileBytes': atStart(
    number(32 * MiB, 'bytes', 4096, 65_536 * MiB, 'Bytes of the files in which bans survive a restart.'),
  ),
  'api.connections': atStart(number(1000, 'connections', 1, 1_000_000, 'HTTP connections to the console and the API.')),
  'api.requestTimeout': atStart(number(10, 's', 0.1, 3600, 'How long an HTTP request may take to come in whole.')),
  'api.requestRate': number(100, 'per s', 0, 1_000_000, 'HTTP requests a second from one address. 0: any.'),
  'api.requestRateNode': number(1000, 'per s', 0, 1_000_000, 'HTTP requests a second in all. 0: any.'),
  'api.failedLogins': number(5, 'logins', 1, 1_000_000, 'Logins of one address that may fail before it has to wait.'),
  'api.firstWait': number(
    1,
    's',
    0.1,
    86_400,
    'The wait after too many failed logins; each further one is twice as long.',
  ),
  'api.longestWait': number(900, 's', 1, 86_400, 'The longest wait; failed logins are forgotten after as long.'),
  'api.loginRate': number(
    10,
    'per s',
    0,
    1_000_000,
    'Passwords a second, in all, from addresses that have never logged in. 0: any.',
  ),
  'api.addresses': number(
    10_000,
    'addresses',
    16,
    10_000_000,
    'Addresses whose requests and logins are remembered, for each of these rates.',
  ),
  'api.sessions': number(1000, 'sessions', 1, 1_000_000, 'Sessions of users who have logged in.'),
  'api.sessionsPerUser': number(20, 'sessions', 1, 1_000_000, 'Sessions of one user.'),
  'api.sessionIdle': number(1800, 's', 1, 31_536_000, 'How long a session lives without a request.'),
  'api.sessionLongest': number(12 * 3600, 's', 1, 31_536_000, 'How long a session lives at most.'),
  'api.audit': atStart(number(1000, 'entries', 1, 1_000_000, 'Entries of the audit log that the API shows.')),
  'api.auditBytes': atStart(number(16 * MiB, 'bytes', 2048, 65_536 * MiB, 'Bytes of the files of the audit log.')),
  'recorder.clients': number(
    20_000,
    'clients',
    1,
    10_000_000,
    'Client Identifiers whose history is remembered; the longest quiet one is forgotten first.',
  ),
  'recorder.bytes': number(
    128 * MiB,
    'bytes',
    MiB,
    Number.MAX_SAFE_INTEGER,
    'Memory of the recorder: records of clients, history and refusals.',
  ),
  'recorder.events': number(32, 'events', 2, 10_000, 'Events remembered of one Client Identifier.'),
  'recorder.refusals': number(
    1000,
    'events',
    1,
    1_000_000,
    'Attempts remembered that ended before a CONNECT was read.',
  ),
  'recorder.history': number(2000, 'events', 1, 1_000_000, 'Events of all clients that the history shows.'),
  'recorder.fileBytes': atStart(
    number(16 * MiB, 'bytes', 2048, 65_536 * MiB, 'Bytes of the files in which the recorder survives a restart.'),
  ),
  'sys.interval': atStart(number(10, 's', 0, 86_400, 'How often the $SYS topics are published. 0: never.')),
  'websocket.origins': atStart({
    default: '',
    text: 'Web pages that may connect: origins with commas between them, such as https://example.org, or * for all. Empty: those of this machine, and of the same host where that is an address or asked over TLS.',
  } as Setting<string>),
  responseInformation: {
    default: '',
    text: 'Response Information for 5.0 clients that ask for it; %c is the Client Identifier.',
  } as Setting<string>,
} as const;
