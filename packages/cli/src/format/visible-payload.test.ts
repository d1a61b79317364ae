import fc from 'fast-check';
import { expect, it } from 'vitest';
import { visiblePayload } from './visible-payload.ts';

const ESC = '\u001b';
const ACTED_ON = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

it('a payload keeps its lines; bytes that are no text are numbers', () => {
  expect(visiblePayload(new TextEncoder().encode(`{\n\t"a": 1 }${ESC}[1m`))).toBe('{\n\t"a": 1 }\\x1b[1m');
  expect(visiblePayload(new Uint8Array([0x41, 0xff, 0x9b, 0x0a]))).toBe('A\\xff\\x9b\n');
  fc.assert(
    fc.property(fc.uint8Array(), (payload) => {
      expect(visiblePayload(payload).replaceAll(/[\n\t]/g, '')).not.toMatch(ACTED_ON);
    }),
  );
});
