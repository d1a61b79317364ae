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

/** What two sides have agreed on, parameter by parameter; CONNECTION.md section 2. */
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

/** Reads a CONNACK with Reason Code 0 beside the CONNECT it answers. */
export function negotiate(connect: ConnectPacket, connack: ConnackPacket): Negotiated {
  const { protocolVersion, clientId, keepAlive, cleanStart, properties: asked = {} } = connect;
  const { sessionPresent, properties: given = {} } = connack;
  const five = protocolVersion === 5;
  const expiry = five ? (asked.sessionExpiryInterval ?? 0) : undefined;
  return {
    protocolVersion: value(protocolVersion, undefined, protocolVersion),
    clientId: value(clientId, given.assignedClientIdentifier, clientId),
    keepAlive: value(keepAlive, given.serverKeepAlive, keepAlive),
    cleanStart,
    sessionPresent,
    sessionExpiryInterval: value<number | undefined>(expiry, given.sessionExpiryInterval, expiry),
    receiveMaximum: value(asked.receiveMaximum, given.receiveMaximum, 65_535),
    maximumQoS: value<QoS>(undefined, given.maximumQoS, 2),
    retainAvailable: value(undefined, given.retainAvailable, true),
    maximumPacketSize: value(asked.maximumPacketSize, given.maximumPacketSize, MAXIMUM_PACKET_SIZE),
    topicAliasMaximum: value(asked.topicAliasMaximum, given.topicAliasMaximum, 0),
    wildcardSubscriptionAvailable: value(undefined, given.wildcardSubscriptionAvailable, true),
    subscriptionIdentifierAvailable: value(undefined, given.subscriptionIdentifierAvailable, five),
    // 3.x has no way to say; many servers have them all the same.
    sharedSubscriptionAvailable: value(undefined, given.sharedSubscriptionAvailable, true),
    responseInformation: given.responseInformation,
    serverReference: given.serverReference,
    authenticationMethod: given.authenticationMethod,
    reasonString: given.reasonString,
    userProperties: given.userProperties ?? [],
  };
}

/** What was granted holds, else what holds without a word of the server. */
function value<T>(requested: T | undefined, granted: T | undefined, otherwise: T): NegotiatedValue<T> {
  return { requested, granted, effective: granted ?? otherwise };
}
