import type { TopicCache } from '@hawser/codec';
import type { AnsweringConnection, Slab, Ticket } from '@hawser/protocol';
import type { DriverNode } from './node/driver-node.ts';
import type { DeliveryPermissions } from './policy/delivery-permissions.ts';
import type { PolicyDesk } from './policy/policy-desk.ts';
import type { Counters } from './recorder/counters.ts';
import type { Observer } from './recorder/observer.ts';
import type { Recorder } from './recorder/recorder.ts';
import type { Router } from './routing/router.ts';
import type { ClientSession } from './sessions/client-session.ts';
import type { SessionRegistry } from './sessions/session-registry.ts';
import type { Settings } from './settings.ts';
import type { Store, StoreOperation } from './stores/store.ts';
import type { StoreGuard } from './stores/store-guard.ts';
import type { WallTime } from './stores/stored.ts';

/** What the parts of one broker share. */
export interface BrokerCore extends WallTime {
  readonly settings: Settings;
  readonly driverNode: DriverNode;
  readonly slab: Slab;
  readonly topics: TopicCache;
  readonly counters: Counters;
  readonly recorder: Recorder;
  /** The recorder and whoever else observes. */
  readonly observer: Observer;
  /** Where policies are asked. */
  readonly policies: PolicyDesk;
  readonly permissions: DeliveryPermissions;
  readonly router: Router;
  readonly registry: SessionRegistry;
  /** Undefined: nothing is written down. */
  readonly store: Store | undefined;
  /** Whether the store may grow. */
  readonly guard: StoreGuard;
  /** Everything up to here is on disk. */
  readonly committed: Ticket;
  /** The ticket of what was appended last. */
  readonly lastTicket: Ticket;
  /** How late the event loop was of late, milliseconds. */
  loopDelayMs(): number;
  /** Milliseconds, as everything in the broker counts them. */
  now(): number;
  wallNow(): number;
  /** Writes an operation down; 0 where there is no store. */
  append(operation: StoreOperation): Ticket;
  /**
   * What is appended until `endGroup` is on disk whole or not at all. False: a group is open already, its owner ends it.
   */
  beginGroup(): boolean;
  endGroup(): void;
  /** Resolves when everything up to a ticket is on disk; rejects when the disk fails first. */
  untilCommitted(ticket: Ticket): Promise<void>;
  nextSequence(): number;
  nextSessionNumber(): number;
  /** Calls the session's `onCommitted` when something has been committed. */
  waitForCommit(session: ClientSession): void;
  /** Releases the connection's acknowledgements when something has been committed. */
  waitToRelease(connection: AnsweringConnection): void;
  /** Random Client Identifier for who has none. */
  newClientId(): string;
}
