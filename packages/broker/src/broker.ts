import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isValidTopicFilter, isValidTopicName, TopicCache, UsageError } from '@hawser/codec';
import { NO_TICKET, Slab } from '@hawser/protocol';
import {
  type Clock,
  type NetworkListener,
  systemClock,
  type TlsFiles,
  type TlsListenOptions,
  type Transport,
} from '@hawser/transport';
import type { BrokerOptions, ListenerOptions, PublishOptions, UpgradeOptions } from './broker-options.ts';
import { storeProblem } from './causes/message-sentences.ts';
import { checkBrokerOptions } from './check-options.ts';
import type { BrokerCore } from './core.ts';
import type { BanList } from './intake/ban-list.ts';
import { Intake } from './intake/intake.ts';
import type { ListenerInfo } from './intake/listener-info.ts';
import { Listeners } from './intake/listeners.ts';
import { loopGauge } from './intake/loop-gauge.ts';
import { createDriverNode, type DriverNode } from './node/driver-node.ts';
import type { TurnBudget } from './node/turn-budget.ts';
import { Work } from './node/work-kinds.ts';
import { DeliveryPermissions } from './policy/delivery-permissions.ts';
import type { Authorizer } from './policy/policies.ts';
import { PolicyDesk } from './policy/policy-desk.ts';
import { Counters } from './recorder/counters.ts';
import { Losses } from './recorder/losses.ts';
import { type Observer, tellBoth } from './recorder/observer.ts';
import { Recorder } from './recorder/recorder.ts';
import { Router } from './routing/router.ts';
import type { LocalMessage, LocalSubscriber } from './routing/subscription.ts';
import { SessionRegistry } from './sessions/session-registry.ts';
import { type Settings, settingsWith } from './settings.ts';
import { Journal } from './stores/journal.ts';
import type { Store, StoreContents } from './stores/store.ts';
import { StoreError } from './stores/store-error.ts';
import { StoreGuard } from './stores/store-guard.ts';

/**
 * An MQTT broker in this process: opens the store, listens, and is ready.
 *
 * Rejects with an Error for people when the store cannot be opened or an address cannot be listened on.
 */
export async function createBroker(options: BrokerOptions = {}): Promise<Broker> {
  const broker = new Broker(options);
  try {
    await broker.open(options);
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}

/** A step of what the API asks for, in units of a turn: two microseconds. */
const WORK_OF_STEP = 400;
const CLOSE_WITHIN_MS = 5000;
const SAFE = Promise.resolve();
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A running broker; `createBroker` makes it. */
export class Broker implements BrokerCore {
  settings: Settings;
  readonly driverNode: DriverNode;
  readonly slab = new Slab();
  readonly topics: TopicCache;
  readonly counters = new Counters();
  readonly recorder: Recorder;
  readonly observer: Observer;
  readonly losses: Losses;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  readonly policies: PolicyDesk;
  readonly store: Store | undefined;
  /** What is written down, and who waits for it. */
  readonly journal: Journal;
  readonly guard: StoreGuard;
  readonly permissions: DeliveryPermissions;
  readonly router: Router;
  readonly registry: SessionRegistry;
  readonly intake: Intake;
  readonly #clock: Clock;
  readonly #random: (size: number) => Uint8Array;
  readonly loopDelayMs: () => number;
  readonly #listeners: Listeners;
  #storeIsOpen = false;
  #closing: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    checkBrokerOptions(options);
    this.settings = settingsWith(options.settings);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? randomBytes;
    this.loopDelayMs = options.loopDelayMs ?? (options.clock === undefined ? loopGauge(() => this.now()) : () => 0);
    this.driverNode = createDriverNode(this.#clock);
    this.topics = new TopicCache(this.settings['limits.topics'], this.settings['limits.topicLevels']);
    this.recorder = new Recorder({ settings: this.settings, clock: this.#clock, log: options.recorderLog });
    this.observer = tellBoth(this.recorder, options.observe);
    this.losses = new Losses(this.counters, this.recorder, this.observer, () => this.wallNow());
    this.startedAt = this.#clock.wallNow();
    this.policies = new PolicyDesk(this, options);
    this.store = options.store;
    this.journal = new Journal(options.store, this.#clock, this.driverNode.turn);
    this.guard = new StoreGuard(this);
    this.permissions = new DeliveryPermissions(this);
    this.router = new Router(this);
    this.registry = new SessionRegistry(this);
    this.intake = new Intake(this, options);
    this.#applySettings();
    this.#listeners = new Listeners(this, this.intake);
  }

  /** Who is kept out, by offence or by hand. */
  get bans(): BanList {
    return this.intake.gatekeeper.bans;
  }

  /** It has been told to stop. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** URLs that clients can connect to. */
  get urls(): readonly string[] {
    return this.#listeners.all.map((listener) => listener.url);
  }

  /** In the order of the options; `setTls` gives one other certificates. */
  get listeners(): readonly NetworkListener[] {
    return this.#listeners.all;
  }

  /** Called by `createBroker`. */
  async open(options: BrokerOptions): Promise<void> {
    const { store } = this;
    await this.recorder.open();
    await this.bans.open();
    if (store !== undefined) {
      const opened = await store.open();
      this.#storeIsOpen = true;
      const contents = await this.#whenCounted(opened);
      this.journal.begin(contents, (fault) => this.#onFault(fault));
      this.registry.restore(contents);
      await this.guard.start();
      this.permissions.reviseAll();
    }
    for (const listener of options.listeners ?? []) {
      await this.listen(typeof listener === 'string' ? { url: listener } : listener);
    }
  }

  /** Listens on one more address. */
  listen(options: ListenerOptions): Promise<NetworkListener> {
    return this.#listeners.listen(options);
  }

  /**
   * Other TLS for the listener at this place of `listeners`, for connections to come. Files that are in use already are
   * only read again. Throws a ListenError, and goes on with what there was.
   */
  setTls(index: number, tls: TlsListenOptions | TlsFiles): void {
    this.#listeners.setTls(index, tls);
  }

  /**
   * Reads the TLS files of all listeners now, as at SIGHUP. False: some can't be used, and the observer was told; those
   * before stay in force.
   */
  reloadTls(): boolean {
    return this.#listeners.reloadTls();
  }

  /** Serves a connection that came by other means. */
  attach(transport: Transport, listener: ListenerInfo = { url: `${transport.info.kind}:`, versions: undefined }): void {
    this.intake.add(transport, listener);
  }

  /**
   * Takes a WebSocket upgrade of an HTTP server of this process: `server.on('upgrade', (request, socket, head) => …)`. What is no
   * upgrade to MQTT is answered in words and closed. `forwardedFrom`: HTTP proxies that are believed when they say whom they connect, as a
   * listener has them; absent: none. Throws RangeError for what is no address there.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, options: UpgradeOptions = {}): void {
    this.#listeners.upgrade(request, socket, head, options);
  }

  /**
   * Publishes a message of the broker's own process. Resolves once it is safe: at QoS 1 and 2 when every session that keeps it
   * has it on disk, at QoS 0 at once. Rejects with StoreError `store-failed` when the store does not take it: who is connected
   * gets it, for others it waits in memory alone; a promise that nobody looks at ends no program. Throws UsageError for a topic that is not valid.
   */
  publish(topic: string, payload: Uint8Array | string, options: PublishOptions = {}): Promise<void> {
    if (!isValidTopicName(topic)) throw new UsageError('topic-name-invalid', `'${topic}' is not a Topic Name`);
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const { qos = 0, retain = false, properties } = options;
    const publication = { topic, payload: bytes, qos, retain, properties };
    const isTaken = qos === 0 || this.guard.takes(this.router.storeBytes(publication));
    const refusal = isTaken ? undefined : this.guard.refusalOf(this.router.storeBytes(publication));
    const { ticket, rest } = this.router.publish(publication, undefined, NO_TICKET, this.now());
    if (refusal !== undefined) {
      const refused = Promise.reject(
        new StoreError('store-failed', `a message to ${topic} is not stored: ${storeProblem(refusal, 'en')}`),
      );
      refused.catch(() => undefined);
      return refused;
    }
    if (rest !== undefined && qos > 0) return rest.then((routed) => this.journal.untilSafe(routed.ticket));
    return qos === 0 || ticket <= this.journal.committed ? SAFE : this.journal.untilSafe(ticket);
  }

  /** Gives messages to this process. Returns how to stop it. Throws UsageError for a filter that is not valid. */
  subscribe(topicFilter: string, onMessage: (message: LocalMessage) => void): () => void {
    if (!isValidTopicFilter(topicFilter))
      throw new UsageError('topic-filter-invalid', `'${topicFilter}' is not a Topic Filter`);
    const subscriber: LocalSubscriber = { filter: topicFilter, onMessage };
    this.router.routes.addLocal(subscriber);
    return () => this.router.routes.removeLocal(subscriber);
  }

  /** Another Authorizer from here on, or none; what the one before has said is void. */
  setAuthorizer(authorize: Authorizer | undefined): void {
    this.policies.setAuthorizer(authorize);
    this.permissions.reviseAll();
  }

  /** Other settings from here on; those that are looked at once, at start, stay what they were. Throws SettingError. */
  configure(settings: Partial<Settings>): void {
    this.settings = settingsWith({ ...this.settings, ...settings });
    this.#applySettings();
  }

  /** Gives those parts their bounds that do not look them up each time. */
  #applySettings(): void {
    const { settings } = this;
    this.driverNode.input.limit = settings['limits.inputBytesNode'];
    this.driverNode.strangerInput.limit = settings['limits.inputBytesStrangers'];
    this.slab.limit = settings['limits.outputBytesNode'];
    this.registry.queueMemory.maximum = settings['queues.memoryBytes'];
    this.router.routes.configure(settings);
    this.intake.configure(settings);
    this.recorder.configure(settings);
  }

  /** What the Authorizer said before is void: its rules have changed. Deliveries follow them. */
  forgetPermissions(): void {
    this.policies.forget();
    this.permissions.reviseAll();
  }

  /**
   * Does long work (a listing, a search) in slices beside that of the clients, none of which then waits for it. `steps` yields after each piece
   * of a microsecond or a few; a value that it yields is passed over. Resolves with what it returns, rejects with what it throws.
   */
  inSlices<T>(steps: Iterator<unknown, T>): Promise<T> {
    return this.driverNode.turn.run(chargedSteps(steps, this.driverNode.turn));
  }

  /** Stops: no new connections, those there are told (0x8B) and closed, the store is committed and closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const listeners = this.#listeners.close();
    await this.intake.close(CLOSE_WITHIN_MS);
    await listeners;
    this.policies.close();
    this.driverNode.deadlines.close();
    await this.recorder.close();
    await this.bans.close();
    if (this.store !== undefined && this.#storeIsOpen) {
      this.router.finish();
      this.registry.estates.stop();
      this.registry.losses.flush();
      await this.store.close();
    }
  }

  /**
   * Queues that drop their oldest messages may be counted later and come down to their bounds then. What `refuse` and `drop-newest`
   * would have kept out can't be put out again: with these nobody is let in before all is counted.
   */
  async #whenCounted(contents: StoreContents): Promise<StoreContents> {
    const { counting, ...rest } = contents;
    const policy = this.settings['queue.policy'];
    if (counting === undefined || policy === 'drop-oldest' || policy === 'keep-last-per-topic') return contents;
    return { ...rest, queues: await counting };
  }

  // BrokerCore

  now(): number {
    return this.#clock.now();
  }

  wallNow(): number {
    return this.#clock.wallNow();
  }

  toWall(ms: number): number {
    return Math.round(ms + this.#clock.wallNow() - this.#clock.now());
  }

  fromWall(wallMs: number): number {
    return wallMs - this.#clock.wallNow() + this.#clock.now();
  }

  newClientId(): string {
    return Array.from(this.#random(22), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('');
  }

  #onFault(fault: Error | undefined): void {
    if (fault === undefined) this.observer.onWarning?.('store-works-again', 'the data directory can be written again');
    else this.observer.onWarning?.('store-fault', `the data directory cannot be written: ${fault.message}`);
  }
}

function* chargedSteps<T>(steps: Iterator<unknown, T>, turn: TurnBudget): Generator<undefined, T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    turn.spend(Work.api, WORK_OF_STEP);
    if (turn.isOver) yield;
  }
}
