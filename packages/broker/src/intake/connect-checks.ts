import { type ConnectPacket, encodeUtf8, ReasonCode } from '@hawser/codec';
import type { BrokerCore } from '../core.ts';
import type { Settings } from '../settings.ts';
import type { ListenerInfo } from './intake.ts';

/** Why a CONNECT is refused. */
export interface ConnectRefusal {
  /** Absent: the name of the Reason Code. */
  readonly code?: string;
  readonly reasonCode: number;
  readonly text: string;
}

/** Whether the listener takes the version. */
export function checkVersion(
  { protocolVersion }: ConnectPacket,
  { versions, url }: ListenerInfo,
): ConnectRefusal | undefined {
  if (versions === undefined || versions.includes(protocolVersion)) return undefined;
  return {
    reasonCode: ReasonCode.UnsupportedProtocolVersion,
    text: `the listener ${url} does not take this protocol version`,
  };
}

/** Whether a Client Identifier may be what it is, or be left empty. */
export function checkClientId(
  { clientId, protocolVersion, cleanStart }: ConnectPacket,
  settings: Settings,
): ConnectRefusal | undefined {
  // [MQTT5-3.1.3-8] [MQTT311-3.1.3-5] [MQTT5-3.1.3-5]
  const bad = (text: string): ConnectRefusal => ({ reasonCode: ReasonCode.ClientIdentifierNotValid, text });
  if (clientId === '') {
    if (protocolVersion === 3) return bad('MQTT 3.1 needs a Client Identifier of 1 to 23 characters');
    // [MQTT311-3.1.3-8]
    // [MQTT311-3.1.3-7] [MQTT311-3.1.3-9]
    if (protocolVersion === 4 && !cleanStart) return bad('an empty Client Identifier needs Clean Session 1');
    return undefined;
  }
  if (protocolVersion === 3 && clientId.length > 23 && !settings['limits.clientIdLong31']) {
    return bad(
      `MQTT 3.1 allows 23 characters in a Client Identifier, this has ${clientId.length} (limits.clientIdLong31 allows more)`,
    );
  }
  if (encodeUtf8(clientId).length <= settings['limits.clientIdBytes']) return undefined;
  return bad(`a Client Identifier may have ${settings['limits.clientIdBytes']} bytes here`);
}

/** Whether there is room for one more session, where a client has none. */
export function checkRoom({ registry, settings, counters }: BrokerCore, clientId: string): ConnectRefusal | undefined {
  if (registry.get(clientId) !== undefined) return undefined;
  if (registry.size >= settings['sessions.max']) {
    counters.quotaRefusals++;
    return {
      reasonCode: ReasonCode.QuotaExceeded,
      text: `there are ${registry.size} sessions already (sessions.max)`,
    };
  }
  if (registry.stateBytes >= settings['sessions.bytes']) {
    counters.quotaRefusals++;
    return {
      reasonCode: ReasonCode.QuotaExceeded,
      text: 'the sessions there are take all the memory they may (sessions.bytes)',
    };
  }
  return undefined;
}
