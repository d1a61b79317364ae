import type { Parameter, ParameterType, ParameterUnit } from './parameter.ts';

type Rest = Partial<Omit<Parameter, 'name' | 'type'>>;

const uint16 = 0xffff;
const uint32 = 0xffffffff;
const text: Rest = { unit: 'bytes', maximum: uint16 };

function row(name: string, type: ParameterType, rest?: Rest): Parameter {
  return { name, type, versions: [3, 4, 5], platforms: ['node', 'browser'], ...rest };
}

function amount(name: string, unit: ParameterUnit, minimum: number, maximum: number, usual?: number): Parameter {
  return row(name, 'integer', { unit, minimum, maximum, default: usual });
}

/** Seconds with fractions. */
function delay(name: string, minimum: number, maximum: number, usual: number): Parameter {
  return { ...amount(name, 'seconds', minimum, maximum, usual), type: 'number' };
}

function flag(name: string, usual: boolean): Parameter {
  return row(name, 'boolean', { default: usual });
}

/** What holds when none is given: the `usual`th. */
function choice(name: string, values: readonly (string | number)[], usual = 0): Parameter {
  return row(name, 'enum', { values, default: values[usual] });
}

function only5(...rows: Parameter[]): Parameter[] {
  return rows.map((parameter) => ({ ...parameter, versions: [5] }));
}

/** The properties a message has beside topic, payload, QoS and RETAIN, the same for PUBLISH and Will. */
function messageProperties(prefix: string): Parameter[] {
  return only5(
    amount(`${prefix}messageExpiryInterval`, 'seconds', 0, uint32),
    choice(`${prefix}payloadFormatIndicator`, [0, 1]),
    row(`${prefix}contentType`, 'string', text),
    row(`${prefix}responseTopic`, 'string', { ...text, minimum: 1 }),
    row(`${prefix}correlationData`, 'bytes', text),
    row(`${prefix}userProperties`, 'pairs'),
  );
}

/** Every connection parameter, in the order in which a person meets them. */
export const parameters: readonly Parameter[] = [
  row('url', 'string', { default: 'mqtt://localhost:1883' }),
  row('host', 'string', { minimum: 1, default: 'localhost' }),
  amount('port', 'port', 1, uint16, 1883),
  choice('transport', ['mqtt', 'mqtts', 'ws', 'wss', 'tcp', 'tls', 'ssl']),
  row('path', 'string', { default: '/mqtt' }),
  row('clientId', 'string', text),
  row('username', 'string', { ...text, also: ['function'] }),
  row('password', 'bytes', { ...text, also: ['function'], secret: true }),
  delay('connectTimeout', 0.001, 3600, 10),
  amount('keepAlive', 'seconds', 0, uint16, 60),
  flag('cleanStart', true),
  ...only5(amount('sessionExpiryInterval', 'seconds', 0, uint32, 0)),
  choice('protocolVersion', [3, 4, 5, 'auto'], 2),

  row('will.topic', 'string', { ...text, minimum: 1 }),
  row('will.payload', 'bytes', text),
  choice('will.qos', [0, 1, 2]),
  flag('will.retain', false),
  ...only5(amount('will.delayInterval', 'seconds', 0, uint32, 0)),
  ...messageProperties('will.'),

  ...only5(
    amount('receiveMaximum', 'messages', 1, uint16, uint16),
    amount('maximumPacketSize', 'bytes', 1, uint32),
    amount('topicAliasMaximum', 'count', 0, uint16, 0),
    flag('requestResponseInformation', false),
    flag('requestProblemInformation', true),
    row('userProperties', 'pairs'),
    row('authentication.method', 'string', text),
    row('authentication.start', 'function'),
    row('authentication.continue', 'function'),
  ),

  ...[
    row('tls.ca', 'bytes', { many: true }),
    row('tls.servername', 'string'),
    choice('tls.minVersion', ['TLSv1.2', 'TLSv1.3']),
    row('tls.alpn', 'string', { many: true }),
    flag('tls.insecure', false),
    row('tls.cert', 'bytes'),
    row('tls.key', 'bytes', { secret: true }),
    row('tls.passphrase', 'string', { secret: true }),
  ].map((parameter): Parameter => ({ ...parameter, platforms: ['node'] })),

  flag('reconnect', true),
  flag('reconnect.initial', false),
  delay('reconnect.delay', 0, 3600, 1),
  delay('reconnect.delayMax', 0, 86_400, 120),
  delay('reconnect.resetAfter', 0, 86_400, 30),
  ...only5(flag('reconnect.followServerReference', false)),
  choice('onTakenOver', ['stop', 'retry']),
  amount('queue.messages', 'messages', 0, uint32, 1000),
  amount('queue.bytes', 'bytes', 0, uint32, 16_777_216),
  choice('queue.whenFull', ['error', 'drop-oldest', 'drop-newest']),
];

/** What one message takes, for `hawser pub` and its like. Not connection options: `validateOptions` ignores them. */
export function messageParameters(): readonly Parameter[] {
  return [
    row('topic', 'string', { ...text, minimum: 1 }),
    row('payload', 'bytes'),
    choice('qos', [0, 1, 2]),
    flag('retain', false),
    ...only5(amount('topicAlias', 'count', 1, uint16)),
    ...messageProperties(''),
  ];
}

/** The row of one option, by its path; `undefined` when there is none. */
export function findParameter(name: string): Parameter | undefined {
  return parameters.find((parameter) => parameter.name === name);
}
