import { type ConnectPacket, encodeUtf8, ReasonCode } from '@hawser/codec';
import type { CloseCode, CloseDetail } from '@hawser/protocol';
import type { Counters } from '../recorder/counters.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { Settings } from '../settings.ts';
import type { ListenerInfo } from './listener-info.ts';

/** What it takes to see whether there is room. */
export interface RoomCore {
  readonly registry: Pick<SessionRegistry, 'get' | 'size' | 'stateBytes'>;
  readonly settings: Pick<Settings, 'sessions.max' | 'sessions.bytes'>;
  readonly counters: Pick<Counters, 'quotaRefusals'>;
}

/** Why a CONNECT is refused. */
export interface ConnectRefusal {
  /** Absent: the name of the Reason Code. */
  readonly code?: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
}

/** Whether the listener takes the version. */
export function checkVersion(
  { protocolVersion }: ConnectPacket,
  { versions, url }: ListenerInfo,
): ConnectRefusal | undefined {
  if (versions === undefined || versions.includes(protocolVersion)) return undefined;
  return {
    reasonCode: ReasonCode.UnsupportedProtocolVersion,
    detail: { is: 'version-not-taken', listener: url },
  };
}

/** Whether a Client Identifier may be what it is, or be left empty. */
export function checkClientId(
  { clientId, protocolVersion, cleanStart }: ConnectPacket,
  settings: Settings,
): ConnectRefusal | undefined {
  // [MQTT5-3.1.3-8] [MQTT311-3.1.3-5] [MQTT5-3.1.3-5]
  const bad = (detail: CloseDetail): ConnectRefusal => ({ reasonCode: ReasonCode.ClientIdentifierNotValid, detail });
  if (clientId === '') {
    if (protocolVersion === 3) return bad({ is: 'client-id-missing-3' });
    // [MQTT311-3.1.3-8]
    // [MQTT311-3.1.3-7] [MQTT311-3.1.3-9]
    if (protocolVersion === 4 && !cleanStart) return bad({ is: 'client-id-empty-kept' });
    return undefined;
  }
  if (protocolVersion === 3 && clientId.length > 23 && !settings['limits.clientIdLong31']) {
    return bad({ is: 'client-id-long-31', length: clientId.length });
  }
  if (encodeUtf8(clientId).length <= settings['limits.clientIdBytes']) return undefined;
  return bad({ is: 'client-id-too-long', limit: settings['limits.clientIdBytes'] });
}

/** Whether there is room for one more session, where a client has none. */
export function checkRoom({ registry, settings, counters }: RoomCore, clientId: string): ConnectRefusal | undefined {
  if (registry.get(clientId) !== undefined) return undefined;
  if (registry.size >= settings['sessions.max']) {
    counters.quotaRefusals++;
    return {
      reasonCode: ReasonCode.QuotaExceeded,
      detail: { is: 'sessions-all', limit: registry.size },
    };
  }
  if (registry.stateBytes >= settings['sessions.bytes']) {
    counters.quotaRefusals++;
    return {
      reasonCode: ReasonCode.QuotaExceeded,
      detail: { is: 'sessions-bytes' },
    };
  }
  return undefined;
}
