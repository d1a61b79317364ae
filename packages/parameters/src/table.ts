import type { Parameter, ParameterType, ParameterUnit } from './parameter.ts';

type Rest = Partial<Omit<Parameter, 'name' | 'type'>>;

const uint16 = 0xffff;
const uint32 = 0xffffffff;
const text: Rest = { unit: 'bytes', maximum: uint16 };

function row(name: string, type: ParameterType, rest?: Rest): Parameter {
  return { name, type, versions: [3, 4, 5], platforms: ['node', 'browser'], ...rest };
}

function amount(name: string, unit: ParameterUnit, minimum: number, maximum: number): Parameter {
  return row(name, 'integer', { unit, minimum, maximum });
}

/** Seconds with fractions. */
function delay(name: string, minimum: number, maximum: number): Parameter {
  return { ...amount(name, 'seconds', minimum, maximum), type: 'number' };
}

function choice(name: string, values: readonly (string | number)[]): Parameter {
  return row(name, 'enum', { values });
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
  row('url', 'string'),
  row('host', 'string', { minimum: 1 }),
  amount('port', 'port', 1, uint16),
  choice('transport', ['mqtt', 'mqtts', 'ws', 'wss', 'tcp', 'tls', 'ssl']),
  row('path', 'string'),
  row('clientId', 'string', text),
  row('username', 'string', { ...text, also: ['function'] }),
  row('password', 'bytes', { ...text, also: ['function'], secret: true }),
  delay('connectTimeout', 0.001, 3600),
  amount('keepAlive', 'seconds', 0, uint16),
  row('cleanStart', 'boolean'),
  ...only5(amount('sessionExpiryInterval', 'seconds', 0, uint32)),
  choice('protocolVersion', [3, 4, 5, 'auto']),

  row('will.topic', 'string', { ...text, minimum: 1 }),
  row('will.payload', 'bytes', text),
  choice('will.qos', [0, 1, 2]),
  row('will.retain', 'boolean'),
  ...only5(amount('will.delayInterval', 'seconds', 0, uint32)),
  ...messageProperties('will.'),

  ...only5(
    amount('receiveMaximum', 'messages', 1, uint16),
    amount('maximumPacketSize', 'bytes', 1, uint32),
    amount('topicAliasMaximum', 'count', 0, uint16),
    row('requestResponseInformation', 'boolean'),
    row('requestProblemInformation', 'boolean'),
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
    row('tls.insecure', 'boolean'),
    row('tls.cert', 'bytes'),
    row('tls.key', 'bytes', { secret: true }),
    row('tls.passphrase', 'string', { secret: true }),
  ].map((parameter): Parameter => ({ ...parameter, platforms: ['node'] })),

  row('reconnect', 'boolean'),
  row('reconnect.initial', 'boolean'),
  delay('reconnect.delay', 0, 3600),
  delay('reconnect.delayMax', 0, 86_400),
  delay('reconnect.resetAfter', 0, 86_400),
  ...only5(row('reconnect.followServerReference', 'boolean')),
  choice('onTakenOver', ['stop', 'retry']),
  amount('queue.messages', 'messages', 0, uint32),
  amount('queue.bytes', 'bytes', 0, uint32),
  choice('queue.whenFull', ['error', 'drop-oldest', 'drop-newest']),
];

/** What one message takes, for `hawser pub` and its like. Not connection options: `validateOptions` ignores them. */
export function messageParameters(): readonly Parameter[] {
  return [
    row('topic', 'string', { ...text, minimum: 1 }),
    row('payload', 'bytes'),
    choice('qos', [0, 1, 2]),
    row('retain', 'boolean'),
    ...only5(amount('topicAlias', 'count', 1, uint16)),
    ...messageProperties(''),
  ];
}

/** The row of one option, by its path; `undefined` when there is none. */
export function findParameter(name: string): Parameter | undefined {
  return parameters.find((parameter) => parameter.name === name);
}
