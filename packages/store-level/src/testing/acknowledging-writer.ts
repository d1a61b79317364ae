import { writeSync } from 'node:fs';
import { LevelStore } from '../level-store.ts';
import { deleteQueued, putQueued, putSession } from './operations.ts';

// Run as a process of its own, to be killed: writes without end and says on standard output what is committed, as a
// broker says it with a PUBACK. `node acknowledging-writer.ts DIRECTORY [PAYLOAD_BYTES [MESSAGES]]`: with MESSAGES it closes
// the store after so many and ends.

const store = new LevelStore({ directory: process.argv[2] ?? '' });
const { nextSequence } = await store.open();
const payload = new Uint8Array(Number(process.argv[3] ?? 3)).fill(0x78);
const last = nextSequence + Number(process.argv[4] ?? Number.POSITIVE_INFINITY);
/** Ticket and sequence of what was put, oldest first. */
const waiting: { readonly ticket: number; readonly sequence: number }[] = [];
let sequence = nextSequence;
let deleted = nextSequence;

store.onCommitted = (committed) => {
  let acknowledged = 0;
  while (waiting[0] !== undefined && waiting[0].ticket <= committed) {
    acknowledged = waiting.shift()?.sequence ?? acknowledged;
  }
  if (acknowledged > 0) writeSync(1, `${acknowledged}\n`);
};

function work(): void {
  for (let count = 0; count < 20 && waiting.length < 400 && sequence < last; count++, sequence++) {
    waiting.push({ ticket: store.append(putQueued(1, sequence, { payload })), sequence });
  }
  // Every other one is received at once, and gone.
  for (; deleted < sequence - 100; deleted++) if (deleted % 2 === 0) store.append(deleteQueued(1, deleted));
  if (sequence < last) setImmediate(work);
  else void store.close();
}

if (nextSequence === 1) store.append(putSession(1));
work();
