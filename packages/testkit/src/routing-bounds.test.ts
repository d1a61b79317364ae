import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('./testing/fill-routing.ts', import.meta.url));

// In a process of its own, for the heap of this one is not alone.
describe('in the worst shape a peer can send the process grows by no more than twice the bound', () => {
  test.each([
    ['retained', 'short'],
    ['retained', 'deep until they part'],
    ['retained', 'binary'],
    ['routes', 'short'],
    ['routes', 'alone and deep'],
    ['routes', 'binary'],
    ['shared', 'short'],
    ['subscriptions', 'short'],
    ['subscriptions', 'deep until they part'],
    ['subscriptions', 'long levels'],
    ['subscriptions', 'binary'],
  ])(
    '%s: %s',
    async (bound, names) => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--expose-gc',
        '--conditions=hawser-source',
        program,
        bound,
        names,
      ]);
      const seen = JSON.parse(stdout) as Record<'bound' | 'grown', number> & { readonly isFull: boolean };
      expect(seen.isFull).toBe(true);
      expect(seen.grown).toBeGreaterThan(seen.bound / 10);
      expect(seen.grown).toBeLessThan(2 * seen.bound);
    },
    60_000,
  );
});
