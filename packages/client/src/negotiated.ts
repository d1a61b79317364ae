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
  const asked = connect.properties;
  const given = connack.properties;
  const five = connect.protocolVersion === 5;
  const flag = (granted: boolean | undefined, otherwise: boolean): NegotiatedValue<boolean> =>
    value(undefined, granted, granted ?? otherwise);
  const requestedExpiry = five ? (asked?.sessionExpiryInterval ?? 0) : undefined;
  return {
    protocolVersion: value(connect.protocolVersion, undefined, connect.protocolVersion),
    clientId: value(
      connect.clientId,
      given?.assignedClientIdentifier,
      given?.assignedClientIdentifier ?? connect.clientId,
    ),
    keepAlive: value(connect.keepAlive, given?.serverKeepAlive, given?.serverKeepAlive ?? connect.keepAlive),
    cleanStart: connect.cleanStart,
    sessionPresent: connack.sessionPresent,
    sessionExpiryInterval: value(
      requestedExpiry,
      given?.sessionExpiryInterval,
      given?.sessionExpiryInterval ?? requestedExpiry,
    ),
    receiveMaximum: value(asked?.receiveMaximum, given?.receiveMaximum, given?.receiveMaximum ?? 65_535),
    maximumQoS: value(undefined, given?.maximumQoS, given?.maximumQoS ?? 2),
    retainAvailable: flag(given?.retainAvailable, true),
    maximumPacketSize: value(
      asked?.maximumPacketSize,
      given?.maximumPacketSize,
      given?.maximumPacketSize ?? MAXIMUM_PACKET_SIZE,
    ),
    topicAliasMaximum: value(asked?.topicAliasMaximum, given?.topicAliasMaximum, given?.topicAliasMaximum ?? 0),
    wildcardSubscriptionAvailable: flag(given?.wildcardSubscriptionAvailable, true),
    subscriptionIdentifierAvailable: flag(given?.subscriptionIdentifierAvailable, five),
    // 3.x has no way to say; many servers have them all the same.
    sharedSubscriptionAvailable: flag(given?.sharedSubscriptionAvailable, true),
    responseInformation: given?.responseInformation,
    serverReference: given?.serverReference,
    authenticationMethod: given?.authenticationMethod,
    reasonString: given?.reasonString,
    userProperties: given?.userProperties ?? [],
  };
}

function value<T>(requested: T | undefined, granted: T | undefined, effective: T): NegotiatedValue<T> {
  return { requested, granted, effective };
}
