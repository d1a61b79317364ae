import { PacketType, ReasonCode, type UnsubscribePacket } from '@hawser/codec';
import { NO_TICKET, type ServerConnection, type Ticket } from '@hawser/protocol';
import type { Steps, TurnBudget } from '../node/turn-budget.ts';
import { WORK_OF_FILTER } from '../node/work-kinds.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { ClientSession } from '../sessions/client-session.ts';
import type { Journal } from '../stores/journal.ts';

/** What taking subscriptions away needs of the broker. */
export interface UnsubscribeCore {
  readonly driverNode: { readonly turn: Pick<TurnBudget, 'isOver' | 'spend'> };
  readonly router: { readonly routes: Pick<RouteTable, 'remove'> };
  readonly journal: Pick<Journal, 'append'>;
  now(): number;
}

/** The client that gives up subscriptions. */
export interface Unsubscriber {
  readonly connection: Pick<ServerConnection, 'acknowledgeWith' | 'closeCause' | 'releaseAcks' | 'version'>;
  readonly clientSession: ClientSession;
  /** See `Client.runSteps`. */
  runSteps(steps: Steps<void>): void;
}

/** UNSUBSCRIBE of any client. */
export class UnsubscribeHandler {
  readonly #core: UnsubscribeCore;

  constructor(core: UnsubscribeCore) {
    this.#core = core;
  }

  handleUnsubscribe(client: Unsubscriber, packet: UnsubscribePacket): void {
    client.runSteps(this.#unsubscribe(client, packet));
  }

  *#unsubscribe(client: Unsubscriber, packet: UnsubscribePacket): Generator<undefined, void> {
    const { clientSession: session, connection } = client;
    const { turn } = this.#core.driverNode;
    const { packetIdentifier, topicFilters } = packet;
    const reasonCodes: number[] = [];
    let ticket: Ticket = NO_TICKET;
    // [MQTT311-3.10.4-6] [MQTT5-3.10.4-6] [MQTT5-3.11.3-1]
    for (const topicFilter of topicFilters) {
      turn.spend(PacketType.UNSUBSCRIBE, WORK_OF_FILTER);
      if (turn.isOver) {
        yield;
        if (connection.closeCause !== undefined) break;
      }
      const removed = this.#remove(session, topicFilter);
      // [MQTT311-3.10.4-5] [MQTT5-3.11.3-2]
      reasonCodes.push(removed === undefined ? ReasonCode.NoSubscriptionExisted : 0);
      ticket = removed ?? ticket;
    }
    session.account();
    const answer = connection.version === 5 ? reasonCodes : [];
    // [MQTT311-3.10.4-4] [MQTT5-3.10.4-4] [MQTT5-3.10.4-5]
    const unsuback = { type: 'unsuback', packetIdentifier, properties: undefined, reasonCodes: answer } as const;
    connection.acknowledgeWith(unsuback, ticket, this.#core.now());
    connection.releaseAcks();
  }

  /** Undefined: there is no such subscription. */
  #remove(session: ClientSession, topicFilter: string): Ticket | undefined {
    const { journal, router } = this.#core;
    const known = session.subscriptions.get(topicFilter);
    if (known === undefined) return undefined;
    session.subscriptions.delete(topicFilter);
    // [MQTT311-3.10.4-1] [MQTT311-3.10.4-2] [MQTT5-3.10.4-1] [MQTT5-3.10.4-2]
    router.routes.remove(known);
    session.replays?.delete(topicFilter);
    return session.isStored
      ? journal.append({ kind: 'deleteSubscription', session: session.number, topicFilter })
      : NO_TICKET;
  }
}
