import type { PropertyName } from './property-lists.ts';

/** How a property's value goes over the wire: as the BodyReader and PacketWriter call it, or two strings. */
export type PropertyWireType = 'u8' | 'u16' | 'u32' | 'varint' | 'string' | 'binary' | 'pair';

/** One row of table 2-4 of the 5.0 specification. */
export interface PropertyRow {
  readonly id: number;
  /** The member of the property interfaces. */
  readonly name: PropertyName;
  /** The specification's name, for messages. */
  readonly title: string;
  readonly wireType: PropertyWireType;
  /** The member is true or false, a byte of 1 or 0. */
  readonly isBoolean: boolean;
  /** Its contexts, a hexadecimal digit each. */
  readonly contexts: string;
  /** Stands any number of times; the member is a list. */
  readonly repeatable: boolean;
  /** 0 is a Protocol Error. */
  readonly nonZero: boolean;
}

/**
 * Table 2-4, one row a property: its Identifier, where it stands (types of packets in hexadecimal, 0 is the Will), its wire type, its name.
 * Marks of the type: + 0 is not allowed, * stands any number of times, ? is true or false.
 */
const table = `1 03 u8 payloadFormatIndicator
2 03 u32 messageExpiryInterval
3 03 string contentType
8 03 string responseTopic
9 03 binary correlationData
11 8 varint+ subscriptionIdentifier
11 3 varint+* subscriptionIdentifiers
17 12e u32 sessionExpiryInterval
18 2 string assignedClientIdentifier
19 2 u16 serverKeepAlive
21 12f string authenticationMethod
22 12f binary authenticationData
23 1 u8? requestProblemInformation
24 0 u32 willDelayInterval
25 1 u8? requestResponseInformation
26 2 string responseInformation
28 2e string serverReference
31 245679bef string reasonString
33 12 u16+ receiveMaximum
34 12 u16 topicAliasMaximum
35 3 u16+ topicAlias
36 2 u8 maximumQoS
37 2 u8? retainAvailable
38 0123456789abef pair* userProperties
39 12 u32+ maximumPacketSize
40 2 u8? wildcardSubscriptionAvailable
41 2 u8? subscriptionIdentifierAvailable
42 2 u8? sharedSubscriptionAvailable`;

/** The one table of properties (section 2.2.2.2): decode, encode and the tests' generators read it. */
export const propertyTable: readonly PropertyRow[] = table.split('\n').map((line) => {
  const [id, contexts, wire, name] = line.split(' ') as [string, string, string, PropertyName];
  return {
    id: Number(id),
    name,
    title: titleOf(name),
    wireType: wire.replace(/\W+/, '') as PropertyWireType,
    isBoolean: wire.endsWith('?'),
    contexts,
    repeatable: wire.endsWith('*'),
    nonZero: wire.includes('+'),
  };
});

/** `payloadFormatIndicator`: Payload Format Indicator. A list is called by what it is a list of. */
function titleOf(name: PropertyName): string {
  return name
    .replace(/^.|[A-Z][a-z]/g, (start) => (start.length > 1 ? ` ${start}` : start.toUpperCase()))
    .replace(/ies$/, 'y')
    .replace(/rs$/, 'r');
}
