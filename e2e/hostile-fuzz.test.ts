import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { run } from './support/processes.ts';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 60);
const SEED = process.env.HAWSER_SEED ?? '1';

describe('hostile clients', () => {
  test(
    'do not end the broker, do not make it grow, are told why, and leave honest clients served',
    async () => {
      const args = [
        '--conditions=hawser-source',
        'fuzz/run.ts',
        '--no-save',
        '--seconds',
        String(SECONDS),
        '--seed',
        SEED,
      ];
      const root = fileURLToPath(new URL('..', import.meta.url));
      const { code, stdout, stderr } = await run(process.execPath, args, {
        cwd: root,
        withinMs: (SECONDS + 50) * 1000,
      });
      process.stdout.write(stdout);
      expect(stdout, stderr).toMatch(/, 0 faults$/m);
      expect(code, stdout + stderr).toBe(0);
    },
    (SECONDS + 60) * 1000,
  );
});
