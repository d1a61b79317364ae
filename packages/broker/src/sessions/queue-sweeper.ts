import type { BrokerCore } from '../core.ts';
import type { Timed } from '../node/deadlines.ts';
import type { ClientSession } from './client-session.ts';

/** Between two rounds, and between two slices of one. */
const ROUND_MS = 10_000;
const SLICE_MS = 100;
const SLICE = 10_000;

/** A wall clock that is set by less than this does no harm. */
const WALL_JUMP_MS = 60_000;

/** Looks now and then at the queues of those who are not connected: what has expired or is too old goes without them. */
export class QueueSweeper implements Timed {
  readonly #core: BrokerCore;
  readonly #roundMs: number;
  #round: Iterator<ClientSession> | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #wallOffsetMs: number;

  constructor(core: BrokerCore) {
    this.#core = core;
    this.#wallOffsetMs = core.toWall(0);
    const ageMs = core.settings['queue.age'] * 1000;
    this.#roundMs = ageMs === 0 ? ROUND_MS : Math.min(ROUND_MS, Math.max(SLICE_MS, ageMs / 4));
  }

  /** There is a session to look at. */
  start(): void {
    if (this.#dueAtMs !== Number.POSITIVE_INFINITY) return;
    this.#dueAtMs = this.#core.now() + this.#roundMs;
    this.#core.driverNode.deadlines.watch(this);
  }

  nextTimeout(): number {
    return this.#dueAtMs;
  }

  handleTimeout(now: number): void {
    const { registry } = this.#core;
    if (this.#round === undefined) this.#watchWallClock();
    this.#round ??= registry.values();
    for (let count = 0; count < SLICE; count++) {
      const { done, value } = this.#round.next();
      if (done === true) {
        this.#round = undefined;
        this.#dueAtMs = registry.size === 0 ? Number.POSITIVE_INFINITY : now + this.#roundMs;
        return;
      }
      value.session.queue.sweep(now);
    }
    this.#dueAtMs = now + SLICE_MS;
  }

  /** The wall clock was set: deadlines are written down anew, or a restart would take the jump for time that has passed. */
  #watchWallClock(): void {
    const offset = this.#core.toWall(0);
    if (Math.abs(offset - this.#wallOffsetMs) < WALL_JUMP_MS) return;
    this.#wallOffsetMs = offset;
    for (const session of this.#core.registry.values())
      if (session.holder === undefined) this.#core.registry.save(session);
  }
}
