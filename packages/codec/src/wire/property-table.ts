import type { UserProperties } from '../types.ts';

/** Where a property list stands: in one of the packets, or in a CONNECT before the Will. */
export type PropertyContext =
  | 'WILL'
  | 'CONNECT'
  | 'CONNACK'
  | 'PUBLISH'
  | 'PUBACK'
  | 'PUBREC'
  | 'PUBREL'
  | 'PUBCOMP'
  | 'SUBSCRIBE'
  | 'SUBACK'
  | 'UNSUBSCRIBE'
  | 'UNSUBACK'
  | 'DISCONNECT'
  | 'AUTH';

/** How a property's value goes over the wire, and what it is in TypeScript. `bit` and `boolean` are a byte of 0 or 1. */
export type PropertyWireType =
  | 'bit'
  | 'boolean'
  | 'two-byte-integer'
  | 'four-byte-integer'
  | 'variable-byte-integer'
  | 'string'
  | 'binary'
  | 'string-pair';

/** One row of table 2-4 of the 5.0 specification. */
export interface PropertyRow {
  readonly id: number;
  /** The member of the property interfaces. */
  readonly name: PropertyName;
  /** The specification's name, for messages. */
  readonly title: string;
  readonly wireType: PropertyWireType;
  readonly contexts: readonly PropertyContext[];
  /** Stands any number of times; the member is a list. */
  readonly repeatable: boolean;
  /** 0 is a Protocol Error. */
  readonly nonZero: boolean;
}

/** Every property there is, as the member of an interface. Which are allowed where is the table's to say. */
export interface AllProperties {
  payloadFormatIndicator?: 0 | 1 | undefined;
  messageExpiryInterval?: number | undefined;
  contentType?: string | undefined;
  responseTopic?: string | undefined;
  correlationData?: Uint8Array | undefined;
  subscriptionIdentifier?: number | undefined;
  subscriptionIdentifiers?: readonly number[] | undefined;
  sessionExpiryInterval?: number | undefined;
  assignedClientIdentifier?: string | undefined;
  serverKeepAlive?: number | undefined;
  authenticationMethod?: string | undefined;
  authenticationData?: Uint8Array | undefined;
  requestProblemInformation?: boolean | undefined;
  willDelayInterval?: number | undefined;
  requestResponseInformation?: boolean | undefined;
  responseInformation?: string | undefined;
  serverReference?: string | undefined;
  reasonString?: string | undefined;
  receiveMaximum?: number | undefined;
  topicAliasMaximum?: number | undefined;
  topicAlias?: number | undefined;
  maximumQoS?: 0 | 1 | undefined;
  retainAvailable?: boolean | undefined;
  userProperties?: UserProperties | undefined;
  maximumPacketSize?: number | undefined;
  wildcardSubscriptionAvailable?: boolean | undefined;
  subscriptionIdentifierAvailable?: boolean | undefined;
  sharedSubscriptionAvailable?: boolean | undefined;
}

export type PropertyName = keyof AllProperties;

const message: readonly PropertyContext[] = ['PUBLISH', 'WILL'];
const authentication: readonly PropertyContext[] = ['CONNECT', 'CONNACK', 'AUTH'];
const acks: readonly PropertyContext[] = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBACK', 'UNSUBACK'];
const reasons: readonly PropertyContext[] = ['CONNACK', ...acks, 'DISCONNECT', 'AUTH'];
const everywhere: readonly PropertyContext[] = ['CONNECT', 'PUBLISH', 'WILL', 'SUBSCRIBE', 'UNSUBSCRIBE', ...reasons];

type Options = { repeatable?: boolean; nonZero?: boolean };

function row(
  id: number,
  name: PropertyName,
  title: string,
  wireType: PropertyWireType,
  contexts: readonly PropertyContext[],
  { repeatable = false, nonZero = false }: Options = {},
): PropertyRow {
  return { id, name, title, wireType, contexts, repeatable, nonZero };
}

/** The one table of properties (section 2.2.2.2): decode, encode and the tests' generators read it. */
export const propertyTable: readonly PropertyRow[] = [
  row(0x01, 'payloadFormatIndicator', 'Payload Format Indicator', 'bit', message),
  row(0x02, 'messageExpiryInterval', 'Message Expiry Interval', 'four-byte-integer', message),
  row(0x03, 'contentType', 'Content Type', 'string', message),
  row(0x08, 'responseTopic', 'Response Topic', 'string', message),
  row(0x09, 'correlationData', 'Correlation Data', 'binary', message),
  row(0x0b, 'subscriptionIdentifier', 'Subscription Identifier', 'variable-byte-integer', ['SUBSCRIBE'], {
    nonZero: true,
  }),
  row(0x0b, 'subscriptionIdentifiers', 'Subscription Identifier', 'variable-byte-integer', ['PUBLISH'], {
    repeatable: true,
    nonZero: true,
  }),
  row(0x11, 'sessionExpiryInterval', 'Session Expiry Interval', 'four-byte-integer', [
    'CONNECT',
    'CONNACK',
    'DISCONNECT',
  ]),
  row(0x12, 'assignedClientIdentifier', 'Assigned Client Identifier', 'string', ['CONNACK']),
  row(0x13, 'serverKeepAlive', 'Server Keep Alive', 'two-byte-integer', ['CONNACK']),
  row(0x15, 'authenticationMethod', 'Authentication Method', 'string', authentication),
  row(0x16, 'authenticationData', 'Authentication Data', 'binary', authentication),
  row(0x17, 'requestProblemInformation', 'Request Problem Information', 'boolean', ['CONNECT']),
  row(0x18, 'willDelayInterval', 'Will Delay Interval', 'four-byte-integer', ['WILL']),
  row(0x19, 'requestResponseInformation', 'Request Response Information', 'boolean', ['CONNECT']),
  row(0x1a, 'responseInformation', 'Response Information', 'string', ['CONNACK']),
  row(0x1c, 'serverReference', 'Server Reference', 'string', ['CONNACK', 'DISCONNECT']),
  row(0x1f, 'reasonString', 'Reason String', 'string', reasons),
  row(0x21, 'receiveMaximum', 'Receive Maximum', 'two-byte-integer', ['CONNECT', 'CONNACK'], { nonZero: true }),
  row(0x22, 'topicAliasMaximum', 'Topic Alias Maximum', 'two-byte-integer', ['CONNECT', 'CONNACK']),
  row(0x23, 'topicAlias', 'Topic Alias', 'two-byte-integer', ['PUBLISH'], { nonZero: true }),
  row(0x24, 'maximumQoS', 'Maximum QoS', 'bit', ['CONNACK']),
  row(0x25, 'retainAvailable', 'Retain Available', 'boolean', ['CONNACK']),
  row(0x26, 'userProperties', 'User Property', 'string-pair', everywhere, { repeatable: true }),
  row(0x27, 'maximumPacketSize', 'Maximum Packet Size', 'four-byte-integer', ['CONNECT', 'CONNACK'], { nonZero: true }),
  row(0x28, 'wildcardSubscriptionAvailable', 'Wildcard Subscription Available', 'boolean', ['CONNACK']),
  row(0x29, 'subscriptionIdentifierAvailable', 'Subscription Identifier Available', 'boolean', ['CONNACK']),
  row(0x2a, 'sharedSubscriptionAvailable', 'Shared Subscription Available', 'boolean', ['CONNACK']),
];
