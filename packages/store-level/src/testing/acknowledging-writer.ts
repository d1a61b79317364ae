import { LevelStore } from '../level-store.ts';
import { deleteQueued, putQueued, putSession } from './operations.ts';

// Run as a process of its own, to be killed: writes without end and says on standard output what is committed, as a
// broker says it with a PUBACK. `node acknowledging-writer.ts DIRECTORY`

const store = new LevelStore({ directory: process.argv[2] ?? '' });
const { nextSequence } = await store.open();
/** Ticket and sequence of what was put, oldest first. */
const waiting: { readonly ticket: number; readonly sequence: number }[] = [];
let sequence = nextSequence;
let deleted = nextSequence;

store.onCommitted = (committed) => {
  let last = 0;
  while (waiting[0] !== undefined && waiting[0].ticket <= committed) last = waiting.shift()?.sequence ?? last;
  if (last > 0) process.stdout.write(`${last}\n`);
};

function work(): void {
  for (let count = 0; count < 20 && waiting.length < 400; count++, sequence++) {
    waiting.push({ ticket: store.append(putQueued(1, sequence)), sequence });
  }
  // Every other one is received at once, and gone.
  for (; deleted < sequence - 100; deleted++) if (deleted % 2 === 0) store.append(deleteQueued(1, deleted));
  setImmediate(work);
}

if (nextSequence === 1) store.append(putSession(1));
work();
