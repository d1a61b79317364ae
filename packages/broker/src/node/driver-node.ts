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
  /** Of those who have been let in. */
  readonly input: InputPool;
  /** Of those who have not: whatever they hold takes nothing from the others. */
  readonly strangerInput: InputPool;
}

/** Parts of packets that are held until the rest has come, of many connections. */
export interface InputPool {
  /** Memory that they take. */
  bytes: number;
  /** Over this the connection that brings more is ended. */
  limit: number;
  /** A connection that holds no more than this is not the one that is ended. */
  readonly little: number;
}

/** A CONNECT comes in one piece mostly, and few have more than a kilobyte. */
const LITTLE_OF_STRANGERS = 1024;
const LITTLE_INPUT = 16 * 1024;

export function createDriverNode(clock: Clock): DriverNode {
  const turn = new TurnBudget(clock, WORK_KINDS);
  return {
    clock,
    turn,
    deadlines: new Deadlines(clock, turn),
    flushQueue: new FlushQueue(turn),
    coalescer: new Coalescer(),
    input: { bytes: 0, limit: Number.POSITIVE_INFINITY, little: LITTLE_INPUT },
    strangerInput: { bytes: 0, limit: Number.POSITIVE_INFINITY, little: LITTLE_OF_STRANGERS },
  };
}
