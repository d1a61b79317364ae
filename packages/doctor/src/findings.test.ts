import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type FindingWords, findingWords } from './finding-words.ts';
import { Findings } from './findings.ts';

describe('words', () => {
  it.each(Object.entries<FindingWords>(findingWords))('%s: the same values in both languages', (_code, { en, zh }) => {
    const names = (texts: readonly string[]): string[] => [...new Set(texts.join(' ').match(/\{\w+\}/g))].sort();
    expect(names(zh)).toEqual(names(en));
    for (const text of zh) expect(text).toMatch(/[\u4e00-\u9fff]/);
    for (const text of en) expect(text).not.toMatch(/[\u4e00-\u9fff]/);
  });
});

it('each finding is found in a test', () => {
  const texts = ['./', '../../../e2e/'].flatMap((folder) => {
    const path = fileURLToPath(new URL(folder, import.meta.url));
    return readdirSync(path)
      .filter((file) => /test\.ts$/.test(file))
      .map((file) => readFileSync(path + file, 'utf8'));
  });
  const tested = new Set(texts.flatMap((text) => [...text.matchAll(/'([a-z0-9-]+)'/g)].map(([, code]) => code)));
  expect(Object.keys(findingWords).filter((code) => !tested.has(code))).toEqual([]);
});

describe('Findings', () => {
  it('puts values into the words, and tells each finding once', () => {
    const told: string[] = [];
    const findings = new Findings('en', ({ code }) => told.push(code));
    findings.add('warning', 'keep-alive-off');
    findings.add('warning', 'keep-alive-off');
    findings.add('info', 'packet-size-small', { bytes: 100 });
    expect(told).toEqual(['keep-alive-off', 'packet-size-small']);
    expect(findings.list[1]?.message).toBe('the server takes packets of at most 100 bytes');
    expect([findings.hasError, findings.has('keep-alive-off'), findings.has('unencrypted')]).toEqual([
      false,
      true,
      false,
    ]);
    findings.add('error', 'qos2-duplicated', { times: 2 });
    expect(findings.hasError).toBe(true);
  });

  it('leaves braces alone that have no value', () => {
    const findings = new Findings('en');
    findings.add('error', 'connection-lost', { stage: 's', cause: 'c', text: '{x}', clientId: 'i' });
    expect(findings.list[0]?.message).toContain('(c): {x}');
  });
});
