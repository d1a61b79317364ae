import {
  type ConnackPacket,
  type ConnectPacket,
  MAXIMUM_PACKET_SIZE,
  type ProtocolVersion,
  type QoS,
} from '@hawser/codec';

/** One parameter: what this client asked for, what the server said (undefined: nothing), what holds. */
export interface NegotiatedValue<T> {
  readonly requested: T | undefined;
  readonly granted: T | undefined;
  readonly effective: T;
}

/** What client and server have agreed on, one member for each parameter. */
export interface Negotiated {
  readonly protocolVersion: NegotiatedValue<ProtocolVersion>;
  readonly clientId: NegotiatedValue<string>;
  /** Seconds. */
  readonly keepAlive: NegotiatedValue<number>;
  readonly cleanStart: boolean;
  readonly sessionPresent: boolean;
  /** Seconds; 4,294,967,295: for ever. 3.x: undefined, the server decides. */
  readonly sessionExpiryInterval: NegotiatedValue<number | undefined>;
  /** Towards the server: QoS 1 and 2 messages unacknowledged at once. `requested` is this client's own, the other way. */
  readonly receiveMaximum: NegotiatedValue<number>;
  readonly maximumQoS: NegotiatedValue<QoS>;
  readonly retainAvailable: NegotiatedValue<boolean>;
  /** Bytes of a packet towards the server. `requested` is this client's own, the other way. */
  readonly maximumPacketSize: NegotiatedValue<number>;
  /** Towards the server. `requested` is this client's own, the other way. */
  readonly topicAliasMaximum: NegotiatedValue<number>;
  readonly wildcardSubscriptionAvailable: NegotiatedValue<boolean>;
  readonly subscriptionIdentifierAvailable: NegotiatedValue<boolean>;
  readonly sharedSubscriptionAvailable: NegotiatedValue<boolean>;
  readonly responseInformation: string | undefined;
  readonly serverReference: string | undefined;
  readonly authenticationMethod: string | undefined;
  readonly reasonString: string | undefined;
  readonly userProperties: readonly (readonly [string, string])[];
}

/** What holds without a word of the server. 3.x has no way to say; many servers have Shared Subscriptions all the same. */
const OTHERWISE = {
  receiveMaximum: 65_535,
  maximumQoS: 2,
  retainAvailable: true,
  maximumPacketSize: MAXIMUM_PACKET_SIZE,
  topicAliasMaximum: 0,
  wildcardSubscriptionAvailable: true,
  sharedSubscriptionAvailable: true,
} as const;

/** Reads a CONNACK with Reason Code 0 beside the CONNECT it answers. */
export function negotiate(connect: ConnectPacket, connack: ConnackPacket): Negotiated {
  const { protocolVersion, clientId, keepAlive, cleanStart, properties: asked = {} } = connect;
  const { sessionPresent, properties: given = {} } = connack;
  const is5 = protocolVersion === 5;
  const expiry = is5 ? (asked.sessionExpiryInterval ?? 0) : undefined;
  const values: Record<string, NegotiatedValue<unknown>> = {};
  for (const [name, otherwise] of Object.entries({ ...OTHERWISE, subscriptionIdentifierAvailable: is5 }))
    values[name] = value<unknown>(asked[name as keyof typeof asked], given[name as keyof typeof given], otherwise);
  const { responseInformation, serverReference, authenticationMethod, reasonString, userProperties = [] } = given;
  return {
    ...(values as unknown as Pick<Negotiated, keyof typeof OTHERWISE | 'subscriptionIdentifierAvailable'>),
    protocolVersion: value(protocolVersion, undefined, protocolVersion),
    clientId: value(clientId, given.assignedClientIdentifier, clientId),
    keepAlive: value(keepAlive, given.serverKeepAlive, keepAlive),
    cleanStart,
    sessionPresent,
    sessionExpiryInterval: value<number | undefined>(expiry, given.sessionExpiryInterval, expiry),
    responseInformation,
    serverReference,
    authenticationMethod,
    reasonString,
    userProperties,
  };
}

/** What was granted holds, else what holds without a word of the server. */
function value<T>(requested: T | undefined, granted: T | undefined, otherwise: T): NegotiatedValue<T> {
  return { requested, granted, effective: granted ?? otherwise };
}
