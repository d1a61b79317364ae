import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LevelStore } from './level-store.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hawser-kill-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('LevelStore killed with -9', () => {
  it('has every message it said was committed, round after round', async () => {
    let before = 0;
    for (let round = 1; round <= 5; round++) {
      const acknowledged = await writeAndKill(20 * round);
      expect(acknowledged).toBeGreaterThan(before);
      const store = new LevelStore({ directory });
      const contents = await store.open();
      expect(contents.sessions).toHaveLength(1);
      expect(contents.nextSequence).toBeGreaterThan(acknowledged);
      const entries = await store.readQueue(1, 0, { messages: 1e6, bytes: 1e9 });
      const kept = new Set(entries.map((entry) => entry.sequence));
      for (let sequence = 1; sequence <= acknowledged; sequence++) {
        // Those that were deleted may be gone.
        if (sequence % 2 === 1 && !kept.has(sequence)) expect.fail(`round ${round}: ${sequence} is lost`);
      }
      await store.close();
      before = acknowledged;
    }
  }, 60_000);
});

/** Starts a writer, kills it after so many acknowledgements, and returns the last sequence it acknowledged. */
async function writeAndKill(acknowledgements: number): Promise<number> {
  const script = fileURLToPath(new URL('./testing/acknowledging-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=hawser-source', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('latin1');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > acknowledgements) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const lines = text.split('\n').slice(0, -1);
  return Number(lines.at(-1) ?? 0);
}
