import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ConnectStage } from '@hawser/client';
import { hintFor } from '@hawser/client/hints';
import { describeRange, type Parameter, parameters } from '@hawser/parameters';
import { parameterDefaults } from '@hawser/parameters/defaults';
import { parameterTexts } from '@hawser/parameters/texts';
import { describe, expect, it } from 'vitest';
import { run } from './support/processes.ts';

// The reference in the guides is made of the parameters table: `UPDATE_DOCS=1 npm run test:e2e -- e2e/client-docs.test.ts` writes it.

const BEGIN = '<!-- parameters -->';
const END = '<!-- /parameters -->';

const words = {
  en: { head: '| Option | Default | Takes | Meaning |', only5: '5.0 only', onlyNode: 'Node only' },
  zh: { head: '| 选项 | 默认值 | 取值 | 含义 |', only5: '仅 5.0', onlyNode: '仅 Node' },
} as const;

function rowOf(parameter: Parameter, language: 'en' | 'zh'): string {
  const { name, versions, platforms } = parameter;
  const text = parameterTexts[name];
  const notes = [
    ...(versions.length === 1 ? [words[language].only5] : []),
    ...(platforms.length === 1 ? [words[language].onlyNode] : []),
    ...(text?.clause ? [text.clause] : []),
  ];
  const meaning = `${text?.[language] ?? ''}${notes.length === 0 ? '' : ` *(${notes.join(', ')})*`}`;
  const initial = name in parameterDefaults ? `\`${parameterDefaults[name]}\`` : '';
  return `| \`${name}\` | ${initial} | ${describeRange(parameter)} | ${meaning} |`;
}

function referenceOf(language: 'en' | 'zh'): string {
  return [words[language].head, '|---|---|---|---|', ...parameters.map((parameter) => rowOf(parameter, language))].join(
    '\n',
  );
}

describe('the guide "Connect"', () => {
  it.each([
    ['en', '../docs/connect.md'],
    ['zh', '../docs/connect.zh.md'],
  ] as const)('%s has the parameters as the table has them', (language, path) => {
    const file = fileURLToPath(new URL(path, import.meta.url));
    const guide = readFileSync(file, 'utf8');
    const [before, rest = ''] = guide.split(BEGIN);
    const after = rest.split(END)[1];
    const made = `${before}${BEGIN}\n${referenceOf(language)}\n${END}${after}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, made);
    else expect(guide).toBe(made);
  });
});

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (file: string): string => readFileSync(`${root}${file}`, 'utf8');

/** The one sample of a document that has these words in it. */
function sampleOf(file: string, words: string): string {
  const samples = [...textOf(file).matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, sample = '']) => sample);
  const found = samples.filter((sample) => sample.includes(words));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

/** Runs it as a file of the checkout would run; gives what it prints. */
async function outputOf(sample: string): Promise<string> {
  const args = ['--conditions=hawser-source', '--input-type=module-typescript', '--eval', sample];
  const { code, stdout, stderr } = await run(process.execPath, args, { cwd: root });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('samples run as they are printed', () => {
  it.each(['docs/connect.md', 'docs/connect.zh.md'])('the test of %s', async (file) => {
    expect(await outputOf(sampleOf(file, '@hawser/testkit'))).toBe('connected\n');
  });

  it('the broker inside a program of README.md, beside a broker on the usual port', async () => {
    const sample = sampleOf('README.md', '@hawser/broker');
    expect(sample).not.toContain(':1883');
    // A free port here: several of these may run at once.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const port = typeof address === 'object' ? address?.port : 0;
    expect(await outputOf(sample.replace(':1885', `:${port}`))).toBe('plant/pump 42\n');
  });
});

describe('the codes of a failed connection', () => {
  const rows = [
    ...textOf('docs/connect.md').matchAll(/^\| `(address|dns|tcp|tls|websocket|connack|auth)` \| (.*) \|$/gm),
  ];
  const codes = rows.flatMap(([, stage = '', list = '']) =>
    [...list.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => [stage as ConnectStage, code] as const),
  );

  it('stand in both guides', () => {
    expect(codes.length).toBeGreaterThan(40);
    const zh = textOf('docs/connect.zh.md');
    expect(codes.filter(([, code]) => !zh.includes(`\`${code}\``))).toEqual([]);
  });

  it.each(codes)('%s: %s has a hint of its own in both languages', (stage, code) => {
    for (const language of ['en', 'zh'] as const) {
      const general = ['dns-failed', 'tcp-failed'].includes(code) ? '' : hintFor({ stage, code: 'other' }, language);
      expect(hintFor({ stage, code }, language)).not.toBe(general);
    }
  });
});
