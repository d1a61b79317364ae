import type { ConnackProperties, ConnectPacket } from '@hawser/codec';
import type { LossCause } from '../causes/losses.ts';
import type { Settings } from '../settings.ts';

/** Session Expiry Interval that is granted, seconds. */
export function grantedExpiry(
  { protocolVersion, cleanStart, properties }: ConnectPacket,
  settings: Pick<Settings, 'sessions.expiry3' | 'sessions.expiryMax'>,
): number {
  if (protocolVersion !== 5) return cleanStart ? 0 : settings['sessions.expiry3'];
  return Math.min(properties?.sessionExpiryInterval ?? 0, settings['sessions.expiryMax']);
}

/** Keep Alive in force, seconds, and what the CONNACK says of it; undefined: nothing. */
export function grantedKeepAlive(
  { protocolVersion, keepAlive }: ConnectPacket,
  settings: Pick<Settings, 'limits.keepAliveMax'>,
): { readonly keepAlive: number; readonly serverKeepAlive: number | undefined } {
  const maximum = settings['limits.keepAliveMax'];
  const isOver = protocolVersion === 5 && maximum > 0 && (keepAlive === 0 || keepAlive > maximum);
  // [MQTT5-3.1.2-21] [MQTT5-3.2.2-21] [MQTT5-3.2.2-22]
  return isOver ? { keepAlive: maximum, serverKeepAlive: maximum } : { keepAlive, serverKeepAlive: undefined };
}

/** Whether the client wants to be told of what went wrong [MQTT5-3.1.2-29]. */
export function wantsProblemInformation({ properties }: ConnectPacket): boolean {
  return properties?.requestProblemInformation !== false;
}

/** What was decided of a client that is let in. */
export interface Decided {
  readonly clientId: string;
  /** The Client Identifier was made for it. */
  readonly isAssigned: boolean;
  readonly sessionExpiryInterval: number;
  readonly serverKeepAlive: number | undefined;
  readonly authenticationData: Uint8Array | undefined;
  /** Messages that its session has lost and the client is told of; undefined: none. */
  readonly lost: Partial<Record<LossCause, number>> | undefined;
}

/** The properties of a CONNACK that accepts: of 5.0 alone. What is as the client has asked for, or as the protocol has it, is not said. */
export function connackProperties(
  { properties: asked = {} }: ConnectPacket,
  settings: Settings,
  decided: Decided,
): ConnackProperties {
  const { clientId, isAssigned, sessionExpiryInterval, serverKeepAlive, authenticationData } = decided;
  const responseInformation =
    asked.requestResponseInformation === true && settings.responseInformation !== ''
      ? settings.responseInformation.split('%c').join(clientId)
      : undefined;
  const lost = Object.entries(decided.lost ?? {});
  const receiveMaximum = settings['limits.receiveMaximum'];
  return {
    sessionExpiryInterval:
      sessionExpiryInterval === (asked.sessionExpiryInterval ?? 0) ? undefined : sessionExpiryInterval,
    receiveMaximum: receiveMaximum === 65_535 ? undefined : receiveMaximum,
    maximumPacketSize: settings['limits.maximumPacketSize'],
    assignedClientIdentifier: isAssigned ? clientId : undefined,
    topicAliasMaximum: settings['limits.topicAliasMaximum'] || undefined,
    serverKeepAlive,
    responseInformation,
    // [MQTT5-4.12.0-6]
    authenticationMethod: asked.authenticationMethod,
    authenticationData,
    userProperties:
      lost.length === 0 ? undefined : lost.map(([cause, count]) => [`lost-${cause}`, String(count)] as const),
  };
}
