import type { Parameter, ParameterType, Platform, ProtocolVersion } from './parameter.ts';

const all: readonly ProtocolVersion[] = [3, 4, 5];
const v5: readonly ProtocolVersion[] = [5];
const both: readonly Platform[] = ['node', 'browser'];
const node: readonly Platform[] = ['node'];

const uint16 = 0xffff;
const uint32 = 0xffffffff;

type Rest = Partial<Omit<Parameter, 'name' | 'type' | 'cli'>>;

function row(name: string, type: ParameterType, cli: string, rest: Rest = {}): Parameter {
  return { name, type, cli: cli === '' ? [] : cli.split(' '), versions: all, platforms: both, ...rest };
}

const text = { unit: 'bytes', maximum: uint16 } as const;
const seconds32 = { unit: 'seconds', minimum: 0, maximum: uint32 } as const;
const qos = { values: [0, 1, 2], default: 0 } as const;
const flag = { values: [0, 1], default: 0 } as const;

/** The properties a message has beside topic, payload, QoS and RETAIN, the same for PUBLISH and Will. */
function messageProperties(prefix: string, cli: string): Parameter[] {
  return [
    row(`${prefix}messageExpiryInterval`, 'integer', `${cli}message-expiry-interval`, { ...seconds32, versions: v5 }),
    row(`${prefix}payloadFormatIndicator`, 'enum', `${cli}payload-format-indicator`, { ...flag, versions: v5 }),
    row(`${prefix}contentType`, 'string', `${cli}content-type`, { ...text, versions: v5 }),
    row(`${prefix}responseTopic`, 'string', `${cli}response-topic`, { ...text, minimum: 1, versions: v5 }),
    row(`${prefix}correlationData`, 'bytes', `${cli}correlation-data`, { ...text, versions: v5 }),
    row(`${prefix}userProperties`, 'pairs', `${cli}user-property`, { versions: v5 }),
  ];
}

/** Every connection parameter, in the order in which a person meets them. */
export const parameters: readonly Parameter[] = [
  row('url', 'string', '-L --url', { default: 'mqtt://localhost:1883' }),
  row('host', 'string', '-h --host', { minimum: 1, default: 'localhost' }),
  row('port', 'integer', '-p --port', { unit: 'port', minimum: 1, maximum: uint16, default: 1883 }),
  row('transport', 'enum', '--transport', {
    values: ['mqtt', 'mqtts', 'ws', 'wss', 'tcp', 'tls', 'ssl'],
    default: 'mqtt',
  }),
  row('path', 'string', '--path', { default: '/mqtt' }),
  row('clientId', 'string', '-i --client-id --id', text),
  row('username', 'string', '-u --username', { ...text, also: ['function'] }),
  row('password', 'bytes', '-P --password --pw', { ...text, also: ['function'], secret: true }),
  row('connectTimeout', 'number', '--connect-timeout', { unit: 'seconds', minimum: 0.001, maximum: 3600, default: 10 }),
  row('keepAlive', 'integer', '-k --keep-alive --keepalive', {
    unit: 'seconds',
    minimum: 0,
    maximum: uint16,
    default: 60,
  }),
  row('cleanStart', 'boolean', '-c --no-clean --disable-clean-session', { default: true }),
  row('sessionExpiryInterval', 'integer', '-x --session-expiry-interval --session-expiry', {
    ...seconds32,
    default: 0,
    versions: v5,
  }),
  row('protocolVersion', 'enum', '-V --protocol-version --mqtt-version', { values: [3, 4, 5, 'auto'], default: 5 }),

  row('will.topic', 'string', '--will-topic', { ...text, minimum: 1 }),
  row('will.payload', 'bytes', '--will-payload --will-message', text),
  row('will.qos', 'enum', '--will-qos', qos),
  row('will.retain', 'boolean', '--will-retain', { default: false }),
  row('will.delayInterval', 'integer', '--will-delay-interval', { ...seconds32, default: 0, versions: v5 }),
  ...messageProperties('will.', '--will-'),

  row('receiveMaximum', 'integer', '--receive-maximum', {
    unit: 'messages',
    minimum: 1,
    maximum: uint16,
    default: uint16,
    versions: v5,
  }),
  row('maximumPacketSize', 'integer', '--maximum-packet-size', {
    unit: 'bytes',
    minimum: 1,
    maximum: uint32,
    versions: v5,
  }),
  row('topicAliasMaximum', 'integer', '--topic-alias-maximum', {
    unit: 'count',
    minimum: 0,
    maximum: uint16,
    default: 0,
    versions: v5,
  }),
  row('requestResponseInformation', 'boolean', '--request-response-information', { default: false, versions: v5 }),
  row('requestProblemInformation', 'boolean', '--no-request-problem-information', { default: true, versions: v5 }),
  row('userProperties', 'pairs', '--connect-user-property', { versions: v5 }),
  row('authentication.method', 'string', '--authentication-method', { ...text, versions: v5 }),
  row('authentication.start', 'function', '', { versions: v5 }),
  row('authentication.continue', 'function', '', { versions: v5 }),

  row('tls.ca', 'bytes', '--ca --cafile', { many: true, platforms: node }),
  row('tls.servername', 'string', '--servername', { platforms: node }),
  row('tls.minVersion', 'enum', '--tls-min-version', {
    values: ['TLSv1.2', 'TLSv1.3'],
    default: 'TLSv1.2',
    platforms: node,
  }),
  row('tls.alpn', 'string', '--alpn', { many: true, platforms: node }),
  row('tls.insecure', 'boolean', '--insecure', { default: false, platforms: node }),
  row('tls.cert', 'bytes', '--cert', { platforms: node }),
  row('tls.key', 'bytes', '--key', { platforms: node, secret: true }),
  row('tls.passphrase', 'string', '--key-passphrase', { platforms: node, secret: true }),

  row('reconnect', 'boolean', '--no-reconnect', { default: true }),
  row('reconnect.initial', 'boolean', '--reconnect-initial', { default: false }),
  row('reconnect.delay', 'number', '--reconnect-delay', { unit: 'seconds', minimum: 0, maximum: 3600, default: 1 }),
  row('reconnect.delayMax', 'number', '--reconnect-delay-max', {
    unit: 'seconds',
    minimum: 0,
    maximum: 86_400,
    default: 120,
  }),
  row('reconnect.resetAfter', 'number', '', { unit: 'seconds', minimum: 0, maximum: 86_400, default: 30 }),
  row('reconnect.followServerReference', 'boolean', '', { default: false, versions: v5 }),
  row('onTakenOver', 'enum', '', { values: ['stop', 'retry'], default: 'stop' }),
  row('queue.messages', 'integer', '', { unit: 'messages', minimum: 0, maximum: uint32, default: 1000 }),
  row('queue.bytes', 'integer', '', { unit: 'bytes', minimum: 0, maximum: uint32, default: 16_777_216 }),
  row('queue.whenFull', 'enum', '', { values: ['error', 'drop-oldest', 'drop-newest'], default: 'error' }),
];

/** What one message takes, for `hawser pub` and its like. Not connection options: `validateOptions` ignores them. */
export function messageParameters(): readonly Parameter[] {
  return [
    row('topic', 'string', '-t --topic', { ...text, minimum: 1 }),
    row('payload', 'bytes', '-m --message'),
    row('qos', 'enum', '-q --qos', qos),
    row('retain', 'boolean', '-r --retain', { default: false }),
    row('topicAlias', 'integer', '--topic-alias', { unit: 'count', minimum: 1, maximum: uint16, versions: v5 }),
    ...messageProperties('', '--'),
  ];
}

/** The row of one option, by its path; `undefined` when there is none. */
export function findParameter(name: string): Parameter | undefined {
  return parameters.find((parameter) => parameter.name === name);
}
