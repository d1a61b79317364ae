import type { Parameter, ParameterType, ParameterUnit } from './parameter.ts';

/**
 * One row each: name, type or the values of an enum, from which number to which, what is counted. Marks of the name: 5 only MQTT 5.0
 * has it, ? a function is taken too, { an object of the options below, * a list too, ! never to be printed.
 */
const table = `url string
host string 1
port integer 1 65535
transport mqtt|mqtts|ws|wss|tcp|tls|ssl
path string
clientId string 0 65535
username? string 0 65535
password?! bytes 0 65535
connectTimeout number 0.001 3600 seconds
keepAlive integer 0 65535 seconds
cleanStart boolean
sessionExpiryInterval5 integer 0 4294967295 seconds
protocolVersion 3|4|5|auto
will.topic string 1 65535
will.payload bytes 0 65535
will.qos 0|1|2
will.retain boolean
will.delayInterval5 integer 0 4294967295 seconds
will.messageExpiryInterval5 integer 0 4294967295 seconds
will.payloadFormatIndicator5 0|1
will.contentType5 string 0 65535
will.responseTopic5 string 1 65535
will.correlationData5 bytes 0 65535
will.userProperties5 pairs
receiveMaximum5 integer 1 65535 messages
maximumPacketSize5 integer 1 4294967295 bytes
topicAliasMaximum5 integer 0 65535
requestResponseInformation5 boolean
requestProblemInformation5 boolean
userProperties5 pairs
authentication.method5 string 0 65535
authentication.start5 function
authentication.continue5 function
authentication.finish5 function
tls.ca* bytes
tls.servername string
tls.minVersion TLSv1.2|TLSv1.3
tls.alpn* string
tls.insecure boolean
tls.cert bytes
tls.key! bytes
tls.passphrase! string
reconnect{ boolean
reconnect.initial boolean
reconnect.delay number 0 3600 seconds
reconnect.delayMax number 0 86400 seconds
reconnect.resetAfter number 0 86400 seconds
reconnect.followServerReference5 boolean
reconnect.referenceHosts*5 string 1
onTakenOver stop|retry
queue.messages integer 0 4294967295 messages
queue.bytes integer 0 4294967295 bytes
queue.whenFull error|drop-oldest|drop-newest
acknowledge auto|manual`;

/** Every connection parameter, in the order in which a person meets them. */
export const parameters: readonly Parameter[] = table.split('\n').map(parameterOf);

function parameterOf(row: string): Parameter {
  const [marked, type, minimum = 0, maximum = Number.POSITIVE_INFINITY, unit] = row.split(' ') as [
    string,
    string,
    ...string[],
  ];
  const name = marked.replace(/[^a-z.]+$/i, '');
  const isEnum = type.includes('|');
  return {
    name,
    type: isEnum ? 'enum' : (type as ParameterType),
    values: isEnum ? type.split('|').map((value) => (/^\d/.test(value) ? Number(value) : value)) : [],
    minimum: Number(minimum),
    maximum: Number(maximum),
    unit: unit as ParameterUnit | undefined,
    also: marked.includes('?') ? ['function'] : marked.includes('{') ? ['object'] : [],
    many: marked.includes('*'),
    secret: marked.includes('!'),
    versions: marked.endsWith('5') ? [5] : [3, 4, 5],
    // A browser decides all of TLS itself.
    platforms: name.startsWith('tls.') ? ['node'] : ['node', 'browser'],
  };
}

/**
 * What one message takes, for `hawser pub` and its like: what a Will takes, which is a message too, but for two rows. Not connection
 * options: `validateOptions` ignores them.
 */
export function messageParameters(): readonly Parameter[] {
  const ofWill = table.match(/(?<=^will\.).*/gm) ?? [];
  return ofWill.map((row) => {
    if (row.startsWith('payload ')) return parameterOf('payload bytes');
    return parameterOf(row.startsWith('delay') ? 'topicAlias5 integer 1 65535' : row);
  });
}

/** The row of one option, by its path; `undefined` when there is none. */
export function findParameter(name: string): Parameter | undefined {
  return parameters.find((parameter) => parameter.name === name);
}
