import { randomInt } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isLazyOperation,
  type Store,
  type StoreBackup,
  type StoreContents,
  type StoredQueueEntry,
  type StoredQueueSummary,
  StoreError,
  type StoreOperation,
  type StoreSpace,
  Tickets,
} from '@hawser/broker';
import type { Ticket } from '@hawser/protocol';
import { assertSoundFiles } from './check.ts';
import type { Batch } from './commit/batch.ts';
import { type BatchNumbers, batchNumberKey, readBatchNumber, writeBatchNumber } from './commit/batch-ring.ts';
import { CommitMarker } from './commit/commit-marker.ts';
import { GroupCommit, type Schedule, scheduleTimeout } from './commit/group-commit.ts';
import { compactWithin } from './compact-ranges.ts';
import { copyDatabase } from './copy-database.ts';
import { type CountedQueues, countQueues, type Snapshot } from './count-queues.ts';
import {
  type DatabaseOptions,
  directoryBytes,
  exists,
  isDiskFull,
  keepPrivate,
  type LevelDatabase,
  makeDirectory,
  openDatabase,
  syncDirectory,
  toStoreError,
  withDirectory,
} from './database.ts';
import { encodeOperation } from './encode-operation.ts';
import { checkFormat } from './format.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { LiveDatabase, storeClosed } from './live-database.ts';
import { loadContents } from './load-contents.ts';
import { readQueuePage } from './read-queue.ts';
import { Reserve } from './reserve.ts';
import { StoreIndex } from './store-index.ts';

/** Options of LevelStore. */
export interface LevelStoreOptions {
  /** Where the data is; made when it is not there. One process at a time. */
  readonly directory: string;
  /** LevelDB's cache of blocks, bytes (default 8 MiB). */
  readonly cacheBytes?: number;
  /** How long operations that force no sync wait for others, milliseconds (default 100). */
  readonly lazyDelayMs?: number;
  /** Above this a batch is closed and the next begun, bytes (default 1 MiB). */
  readonly maxBatchBytes?: number;
  /** Queues of more data than this are counted after the store is open, bytes (default 32 MiB). */
  readonly countWithinBytes?: number;
  /** Opens LevelDB; tests hand in one that fails. */
  readonly openDatabase?: (directory: string, options: DatabaseOptions) => Promise<LevelDatabase>;
  /** Timers; tests hand in their own. */
  readonly schedule?: Schedule;
}

const COUNT_WITHIN_BYTES = 32 * 1024 * 1024;

/**
 * The durable store: LevelDB with group commit. A ticket is committed when `fdatasync` has returned for the batch it is
 * in, so what is acknowledged survives kill -9 and power loss. Every write is synced; operations that force no sync wait
 * for one that does, or a moment.
 *
 * When the disk fails, `fault` says why, nothing is committed, and what was appended is kept in memory
 * (`pendingBytes`); the store opens LevelDB again and again until it works, writes what it kept, and goes on.
 */
export class LevelStore implements Store {
  readonly durable = true;
  onCommitted: ((committed: Ticket) => void) | undefined = undefined;
  onFault: ((fault: Error | undefined) => void) | undefined = undefined;
  readonly #directory: string;
  readonly #options: LevelStoreOptions;
  readonly #schedule: Schedule;
  readonly #reserve: Reserve;
  #state: 'closed' | 'opening' | 'open' | 'closing' = 'closed';
  readonly #tickets = new Tickets();
  #committed: Ticket = 0;
  #index = new StoreIndex();
  #commit: GroupCommit;
  #garbage: GarbageCollector;
  readonly #live: LiveDatabase;
  #marker: CommitMarker | undefined;
  /** Number of the batch that was sealed last, and of the one that was committed last. */
  #sealedBatch = 0;
  #committedBatch = 0;
  #writer = 0;
  /** Something that was found to be missing or altered after the store was opened. */
  #damage: StoreError | undefined;
  #counted: Promise<void> = Promise.resolve();

  constructor(options: LevelStoreOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#schedule = options.schedule ?? scheduleTimeout;
    this.#reserve = new Reserve(this.#directory);
    this.#live = this.#makeLiveDatabase();
    this.#commit = this.#makeCommit();
    this.#garbage = this.#makeGarbageCollector();
  }

  get committed(): Ticket {
    return this.#committed;
  }

  get fault(): Error | undefined {
    return this.#damage ?? this.#live.fault;
  }

  /** Resolves when all queues have been counted: at once, unless there is much to count. */
  get counted(): Promise<void> {
    return this.#counted;
  }

  /** Bytes that were appended and are not on disk: what a disk that fails, or is slow, costs in memory. */
  get pendingBytes(): number {
    return this.#commit.pendingBytes;
  }

  /** Whether what ended sessions have left is being cleared. */
  get isClearing(): boolean {
    return this.#garbage.isRunning;
  }

  async open(): Promise<StoreContents> {
    if (this.#state !== 'closed') throw new StoreError('store-not-open', 'This store is open already.');
    this.#state = 'opening';
    try {
      const contents = await this.#open();
      this.#state = 'open';
      return contents;
    } catch (error) {
      await this.#release();
      this.#state = 'closed';
      throw withDirectory(toStoreError(error, this.#directory), this.#directory);
    }
  }

  append(operation: StoreOperation): Ticket {
    this.#assertOpen();
    const batch = this.#commit.filling;
    const { count, bytes } = batch;
    let garbage: number;
    try {
      garbage = encodeOperation(batch, this.#index, operation);
    } catch (error) {
      batch.rollBack(count, bytes);
      throw error;
    }
    const ticket = this.#tickets.next();
    this.#commit.added(ticket, isLazyOperation(operation));
    if (!this.#tickets.isGrouping) this.#commit.endOperation();
    if (garbage !== 0) this.#garbage.addSession(garbage);
    return ticket;
  }

  begin(): void {
    this.#tickets.begin();
  }

  end(): Ticket {
    const ticket = this.#tickets.end();
    this.#commit.endOperation();
    return ticket;
  }

  async readQueue(
    session: number,
    afterSequence: number,
    limit: { readonly messages: number; readonly bytes: number },
  ): Promise<readonly StoredQueueEntry[]> {
    this.#assertOpen();
    for (;;) {
      const head = this.#index.head(session);
      const mayHaveSome = head !== undefined || (this.#index.isCounting && this.#index.isLive(session));
      if (!mayHaveSome || limit.messages < 1) return [];
      await this.#commit.flush(this.#tickets.last);
      const database = await this.#live.whenHealthy();
      const { puts = 0 } = head ?? {};
      // Before all is counted a head is that of what came since, and older entries may lie in front of it.
      const sequence = this.#index.isCounting ? 0 : (head?.sequence ?? 0);
      const from = Math.max(sequence, afterSequence + 1);
      try {
        const page = await readQueuePage(database, session, from, limit);
        const first = page[0];
        // What was read from the head on and not added to meanwhile begins where the first entry was found.
        const isKnown = head !== undefined && !this.#index.isCounting;
        if (isKnown && first !== undefined && from === sequence && head.sequence === sequence && head.puts === puts) {
          head.sequence = first.sequence;
        }
        return page;
      } catch (error) {
        // A fault that began meanwhile has taken the database away: read again when it works.
        if (this.#state !== 'open' || database === this.#live.current) throw toStoreError(error, this.#directory);
      }
    }
  }

  /** Bytes of LevelDB's files, and what the file system has left. */
  async measure(): Promise<StoreSpace> {
    const [dataBytes, { bavail, bsize }] = await Promise.all([
      directoryBytes(join(this.#directory, 'db')),
      statfs(this.#directory),
    ]);
    const freeBytes = bavail * bsize;
    if (this.#state === 'open' && this.fault === undefined) this.#reserve.keep(freeBytes);
    return { dataBytes, freeBytes };
  }

  async backup(directory: string): Promise<StoreBackup> {
    this.#assertOpen();
    if (this.fault !== undefined) throw this.fault;
    try {
      await this.#commit.flush(this.#tickets.last);
      return await copyDatabase(await this.#live.whenHealthy(), directory);
    } catch (error) {
      throw toStoreError(error, directory);
    }
  }

  async compact(): Promise<void> {
    const { current: database, fault } = this.#live;
    if (this.#state !== 'open' || fault !== undefined || database === undefined) return;
    await compactWithin(database, async () => (await this.measure()).freeBytes);
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    try {
      const collected = this.#garbage.stop();
      await this.#live.tryLast();
      await this.#commit.flush(this.#tickets.last);
      await Promise.all([collected, this.#counted]);
      // The garbage collector's last page.
      await this.#commit.flush(this.#tickets.last);
    } catch (error) {
      const lost = this.#tickets.last - this.#committed;
      const why = toStoreError(error, this.#directory).message;
      throw new StoreError('store-failed', `${lost} operations could not be written. ${why}`, { cause: error });
    } finally {
      await this.#release();
      this.#state = 'closed';
    }
  }

  async #open(): Promise<StoreContents> {
    await makeDirectory(this.#directory);
    const markerPath = join(this.#directory, 'committed');
    const marked = await CommitMarker.read(markerPath);
    await assertSoundFiles(this.#directory, marked);
    const database = await this.#openDatabase(marked !== undefined);
    this.#live.begin(database);
    await checkFormat(database, this.#directory, marked);
    const { contents, index, numbers, orphans } = await loadContents(database, marked ?? 0);
    const { countWithinBytes = COUNT_WITHIN_BYTES } = this.#options;
    const isSmall = (await directoryBytes(join(this.#directory, 'db'))) <= countWithinBytes;
    const counted = isSmall ? await countQueues(database, index, contents.outbound) : undefined;
    this.#marker = await CommitMarker.open(markerPath, numbers.last, marked === undefined);
    if (marked === undefined) await syncDirectory(this.#directory);
    this.#index = index;
    this.#sealedBatch = numbers.last;
    this.#committedBatch = numbers.last;
    this.#writer = randomInt(2 ** 32);
    this.#committed = this.#tickets.last;
    this.#damage = undefined;
    this.#commit = this.#makeCommit();
    this.#garbage = this.#makeGarbageCollector();
    for (const session of orphans) this.#garbage.addSession(session);
    if (counted === undefined)
      return { ...contents, counting: this.#countLater(database.snapshot(), contents.outbound) };
    this.#onCounted(counted);
    return { ...contents, queues: counted.queues };
  }

  /** Counts while the store is in use. A fault begins it anew; damage is a fault that stays. */
  #countLater(first: Snapshot, outbound: StoreContents['outbound']): Promise<readonly StoredQueueSummary[]> {
    const index = this.#index;
    index.startCounting();
    const isStopped = (): boolean => this.#state === 'closing' || this.#state === 'closed' || this.#index !== index;
    const flush = (): Promise<void> => this.#commit.flush(this.#tickets.last);
    let snapshot: Snapshot | undefined = first;
    const count = async (): Promise<readonly StoredQueueSummary[]> => {
      // Never before the store has been opened.
      await new Promise((resolve) => setImmediate(resolve));
      for (;;) {
        const database = await this.#live.whenHealthy();
        try {
          snapshot ??= database.snapshot();
          const counted = await countQueues(database, index, outbound, { snapshot, isStopped, flush });
          if (counted === undefined) throw storeClosed();
          this.#onCounted({ ...counted, unreferenced: [...counted.unreferenced, ...index.endCounting()] });
          return counted.queues;
        } catch (error) {
          snapshot = undefined;
          const told = toStoreError(error, this.#directory);
          if (isStopped() || told.code === 'store-not-open') throw told;
          if (told.code === 'store-damaged') {
            this.#damage = withDirectory(told, this.#directory);
            this.onFault?.(this.#damage);
            throw this.#damage;
          }
          // The database was closed for a fault, and is another when that is over.
          if (database === this.#live.current) throw told;
        }
      }
    };
    const counting = count();
    this.#counted = counting.then(
      () => undefined,
      () => undefined,
    );
    return counting;
  }

  #onCounted({ orphans, unreferenced }: CountedQueues): void {
    this.#garbage.addMessages(unreferenced);
    for (const session of orphans) this.#garbage.addSession(session);
  }

  async #openDatabase(mustExist: boolean): Promise<LevelDatabase> {
    const directory = join(this.#directory, 'db');
    if (!mustExist) await makeDirectory(directory);
    if (await exists(directory)) await keepPrivate(directory);
    const open = this.#options.openDatabase ?? openDatabase;
    const options = { cacheBytes: this.#options.cacheBytes ?? 8 * 1024 * 1024 };
    try {
      return await open(directory, options);
    } catch (error) {
      // To open it, LevelDB writes: what it has in its log, and which tables there are.
      if (!isDiskFull(error) || !(await this.#reserve.release())) throw error;
      return open(directory, options);
    }
  }

  async #release(): Promise<void> {
    this.#commit.stop(storeClosed());
    await this.#live.close();
    await this.#reserve.settled();
    await this.#marker?.close();
    this.#marker = undefined;
  }

  #makeLiveDatabase(): LiveDatabase {
    return new LiveDatabase({
      directory: this.#directory,
      schedule: this.#schedule,
      reopen: async () => {
        if (isDiskFull(this.fault)) await this.#reserve.release();
        return this.#openDatabase(true);
      },
      assertOurs: (database) => this.#assertOurs(database),
      onReopened: () => this.#commit.resume(),
      onFault: (fault) => this.onFault?.(fault),
      isOpen: () => this.#state === 'open',
    });
  }

  #makeCommit(): GroupCommit {
    return new GroupCommit({
      committed: this.#tickets.last,
      maxBatchBytes: this.#options.maxBatchBytes ?? 1024 * 1024,
      lazyDelayMs: this.#options.lazyDelayMs ?? 100,
      schedule: this.#schedule,
      seal: (batch) => this.#seal(batch),
      write: (batch) => this.#write(batch),
      onCommitted: (batch) => this.#handleCommitted(batch),
      onFailed: (error) => this.#handleFailed(error),
    });
  }

  #makeGarbageCollector(): GarbageCollector {
    return new GarbageCollector({
      index: this.#index,
      database: () => this.#live.whenHealthy(),
      flush: () => this.#commit.flush(this.#tickets.last),
      commit: (encode) => {
        encode(this.#commit.filling);
        this.#commit.added(this.#tickets.next(), true);
        this.#commit.endOperation();
        return this.#commit.flush(this.#tickets.last);
      },
      // What could not be cleared now is found at the next start; a disk that fails is seen by the batches.
      onError: () => undefined,
    });
  }

  #seal(batch: Batch): void {
    const { nextSession, nextSequence } = this.#index;
    batch.number = ++this.#sealedBatch;
    writeBatchNumber(batch, { last: batch.number, nextSession, nextSequence, writer: this.#writer });
  }

  async #write(batch: Batch): Promise<void> {
    const database = this.#live.current;
    if (database === undefined) throw storeClosed();
    const target = database.batch();
    batch.writeTo(target);
    await target.write({ sync: true });
  }

  #handleCommitted(batch: Batch): void {
    this.#committed = batch.ticket;
    this.#committedBatch = batch.number;
    this.#marker?.set(batch.number);
    this.#live.heal();
    this.onCommitted?.(batch.ticket);
  }

  #handleFailed(error: unknown): void {
    const isClosing = this.#state === 'closing';
    this.#live.fail(error, isClosing);
    if (isClosing) this.#commit.stop(error);
  }

  /** Between closing and opening again somebody else may have written, or the disk may have lost what was committed. */
  async #assertOurs(database: LevelDatabase): Promise<void> {
    const readSlot = async (number: number): Promise<BatchNumbers | undefined> => {
      const key = batchNumberKey(number);
      const value = await database.get(key);
      return value === undefined ? undefined : readBatchNumber(key, value);
    };
    const committed = this.#committedBatch;
    const next = await readSlot(committed + 1);
    const isWhole = committed === 0 || (await readSlot(committed))?.last === committed;
    const isOurs = next === undefined || next.last <= committed || next.writer === this.#writer;
    if (isWhole && isOurs) return;
    const words = 'what was committed is not there any more, or another process has written in between';
    throw new StoreError('store-damaged', `The data in ${this.#directory} is damaged: ${words}. Restart the broker.`);
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new StoreError('store-not-open', 'The store is not open: call open() first.');
  }
}
