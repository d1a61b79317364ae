import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('nothing else in the command line writes to the terminal', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'output.ts',
  );
  const writers = files.filter((file) =>
    /\bstd(?:out|err)\.write\((?!'')|\bconsole\.(?:log|error|warn|info)\(/.test(
      readFileSync(join(import.meta.dirname, file), 'utf8'),
    ),
  );
  expect(writers).toEqual([]);
});
