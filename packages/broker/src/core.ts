import type { TopicCache } from '@hawser/codec';
import type { Slab } from '@hawser/protocol';
import type { DriverNode } from './node/driver-node.ts';
import type { DeliveryPermissions } from './policy/delivery-permissions.ts';
import type { PolicyDesk } from './policy/policy-desk.ts';
import type { Counters } from './recorder/counters.ts';
import type { Losses } from './recorder/losses.ts';
import type { Observer } from './recorder/observer.ts';
import type { Recorder } from './recorder/recorder.ts';
import type { Router } from './routing/router.ts';
import type { SessionRegistry } from './sessions/session-registry.ts';
import type { Settings } from './settings.ts';
import type { Journal } from './stores/journal.ts';
import type { Store } from './stores/store.ts';
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
  /** Where lost messages are counted. */
  readonly losses: Losses;
  /** Where policies are asked. */
  readonly policies: PolicyDesk;
  readonly permissions: DeliveryPermissions;
  readonly router: Router;
  readonly registry: SessionRegistry;
  /** Undefined: nothing is written down. */
  readonly store: Store | undefined;
  /** Whether the store may grow. */
  readonly guard: StoreGuard;
  readonly journal: Journal;
  /** How late the event loop was of late, milliseconds. */
  loopDelayMs(): number;
  /** Milliseconds, as everything in the broker counts them. */
  now(): number;
  wallNow(): number;
  /** Random Client Identifier for who has none. */
  newClientId(): string;
}
