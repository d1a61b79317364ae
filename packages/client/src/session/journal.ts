import type { ConnectPacket, PacketFault } from '@hawser/codec';
import type { ClientConnection, Ticket } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import type { Negotiated } from '../negotiated.ts';
import type { Outgoing } from './outgoing.ts';

/**
 * What a client writes down to survive a restart of the program. A store brings it along, so that a page without one loads
 * nothing of it.
 */
export interface Journal {
  /** As far as this ticket everything is written. */
  readonly committed: Ticket;
  /** A message as it is now: queued, published with its Packet Identifier, or released. QoS 0 is not kept. */
  keep(message: Outgoing): Ticket;
  forget(message: Outgoing): void;
  /** A QoS 2 message has been taken whose PUBREL has not come. */
  keepInbound(packetIdentifier: number): void;
  forgetInbound(packetIdentifier: number): void;
  /** Whether the server will have a session of this client after this connection. */
  keepSession(connect: ConnectPacket, negotiated: Negotiated): void;
  /** Why a connection is not to be had whose server has a session that nothing is known of here: code and words. */
  readonly objection: readonly [code: PacketFault, text: string];
  /** Calls `task` when all that was to be kept or forgotten by now is written; tasks in order. */
  after(task: () => void): void;
  /** All is written, or could not be, and the store is closed, or could not be, which is told. Never rejects. */
  close(): Promise<void>;
}

/** Acknowledges by the connection there is now, when all that was to be kept or forgotten by now is written. Without a journal that is at once. */
export function acknowledgeWritten(
  journal: Journal | undefined,
  connection: ClientConnection | undefined,
  type: number,
  packetIdentifier: number,
  reasonCode: number,
): void {
  const task = (): void => connection?.acknowledge(type, packetIdentifier, reasonCode);
  if (journal) journal.after(task);
  else task();
}

/** Who keeps a journal. */
export interface JournalHost {
  /** May be assigned by the server only later. */
  readonly clientId: string;
  readonly clock: Clock;
  /** What waited for the disk may go. */
  onWritable(): void;
  warn(code: string, text: string): void;
}

/** What an earlier run of the program has left. */
export interface Restored {
  readonly journal: Journal;
  /** In the order in which they were taken. */
  readonly messages: readonly Outgoing[];
  /** Packet Identifiers of QoS 2 messages whose PUBREL has not come. */
  readonly inbound: readonly number[];
  /** The Client ID had a session when the program ended. */
  readonly hasSession: boolean;
}
