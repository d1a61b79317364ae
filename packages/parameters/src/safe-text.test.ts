import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJsonText, visible, visibleIn, visibleLines } from './safe-text.ts';

const ESC = '\u001b';
/** What a terminal acts on: Unicode's control characters and its marks of direction. */
const ACTED_ON = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

describe('what is shown of texts from elsewhere', () => {
  it.each([
    [`${ESC}]0;title\u0007`, String.raw`\x1b]0;title\x07`],
    [`${ESC}[2J`, String.raw`\x1b[2J`],
    ['\u009b31m', String.raw`\x9b31m`],
    ['a\u202eb\u2066c', String.raw`a\u202eb\u2066c`],
    ['one\ntwo\r\tthree', String.raw`one\ntwo\r\tthree`],
    ['Größe 温度 🚢', 'Größe 温度 🚢'],
  ])('%j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it('nothing that a terminal acts on is left, in whatever it stands', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(visible(one)).not.toMatch(ACTED_ON);
        expect(visibleLines(one).replaceAll(/[\n\t]/g, '')).not.toMatch(ACTED_ON);
        const value = { [one]: [other, { a: one }, 1, null] };
        expect(JSON.stringify(visibleIn(value))).not.toMatch(ACTED_ON);
        expect(toJsonText(value)).not.toMatch(ACTED_ON);
        expect(JSON.parse(toJsonText(value))).toEqual(value);
      }),
    );
  });
});
