import type { StoreProblem, Ticket } from '@hawser/protocol';
import { storeProblem } from '../causes/message-sentences.ts';
import type { BrokerCore } from '../core.ts';
import type { Timed } from '../node/deadlines.ts';
import type { StoreSpace } from './store.ts';

/** What a record of a session takes, about. */
const RECORD_BYTES = 1024;
/** How often the space is measured, and how often while there is little of it. */
const MEASURE_MS = 1000;
const MEASURE_SOON_MS = 100;
/**
 * The store is asked to give back what it does not need any more for a tenth of the time, and that at most, and at least, so often.
 */
const COMPACT_SHARE = 10;
const COMPACT_SOONEST_MS = 1000;
const COMPACT_LATEST_MS = 60_000;

/**
 * Says whether the store may grow: not while the disk fails, not while too much waits for it, not when there is too little
 * space. What would need it is refused then; what does not goes on.
 */
export class StoreGuard implements Timed {
  readonly #core: BrokerCore;
  #space: StoreSpace | undefined;
  #spaceRefusal: StoreProblem | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #mayCompactAtMs = 0;
  /** The last operation there was when it was asked. */
  #compactedTicket: Ticket | undefined;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  /** Why nothing may be added now; undefined: it may. */
  get refusal(): StoreProblem | undefined {
    const { store, settings } = this.#core;
    if (store === undefined) return undefined;
    const { fault } = store;
    if (fault !== undefined) return { is: 'store-failed', why: fault.message };
    if (this.#spaceRefusal !== undefined) return this.#spaceRefusal;
    const maximum = settings['data.pendingBytes'];
    return store.pendingBytes > maximum ? { is: 'store-behind', bytes: store.pendingBytes } : undefined;
  }

  /** The disk does not keep up: publishers should wait a moment. */
  get isSlow(): boolean {
    const { store, settings } = this.#core;
    return store !== undefined && store.pendingBytes > settings['data.pendingBytes'] / 2;
  }

  /** Whether so many bytes more may wait for the disk: never more than twice `data.pendingBytes` in all. */
  takes(bytes: number): boolean {
    const { store, settings } = this.#core;
    return store === undefined || store.pendingBytes + bytes <= 2 * settings['data.pendingBytes'];
  }

  /** Why a message that would be written with so many bytes cannot be taken now; undefined: it can. */
  refusalOf(bytes: number): StoreProblem | undefined {
    if (this.refusal !== undefined || this.takes(bytes)) return this.refusal;
    const maximum = 2 * this.#core.settings['data.pendingBytes'];
    return { is: 'store-cannot-hold', bytes, limit: maximum };
  }

  /** So much waits for a disk that fails that even what nobody could be refused for is not added any more. */
  get isOverflowing(): boolean {
    return !this.takes(RECORD_BYTES);
  }

  /** Why the disk has no room; undefined: it has. */
  get spaceRefusal(): StoreProblem | undefined {
    return this.#spaceRefusal;
  }

  /** As it was measured last; undefined: it never was. */
  get space(): StoreSpace | undefined {
    return this.#space;
  }

  /** Measures now, and then again and again. */
  async start(): Promise<void> {
    await this.#measure();
    if (this.#space !== undefined) this.#measureAgain();
  }

  nextTimeout(): number {
    return this.#dueAtMs;
  }

  handleTimeout(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#measure().then(() => this.#measureAgain());
  }

  #measureAgain(): void {
    const { driverNode, settings } = this.#core;
    const isLow = this.#space !== undefined && this.#space.freeBytes < 4 * settings['data.freeBytesMin'];
    this.#dueAtMs = this.#core.now() + (isLow ? MEASURE_SOON_MS : MEASURE_MS);
    driverNode.deadlines.watch(this);
  }

  async #measure(): Promise<void> {
    const { store } = this.#core;
    try {
      this.#space = await store?.measure();
    } catch {
      // A disk that cannot say how full it is shows what is wrong with it where it matters: in what is written.
      this.#space = undefined;
    }
    this.#setRefusal(this.#space === undefined ? undefined : this.#judge(this.#space));
  }

  #judge({ dataBytes, freeBytes }: StoreSpace): StoreProblem | undefined {
    const { 'data.bytesMax': maximum, 'data.freeBytesMin': minimum } = this.#core.settings;
    if (freeBytes < minimum) return { is: 'disk-full', free: freeBytes, minimum };
    if (maximum > 0 && dataBytes > maximum) return { is: 'data-full', bytes: dataBytes, limit: maximum };
    return undefined;
  }

  #setRefusal(refusal: StoreProblem | undefined): void {
    const { observer } = this.#core;
    const before = this.#spaceRefusal;
    this.#spaceRefusal = refusal;
    if (refusal !== undefined && before === undefined)
      observer.onWarning?.('data-full', `nothing is added to the data directory: ${storeProblem(refusal, 'en')}`);
    if (refusal === undefined && before !== undefined)
      observer.onWarning?.('data-has-room', 'there is room in the data directory again');
    if (refusal !== undefined) this.#compact();
  }

  /** What was deleted takes room until it is cleared away, and nothing that is written would do that now. */
  #compact(): void {
    const { store } = this.#core;
    const now = this.#core.now();
    // What nobody has deleted anything from since has nothing to give.
    const { last: lastTicket } = this.#core.journal;
    if (store?.fault !== undefined || now < this.#mayCompactAtMs || lastTicket === this.#compactedTicket) return;
    this.#mayCompactAtMs = Number.POSITIVE_INFINITY;
    this.#compactedTicket = lastTicket;
    const again = (): void => {
      const pause = COMPACT_SHARE * (this.#core.now() - now);
      this.#mayCompactAtMs = this.#core.now() + Math.min(COMPACT_LATEST_MS, Math.max(COMPACT_SOONEST_MS, pause));
    };
    store?.compact().then(again, again);
  }
}
