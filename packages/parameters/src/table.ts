import type { Parameter, ParameterType, Platform, ProtocolVersion } from './parameter.ts';

const all: readonly ProtocolVersion[] = [3, 4, 5];
const v5: readonly ProtocolVersion[] = [5];
const both: readonly Platform[] = ['node', 'browser'];
const node: readonly Platform[] = ['node'];

const uint16 = 0xffff;
const uint32 = 0xffffffff;

type Rest = Partial<Omit<Parameter, 'name' | 'type'>>;

function row(name: string, type: ParameterType, rest: Rest = {}): Parameter {
  return { name, type, versions: all, platforms: both, ...rest };
}

const text = { unit: 'bytes', maximum: uint16 } as const;
const seconds32 = { unit: 'seconds', minimum: 0, maximum: uint32 } as const;
const qos = { values: [0, 1, 2], default: 0 } as const;
const flag = { values: [0, 1], default: 0 } as const;

/** The properties a message has beside topic, payload, QoS and RETAIN, the same for PUBLISH and Will. */
function messageProperties(prefix: string): Parameter[] {
  return [
    row(`${prefix}messageExpiryInterval`, 'integer', { ...seconds32, versions: v5 }),
    row(`${prefix}payloadFormatIndicator`, 'enum', { ...flag, versions: v5 }),
    row(`${prefix}contentType`, 'string', { ...text, versions: v5 }),
    row(`${prefix}responseTopic`, 'string', { ...text, minimum: 1, versions: v5 }),
    row(`${prefix}correlationData`, 'bytes', { ...text, versions: v5 }),
    row(`${prefix}userProperties`, 'pairs', { versions: v5 }),
  ];
}

/** Every connection parameter, in the order in which a person meets them. */
export const parameters: readonly Parameter[] = [
  row('url', 'string', { default: 'mqtt://localhost:1883' }),
  row('host', 'string', { minimum: 1, default: 'localhost' }),
  row('port', 'integer', { unit: 'port', minimum: 1, maximum: uint16, default: 1883 }),
  row('transport', 'enum', {
    values: ['mqtt', 'mqtts', 'ws', 'wss', 'tcp', 'tls', 'ssl'],
    default: 'mqtt',
  }),
  row('path', 'string', { default: '/mqtt' }),
  row('clientId', 'string', text),
  row('username', 'string', { ...text, also: ['function'] }),
  row('password', 'bytes', { ...text, also: ['function'], secret: true }),
  row('connectTimeout', 'number', { unit: 'seconds', minimum: 0.001, maximum: 3600, default: 10 }),
  row('keepAlive', 'integer', {
    unit: 'seconds',
    minimum: 0,
    maximum: uint16,
    default: 60,
  }),
  row('cleanStart', 'boolean', { default: true }),
  row('sessionExpiryInterval', 'integer', {
    ...seconds32,
    default: 0,
    versions: v5,
  }),
  row('protocolVersion', 'enum', { values: [3, 4, 5, 'auto'], default: 5 }),

  row('will.topic', 'string', { ...text, minimum: 1 }),
  row('will.payload', 'bytes', text),
  row('will.qos', 'enum', qos),
  row('will.retain', 'boolean', { default: false }),
  row('will.delayInterval', 'integer', { ...seconds32, default: 0, versions: v5 }),
  ...messageProperties('will.'),

  row('receiveMaximum', 'integer', {
    unit: 'messages',
    minimum: 1,
    maximum: uint16,
    default: uint16,
    versions: v5,
  }),
  row('maximumPacketSize', 'integer', {
    unit: 'bytes',
    minimum: 1,
    maximum: uint32,
    versions: v5,
  }),
  row('topicAliasMaximum', 'integer', {
    unit: 'count',
    minimum: 0,
    maximum: uint16,
    default: 0,
    versions: v5,
  }),
  row('requestResponseInformation', 'boolean', { default: false, versions: v5 }),
  row('requestProblemInformation', 'boolean', { default: true, versions: v5 }),
  row('userProperties', 'pairs', { versions: v5 }),
  row('authentication.method', 'string', { ...text, versions: v5 }),
  row('authentication.start', 'function', { versions: v5 }),
  row('authentication.continue', 'function', { versions: v5 }),

  row('tls.ca', 'bytes', { many: true, platforms: node }),
  row('tls.servername', 'string', { platforms: node }),
  row('tls.minVersion', 'enum', {
    values: ['TLSv1.2', 'TLSv1.3'],
    default: 'TLSv1.2',
    platforms: node,
  }),
  row('tls.alpn', 'string', { many: true, platforms: node }),
  row('tls.insecure', 'boolean', { default: false, platforms: node }),
  row('tls.cert', 'bytes', { platforms: node }),
  row('tls.key', 'bytes', { platforms: node, secret: true }),
  row('tls.passphrase', 'string', { platforms: node, secret: true }),

  row('reconnect', 'boolean', { default: true }),
  row('reconnect.initial', 'boolean', { default: false }),
  row('reconnect.delay', 'number', { unit: 'seconds', minimum: 0, maximum: 3600, default: 1 }),
  row('reconnect.delayMax', 'number', {
    unit: 'seconds',
    minimum: 0,
    maximum: 86_400,
    default: 120,
  }),
  row('reconnect.resetAfter', 'number', { unit: 'seconds', minimum: 0, maximum: 86_400, default: 30 }),
  row('reconnect.followServerReference', 'boolean', { default: false, versions: v5 }),
  row('onTakenOver', 'enum', { values: ['stop', 'retry'], default: 'stop' }),
  row('queue.messages', 'integer', { unit: 'messages', minimum: 0, maximum: uint32, default: 1000 }),
  row('queue.bytes', 'integer', { unit: 'bytes', minimum: 0, maximum: uint32, default: 16_777_216 }),
  row('queue.whenFull', 'enum', { values: ['error', 'drop-oldest', 'drop-newest'], default: 'error' }),
];

/** What one message takes, for `hawser pub` and its like. Not connection options: `validateOptions` ignores them. */
export function messageParameters(): readonly Parameter[] {
  return [
    row('topic', 'string', { ...text, minimum: 1 }),
    row('payload', 'bytes'),
    row('qos', 'enum', qos),
    row('retain', 'boolean', { default: false }),
    row('topicAlias', 'integer', { unit: 'count', minimum: 1, maximum: uint16, versions: v5 }),
    ...messageProperties(''),
  ];
}

/** The row of one option, by its path; `undefined` when there is none. */
export function findParameter(name: string): Parameter | undefined {
  return parameters.find((parameter) => parameter.name === name);
}
