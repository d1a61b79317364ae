import { ReasonCode } from '@hawser/codec';
import type { CloseDetail } from '@hawser/protocol';
import type { Broker } from './broker.ts';
import { handlerOf } from './inspect/inspect.ts';
import { type Ban, bannedFor } from './intake/ban-list.ts';

/** Ends the connection of a client with 0x98, Administrative action. False: it is not connected. */
export function kickClient(broker: Broker, clientId: string, detail: CloseDetail = { is: 'plain' }): boolean {
  const handler = handlerOf(broker.registry.get(clientId));
  handler?.disconnect('administrative-action', ReasonCode.AdministrativeAction, detail);
  return handler !== undefined;
}

/**
 * Keeps somebody out from here on, and ends the connections it has with 0x98, Administrative action: 5.0 knows 0x8A, Banned,
 * in a CONNACK alone. Sessions stay. `target`: of `parseBanTarget`. Without seconds as long as it is its turn.
 */
export function banTarget(
  broker: Broker,
  target: string,
  reason: string,
  seconds?: number,
): { readonly ban: Ban; readonly ended: number } {
  const ban = broker.bans.add(target, reason, seconds);
  const { gatekeeper } = broker.intake;
  let ended = 0;
  for (const peer of broker.intake.peers()) {
    const { connection, info, remoteAddress } = peer;
    if (connection.closeCause !== undefined || !gatekeeper.isMeant(target, info, remoteAddress)) continue;
    peer.disconnect('banned', ReasonCode.AdministrativeAction, bannedFor(ban));
    ended++;
  }
  return { ban, ended };
}

/** Ends a session with all it has; its connection first. False: there is none. */
export function clearSession(broker: Broker, clientId: string): boolean {
  const session = broker.registry.get(clientId);
  if (session === undefined) return false;
  kickClient(broker, clientId, { is: 'session-cleared' });
  broker.registry.end(session, 'cleared');
  return true;
}
