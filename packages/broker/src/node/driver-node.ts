import type { Clock } from '@hawser/transport';
import { Coalescer } from './coalescer.ts';
import { Deadlines } from './deadlines.ts';
import { FlushQueue } from './flush-queue.ts';
import { TurnBudget } from './turn-budget.ts';
import { WORK_KINDS } from './work-kinds.ts';

/** What all connections of a node share. */
export interface DriverNode {
  readonly clock: Clock;
  /** What may be done in one turn of the event loop. */
  readonly turn: TurnBudget;
  readonly deadlines: Deadlines;
  readonly flushQueue: FlushQueue;
  readonly coalescer: Coalescer;
  readonly input: InputPool;
}

/** Parts of packets that are held until the rest has come, of all connections. */
export interface InputPool {
  bytes: number;
  /** Over this the connection that brings more is ended. */
  limit: number;
}

export function createDriverNode(clock: Clock): DriverNode {
  const turn = new TurnBudget(clock, WORK_KINDS);
  return {
    clock,
    turn,
    deadlines: new Deadlines(clock, turn),
    flushQueue: new FlushQueue(turn),
    coalescer: new Coalescer(),
    input: { bytes: 0, limit: Number.POSITIVE_INFINITY },
  };
}
