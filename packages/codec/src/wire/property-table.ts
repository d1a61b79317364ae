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
  wireType: PropertyWireType,
  contexts: readonly PropertyContext[],
  { repeatable = false, nonZero = false }: Options = {},
): PropertyRow {
  return { id, name, title: titleOf(name), wireType, contexts, repeatable, nonZero };
}

/** `payloadFormatIndicator`: Payload Format Indicator. A list is called by what it is a list of. */
function titleOf(name: PropertyName): string {
  const words = name
    .replace(/(?=[A-Z][a-z])/g, ' ')
    .replace(/ies$/, 'y')
    .replace(/rs$/, 'r');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The one table of properties (section 2.2.2.2): decode, encode and the tests' generators read it. */
export const propertyTable: readonly PropertyRow[] = [
  row(0x01, 'payloadFormatIndicator', 'bit', message),
  row(0x02, 'messageExpiryInterval', 'four-byte-integer', message),
  row(0x03, 'contentType', 'string', message),
  row(0x08, 'responseTopic', 'string', message),
  row(0x09, 'correlationData', 'binary', message),
  row(0x0b, 'subscriptionIdentifier', 'variable-byte-integer', ['SUBSCRIBE'], {
    nonZero: true,
  }),
  row(0x0b, 'subscriptionIdentifiers', 'variable-byte-integer', ['PUBLISH'], {
    repeatable: true,
    nonZero: true,
  }),
  row(0x11, 'sessionExpiryInterval', 'four-byte-integer', ['CONNECT', 'CONNACK', 'DISCONNECT']),
  row(0x12, 'assignedClientIdentifier', 'string', ['CONNACK']),
  row(0x13, 'serverKeepAlive', 'two-byte-integer', ['CONNACK']),
  row(0x15, 'authenticationMethod', 'string', authentication),
  row(0x16, 'authenticationData', 'binary', authentication),
  row(0x17, 'requestProblemInformation', 'boolean', ['CONNECT']),
  row(0x18, 'willDelayInterval', 'four-byte-integer', ['WILL']),
  row(0x19, 'requestResponseInformation', 'boolean', ['CONNECT']),
  row(0x1a, 'responseInformation', 'string', ['CONNACK']),
  row(0x1c, 'serverReference', 'string', ['CONNACK', 'DISCONNECT']),
  row(0x1f, 'reasonString', 'string', reasons),
  row(0x21, 'receiveMaximum', 'two-byte-integer', ['CONNECT', 'CONNACK'], { nonZero: true }),
  row(0x22, 'topicAliasMaximum', 'two-byte-integer', ['CONNECT', 'CONNACK']),
  row(0x23, 'topicAlias', 'two-byte-integer', ['PUBLISH'], { nonZero: true }),
  row(0x24, 'maximumQoS', 'bit', ['CONNACK']),
  row(0x25, 'retainAvailable', 'boolean', ['CONNACK']),
  row(0x26, 'userProperties', 'string-pair', everywhere, { repeatable: true }),
  row(0x27, 'maximumPacketSize', 'four-byte-integer', ['CONNECT', 'CONNACK'], { nonZero: true }),
  row(0x28, 'wildcardSubscriptionAvailable', 'boolean', ['CONNACK']),
  row(0x29, 'subscriptionIdentifierAvailable', 'boolean', ['CONNACK']),
  row(0x2a, 'sharedSubscriptionAvailable', 'boolean', ['CONNACK']),
];
