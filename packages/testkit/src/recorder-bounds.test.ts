import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('./testing/fill-recorder.ts', import.meta.url));

// In a process of its own, for the heap of this one is not alone.
test.each(['short', 'long', 'wide'])(
  'the recorder grows by no more than twice recorder.bytes, with %s names and texts',
  async (shape) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      '--conditions=hawser-source',
      program,
      shape,
    ]);
    const seen = JSON.parse(stdout) as Record<'bound' | 'grown' | 'clients' | 'evicted', number>;
    expect(seen.evicted).toBeGreaterThan(0);
    expect(seen.clients).toBeGreaterThan(100);
    expect(seen.grown).toBeGreaterThan(seen.bound / 10);
    expect(seen.grown).toBeLessThan(2 * seen.bound);
  },
  60_000,
);
