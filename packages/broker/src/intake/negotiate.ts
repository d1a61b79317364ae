import type { ConnackProperties, ConnectPacket } from '@hawser/codec';
import type { Negotiated, NegotiatedParameter } from '../recorder/observer.ts';

/** What holds on a connection from its CONNACK on. */
export interface InForce {
  readonly clientId: string;
  /** Seconds; 0: off. */
  readonly keepAlive: number;
  /** Seconds. */
  readonly sessionExpiryInterval: number;
  /** The next three: what this side takes. */
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

/**
 * A CONNECT and the CONNACK that accepts it, parameter by parameter: the names and the meaning that the client's `negotiated` has, so that both
 * ends tell the same of one connection. What 3.x cannot say stands in `effective` alone.
 */
export function negotiate(
  { protocolVersion, clientId, cleanStart, keepAlive, will, properties: asked = {} }: ConnectPacket,
  told: ConnackProperties = {},
  inForce: InForce,
): Negotiated {
  const expiry = protocolVersion === 5 ? (asked.sessionExpiryInterval ?? 0) : undefined;
  return {
    clientId: row(clientId, told.assignedClientIdentifier, inForce.clientId),
    protocolVersion: row(protocolVersion, undefined, protocolVersion),
    cleanStart: row(cleanStart, undefined, cleanStart),
    keepAlive: row(keepAlive, told.serverKeepAlive, inForce.keepAlive),
    sessionExpiryInterval: row(expiry, told.sessionExpiryInterval, inForce.sessionExpiryInterval),
    receiveMaximum: row(asked.receiveMaximum, told.receiveMaximum, inForce.receiveMaximum),
    maximumPacketSize: row(asked.maximumPacketSize, told.maximumPacketSize, inForce.maximumPacketSize),
    topicAliasMaximum: row(asked.topicAliasMaximum, told.topicAliasMaximum, inForce.topicAliasMaximum),
    will: row(will?.topic, undefined, will?.topic),
  };
}

type Value = NegotiatedParameter['effective'];

function row(requested: Value, granted: Value, effective: Value): NegotiatedParameter {
  return { requested, granted, effective };
}
