import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LevelStore } from '@hawser/store-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PowerLossReplay, type Unsynced } from './support/power-loss.ts';
import { readTrace, type SystemCall } from './support/system-calls.ts';

const CALLS = 'openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,close,rename,unlink';
const MESSAGES = 6000;
const PAYLOAD_BYTES = 1500;
/** Of all moments at which the power could go; HAWSER_MOMENTS=1000 takes each. */
const MOMENTS = Number(process.env.HAWSER_MOMENTS ?? 20);

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const seed = Number(process.env.HAWSER_SEED ?? Date.now() % 1_000_000);
let base: string;
let data: string;
let calls: readonly SystemCall[] = [];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-power-'));
  data = join(base, 'data');
  if (!hasStrace) return;
  const trace = join(base, 'trace');
  const writer = fileURLToPath(new URL('../packages/store-level/src/testing/acknowledging-writer.ts', import.meta.url));
  const strace = ['-f', '-y', '-xx', '-s', '2000000', '-e', `trace=${CALLS}`, '-o', trace];
  // Twice: the second run finds what the first has left, and begins with new files.
  for (const _ of [1, 2]) {
    const node = [process.execPath, '--conditions=hawser-source', writer, data, `${PAYLOAD_BYTES}`, `${MESSAGES / 2}`];
    const { status, stderr } = spawnSync('strace', [...strace, '-A', ...node], { encoding: 'utf8', maxBuffer: 1e8 });
    if (status !== 0) throw new Error(stderr);
  }
  calls = readTrace(await readFile(trace, 'latin1'));
}, 120_000);

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

describe(`the power goes while a LevelStore is being written (seed ${seed})`, () => {
  const cases: readonly (readonly [Unsynced, boolean])[] = [
    ['nothing', false],
    ['nothing', true],
    ['some pages', false],
    ['some pages', true],
    ['everything', true],
  ];
  it.skipIf(!hasStrace).each(cases)(
    'of what was not synced there is %s, names of files late: %s; all that was acknowledged is there',
    async (unsynced, lateNames) => {
      const random = randomNumbers(seed);
      const moments = countMoments();
      expect(moments, 'syncs and acknowledgements').toBeGreaterThan(50);
      const chosen = new Set(Array.from({ length: MOMENTS }, () => Math.floor(random() * moments)));
      // A database that is being made is the most delicate.
      for (const always of [0, 1, 2, 3, 4, 5, 6, moments - 1]) chosen.add(always);
      const replay = new PowerLossReplay(data, calls);
      for (let at = 0; ; at++) {
        const moment = replay.step();
        if (moment === undefined) break;
        if (!chosen.has(at)) continue;
        const directory = join(base, 'after');
        await replay.build(directory, unsynced, lateNames, random);
        await expectAcknowledged(directory, moment.said, `moment ${at} of ${moments}, after ${moment.after}`);
      }
    },
    120_000,
  );
});

function countMoments(): number {
  const replay = new PowerLossReplay(data, calls);
  let count = 0;
  while (replay.step() !== undefined) count++;
  return count;
}

/** The writer says the last sequence that is committed, and deletes even ones a hundred behind what it appends. */
async function expectAcknowledged(directory: string, said: string, words: string): Promise<void> {
  const acknowledged = Number(said.trimEnd().split('\n').at(-1) ?? 0);
  const store = new LevelStore({ directory });
  const contents = await store.open().catch((error: unknown) => {
    throw new Error(`${words}: ${String(error)}`);
  });
  const kept = new Set((await store.readQueue(1, 0, { messages: 1e6, bytes: 1e9 })).map(({ sequence }) => sequence));
  await store.close();
  expect(contents.nextSequence, words).toBeGreaterThan(acknowledged);
  for (let sequence = 1; sequence <= acknowledged; sequence += 2) {
    if (!kept.has(sequence)) expect.fail(`${words}: ${sequence} of ${acknowledged} is lost`);
  }
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function randomNumbers(start: number): () => number {
  let current = start >>> 0;
  return () => {
    current = (current + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(current ^ (current >>> 15), current | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
