import { MessageReferences } from './message-references.ts';

/** Where a session's queue begins on disk, and a count that tells whether something was added meanwhile. */
export interface QueueHead {
  /** No entry has a lower sequence. */
  sequence: number;
  puts: number;
}

/** What a LevelStore keeps in memory of what it has on disk. */
export class StoreIndex {
  /** By Client ID. */
  readonly #sessions = new Map<string, number>();
  readonly #numbers = new Set<number>();
  readonly references = new MessageReferences();
  /** Of the sessions that have, or had, something in their queue. Seeking there passes by deleted keys, which cost time. */
  readonly #heads = new Map<number, QueueHead>();
  nextSession = 1;
  nextSequence = 1;
  /** While queues are being counted: from here on sequences are new. */
  #firstNew = Number.POSITIVE_INFINITY;
  /** Entries that were put again or deleted meanwhile, by session, and old messages that nobody known waits for. */
  #touched: Map<number, Set<number>> | undefined;
  #freed: number[] = [];

  /** Queues are about to be counted, while the store is in use. */
  startCounting(): void {
    this.#firstNew = this.nextSequence;
    this.#touched = new Map();
  }

  /** All is counted. Returns the messages that were left meanwhile, and that nobody waits for. */
  endCounting(): number[] {
    const freed = this.#freed.filter((sequence) => !this.references.has(sequence));
    this.#firstNew = Number.POSITIVE_INFINITY;
    this.#touched = undefined;
    this.#freed = [];
    return freed;
  }

  /** Not everything that is queued is known yet. */
  get isCounting(): boolean {
    return this.#touched !== undefined;
  }

  /** It was there before the counting began. */
  isOld(sequence: number): boolean {
    return sequence < this.#firstNew;
  }

  wasTouched(session: number, sequence: number): boolean {
    return this.#touched?.get(session)?.has(sequence) === true;
  }

  /** An entry is gone, or is about to be put again. Returns the message that nobody waits for any more, or 0. */
  release(session: number, sequence: number): number {
    const freed = this.references.remove(session, sequence);
    if (this.#touched === undefined) return freed;
    if (this.isOld(sequence)) {
      const touched = this.#touched.get(session) ?? new Set();
      this.#touched.set(session, touched);
      touched.add(sequence);
    }
    if (freed === 0 || !this.isOld(freed)) return freed;
    // Somebody may wait for it who has not been counted yet.
    this.#freed.push(freed);
    return 0;
  }

  isLive(session: number): boolean {
    return this.#numbers.has(session);
  }

  sessionOf(clientId: string): number | undefined {
    return this.#sessions.get(clientId);
  }

  /** Returns the number of the session it replaces, or 0. */
  addSession(clientId: string, session: number): number {
    const before = this.#sessions.get(clientId);
    if (before === session) return 0;
    if (before !== undefined) this.#dropNumber(before);
    this.#sessions.set(clientId, session);
    this.#numbers.add(session);
    if (session >= this.nextSession) this.nextSession = session + 1;
    return before ?? 0;
  }

  renameSession(from: string, to: string, session: number): void {
    this.#sessions.delete(from);
    this.#sessions.set(to, session);
  }

  removeSession(clientId: string, session: number): void {
    this.#sessions.delete(clientId);
    this.#dropNumber(session);
  }

  usedSequence(sequence: number): void {
    if (sequence >= this.nextSequence) this.nextSequence = sequence + 1;
  }

  head(session: number): QueueHead | undefined {
    return this.#heads.get(session);
  }

  queued(session: number, sequence: number): void {
    const head = this.#heads.get(session);
    if (head === undefined) {
      this.#heads.set(session, { sequence, puts: 1 });
      return;
    }
    head.puts++;
    if (sequence < head.sequence) head.sequence = sequence;
  }

  unqueued(session: number, sequence: number): void {
    const head = this.#heads.get(session);
    if (head !== undefined && head.sequence === sequence) head.sequence = sequence + 1;
  }

  #dropNumber(session: number): void {
    this.#numbers.delete(session);
    this.#heads.delete(session);
  }
}
