/** Sessions that wait for one message: one, a few, or many. */
type Holders = number | number[] | Set<number>;

/** Above this many, looking through an array costs more than a Set. */
const MANY = 16;

/**
 * Who waits for which shared message. Exact, whatever is deleted twice or never was there, since a count that is one too
 * low deletes a message somebody waits for. A broker that gives a message one sequence and uses it for its queue
 * entries too costs 8 bytes an entry.
 */
export class MessageReferences {
  /** Message to the sessions whose entry of the same sequence refers to it. */
  readonly #holders = new Map<number, Holders>();
  /** Session, then entry sequence, to a message of another sequence. */
  readonly #others = new Map<number, Map<number, number>>();
  /** How many of those refer to a message. */
  readonly #otherCounts = new Map<number, number>();

  /** Whether anybody waits for the message, so that it is written already. */
  has(message: number): boolean {
    return this.#holders.has(message) || this.#otherCounts.has(message);
  }

  /** The messages somebody waits for, some perhaps twice. */
  *sequences(): IterableIterator<number> {
    yield* this.#holders.keys();
    yield* this.#otherCounts.keys();
  }

  add(session: number, sequence: number, message: number): void {
    if (sequence !== message) {
      const ofSession = this.#others.get(session) ?? new Map<number, number>();
      if (ofSession.get(sequence) === message) return;
      this.#others.set(session, ofSession);
      ofSession.set(sequence, message);
      this.#otherCounts.set(message, (this.#otherCounts.get(message) ?? 0) + 1);
      return;
    }
    const holders = this.#holders.get(message);
    if (holders === undefined) this.#holders.set(message, session);
    else if (typeof holders === 'number') {
      if (holders !== session) this.#holders.set(message, [holders, session]);
    } else if (Array.isArray(holders)) {
      if (holders.includes(session)) return;
      holders.push(session);
      if (holders.length > MANY) this.#holders.set(message, new Set(holders));
    } else holders.add(session);
  }

  /** A queue entry is gone. Returns the message that nobody waits for any more, or 0. */
  remove(session: number, sequence: number): number {
    return this.#removeSame(session, sequence) || this.#removeOther(session, sequence);
  }

  #removeSame(session: number, message: number): number {
    const holders = this.#holders.get(message);
    if (holders === undefined) return 0;
    if (typeof holders === 'number') {
      if (holders !== session) return 0;
    } else if (Array.isArray(holders)) {
      const at = holders.indexOf(session);
      if (at < 0) return 0;
      const last = holders.pop();
      if (last !== undefined && at < holders.length) holders[at] = last;
      if (holders.length > 0) return 0;
    } else if (!holders.delete(session) || holders.size > 0) return 0;
    this.#holders.delete(message);
    return this.has(message) ? 0 : message;
  }

  #removeOther(session: number, sequence: number): number {
    if (this.#others.size === 0) return 0;
    const ofSession = this.#others.get(session);
    const message = ofSession?.get(sequence);
    if (ofSession === undefined || message === undefined) return 0;
    ofSession.delete(sequence);
    if (ofSession.size === 0) this.#others.delete(session);
    const left = (this.#otherCounts.get(message) ?? 1) - 1;
    if (left > 0) {
      this.#otherCounts.set(message, left);
      return 0;
    }
    this.#otherCounts.delete(message);
    return this.has(message) ? 0 : message;
  }
}
