import { describe, expect, it } from 'vitest';
import { columnsOf, wrap } from './wrap.ts';

describe('wrap', () => {
  it('leaves what fits as it is, spaces too', () => {
    expect(wrap('  a  b', 6, '    ')).toBe('  a  b');
  });

  it('breaks between words, and indents what follows', () => {
    expect(wrap('  one two  three four', 11, '    ')).toBe('  one two\n    three\n    four');
    expect(wrap('a-word-that-is-longer-than-a-line yes', 10, '  ')).toBe('a-word-that-is-longer-than-a-line\n  yes');
  });

  it('breaks between Chinese characters, never before what closes a sentence', () => {
    const wrapped = wrap('连接于此时结束。会话仍保留，等待 12 条消息。', 14, '  ');
    for (const line of wrapped.split('\n')) {
      expect(columnsOf(line)).toBeLessThanOrEqual(16);
      expect(line.trimStart()).not.toMatch(/^[。，]/);
    }
    expect(wrapped.replace(/\n {2}/g, '').replace(/ /g, '')).toBe('连接于此时结束。会话仍保留，等待12条消息。');
  });

  it('keeps punctuation with the word before it', () => {
    expect(wrap('使用同一个 Client ID。', 20, '  ')).toBe('使用同一个 Client\n  ID。');
  });

  it('does not count colours', () => {
    expect(columnsOf('\u001b[31mred\u001b[39m')).toBe(3);
    expect(columnsOf('红 red')).toBe(6);
  });
});
