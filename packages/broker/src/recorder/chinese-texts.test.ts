import { expect, it } from 'vitest';
import { CHINESE_TEXTS, inChinese } from './chinese-texts.ts';

it('has a group for each brace, and a brace for each group', () => {
  for (const [pattern, sentence] of CHINESE_TEXTS) {
    const groups = [...pattern.source.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name);
    const braces = [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect([...new Set(braces)].sort(), sentence).toEqual(groups.sort());
    expect(sentence).toMatch(/\p{Script=Han}/u);
  }
});

it('puts in what was said, topics of several lines too', () => {
  expect(inChinese('publishing to a\nb is not permitted')).toBe('没有权限发布到 a\nb');
  expect(inChinese('there are 7 connections already (limits.connections)')).toBe('已有 7 个连接（limits.connections）');
  expect(inChinese('10.0.0.7 has 7 connections already (limits.connectionsPerAddress)')).toBe(
    '10.0.0.7 已有 7 个连接（limits.connectionsPerAddress）',
  );
  expect(inChinese('something else')).toBeUndefined();
});
