import type { Parameter } from './parameter.ts';
import { parameters } from './table.ts';

/**
 * The flags of the command line for a row of the table: the short one, if any, the long one, then other spellings that are
 * taken. Empty: it has none. In an entry of their own (`@hawser/parameters/flags`), for a page has no use for them.
 */
export function flagsOf(parameter: Parameter): readonly string[] {
  // Messages have User Properties too, and another flag for them.
  const flags = parameters.includes(parameter) ? connectionFlags : messageFlags;
  return flags[parameter.name]?.split(' ') ?? [];
}

/** The flag by which messages call a parameter: the long one; its name when it has none. */
export function longFlagOf(parameter: Parameter): string {
  return flagsOf(parameter).find((flag) => flag.startsWith('--')) ?? parameter.name;
}

const connectionFlags: Readonly<Record<string, string>> = {
  url: '-L --url',
  host: '-h --host',
  port: '-p --port',
  transport: '--transport',
  path: '--path',
  clientId: '-i --client-id --id',
  username: '-u --username',
  password: '-P --password --pw',
  connectTimeout: '--connect-timeout',
  keepAlive: '-k --keep-alive --keepalive',
  cleanStart: '-c --no-clean --disable-clean-session',
  sessionExpiryInterval: '-x --session-expiry-interval --session-expiry',
  protocolVersion: '-V --protocol-version --mqtt-version',
  'will.topic': '--will-topic',
  'will.payload': '--will-payload --will-message',
  'will.qos': '--will-qos',
  'will.retain': '--will-retain',
  'will.delayInterval': '--will-delay-interval',
  'will.messageExpiryInterval': '--will-message-expiry-interval',
  'will.payloadFormatIndicator': '--will-payload-format-indicator',
  'will.contentType': '--will-content-type',
  'will.responseTopic': '--will-response-topic',
  'will.correlationData': '--will-correlation-data',
  'will.userProperties': '--will-user-property',
  receiveMaximum: '--receive-maximum',
  maximumPacketSize: '--maximum-packet-size',
  topicAliasMaximum: '--topic-alias-maximum',
  requestResponseInformation: '--request-response-information',
  requestProblemInformation: '--no-request-problem-information',
  userProperties: '--connect-user-property',
  'authentication.method': '--authentication-method',
  'tls.ca': '--ca --cafile',
  'tls.servername': '--servername',
  'tls.minVersion': '--tls-min-version',
  'tls.alpn': '--alpn',
  'tls.insecure': '--insecure',
  'tls.cert': '--cert',
  'tls.key': '--key',
  'tls.passphrase': '--key-passphrase',
  reconnect: '--no-reconnect',
  'reconnect.initial': '--reconnect-initial',
  'reconnect.delay': '--reconnect-delay',
  'reconnect.delayMax': '--reconnect-delay-max',
};

const messageFlags: Readonly<Record<string, string>> = {
  topic: '-t --topic',
  payload: '-m --message',
  qos: '-q --qos',
  retain: '-r --retain',
  topicAlias: '--topic-alias',
  messageExpiryInterval: '--message-expiry-interval',
  payloadFormatIndicator: '--payload-format-indicator',
  contentType: '--content-type',
  responseTopic: '--response-topic',
  correlationData: '--correlation-data',
  userProperties: '--user-property',
};
