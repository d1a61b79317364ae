import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeRange, type Parameter, parameters } from '@hawser/parameters';
import { parameterDefaults } from '@hawser/parameters/defaults';
import { parameterTexts } from '@hawser/parameters/texts';
import { describe, expect, it } from 'vitest';

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
