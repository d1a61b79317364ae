import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from './support/processes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const guide = readFileSync(`${root}docs/embedding.md`, 'utf8');
const sources = ['policies.ts'].map((file) => readFileSync(`${root}packages/broker/src/policy/${file}`, 'utf8')).join();

describe('docs/embedding.md', () => {
  const samples = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, sample = '']) => sample);

  it.each(samples.map((sample) => [/^console\.log\('(.*)'\);$/m.exec(sample)?.[1] ?? '', sample]))(
    'has a sample of %s that runs',
    async (name, sample) => {
      const args = ['--conditions=hawser-source', '--input-type=module-typescript', '--eval', sample];
      const { code, stdout, stderr } = await run(process.execPath, args, { cwd: root });
      expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: `${name}\n` });
    },
  );

  it('has the signature of each hook as the source has it, and a sample', () => {
    const signatures = [...guide.matchAll(/^```ts signature\n([\s\S]*?)^```/gm)].map(([, text = '']) => text.trim());
    expect(signatures).toHaveLength(3);
    for (const signature of signatures) expect(sources).toContain(`export ${signature}`);
    for (const hook of ['authenticate', 'authorize', 'intercept', 'observe'])
      expect(samples.filter((sample) => sample.includes(hook)).length).toBeGreaterThan(0);
  });
});
