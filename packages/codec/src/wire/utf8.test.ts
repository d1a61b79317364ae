import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8Strict, encodeUtf8, UsageError, utf8Length } from '../index.ts';
import { hexBytes } from '../testing/hex.ts';

function decode(hex: string): string {
  const bytes = hexBytes(`FF ${hex} FF`);
  return decodeUtf8Strict(bytes, 1, bytes.length - 1, 'Client Identifier');
}

describe('decodeUtf8Strict', () => {
  for (const [hex, text] of [
    ['', ''],
    ["'abc'", 'abc'],
    ["'a text that is longer than the short way'", 'a text that is longer than the short way'],
    ['01 1F 7F C280 C29F', '\u0001\u001f\u007f\u0080\u009f'],
    ['EFBFBE EFBFBF EFB790', '\uFFFE\uFFFF\uFDD0'],
    ['F09FBFBE F48FBFBF', '\u{1FFFE}\u{10FFFF}'],
    ['C280 DFBF E0A080 ED9FBF EE8080 EFBFBF F0908080', '\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}'],
    ['41 F0AA9B94', 'A\u{2A6D4}'],
  ] as const) {
    it(`takes ${hex}`, () => expect(decode(hex)).toBe(text));
  }

  it('keeps U+FEFF at the beginning [MQTT311-1.5.3-3] [MQTT5-1.5.4-3]', () => {
    expect(decode('EFBBBF 61')).toBe('\uFEFFa');
    expect(decode('EFBBBF')).toBe('\uFEFF');
    expect(decode(`EFBBBF ${'61'.repeat(30)}`)).toBe(`\uFEFF${'a'.repeat(30)}`);
  });

  for (const [name, hex, code] of [
    ['U+0000 [MQTT311-1.5.3-2]', '610062', 'null-in-string'],
    ['U+0000 in a long string', `${'61'.repeat(40)}00`, 'null-in-string'],
    ['an overlong U+0000', 'C080', 'invalid-utf8'],
    ['an overlong slash in two bytes', 'C0AF', 'invalid-utf8'],
    ['C1', 'C181', 'invalid-utf8'],
    ['an overlong slash in three bytes', 'E080AF', 'invalid-utf8'],
    ['the last overlong three bytes', 'E09FBF', 'invalid-utf8'],
    ['an overlong in four bytes', 'F08FBFBF', 'invalid-utf8'],
    ['the first high surrogate [MQTT311-1.5.3-1]', 'EDA080', 'surrogate-in-string'],
    ['the last low surrogate', 'EDBFBF', 'surrogate-in-string'],
    ['a pair of encoded surrogates', 'EDA0BDEDB8A2', 'surrogate-in-string'],
    ['above U+10FFFF', 'F4908080', 'invalid-utf8'],
    ['F5', 'F5808080', 'invalid-utf8'],
    ['FF', 'FF', 'invalid-utf8'],
    ['a lone continuation', '80', 'invalid-utf8'],
    ['two bytes cut off', '61C3', 'invalid-utf8'],
    ['the beginning of U+FFFD cut off', '61EFBF', 'invalid-utf8'],
    ['a surrogate cut off', '61ED', 'invalid-utf8'],
    ['three bytes cut off', 'E282', 'invalid-utf8'],
    ['four bytes cut off', 'F09F9A', 'invalid-utf8'],
    ['a continuation that is none', 'C341', 'invalid-utf8'],
    ['a third byte that is no continuation', 'E28241', 'invalid-utf8'],
    ['a fourth byte that is no continuation', 'F09F9A41', 'invalid-utf8'],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decode(hex)).toThrow(expect.objectContaining({ code, reasonCode: 0x81 }));
      expect(() => decode(hex)).toThrow(/^Client Identifier/);
    });
  }

  it('agrees with the platform on any bytes', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const piece = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(hexBytes('EDA080'), hexBytes('F48FBFBF'), hexBytes('F4908080'), hexBytes('E09F80')),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const bytes = Uint8Array.from(pieces.flatMap((part) => [...part]));
        let expected: string | undefined;
        try {
          expected = platform.decode(bytes);
        } catch {
          expected = undefined;
        }
        if (expected?.includes('\0')) expected = undefined;
        let found: string | undefined;
        try {
          found = decodeUtf8Strict(bytes, 0, bytes.length);
        } catch {
          found = undefined;
        }
        expect(found).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('encodeUtf8', () => {
  it('is what the platform makes of any well-formed string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const clean = text.replaceAll('\0', '').toWellFormed();
        expect(encodeUtf8(clean)).toEqual(new TextEncoder().encode(clean));
        expect(utf8Length(clean)).toBe(encodeUtf8(clean).length);
        expect(decodeUtf8Strict(encodeUtf8(clean), 0, utf8Length(clean))).toBe(clean);
      }),
    );
  });

  for (const [name, text, code] of [
    ['U+0000', 'a\0', 'null-in-string'],
    ['a lone high surrogate', 'a\ud83d', 'surrogate-in-string'],
    ['a high surrogate before something else', '\ud83da', 'surrogate-in-string'],
    ['a lone low surrogate', '\ude22', 'surrogate-in-string'],
    ['two high surrogates', '\ud83d\ud83d', 'surrogate-in-string'],
    ['65,536 bytes', 'x'.repeat(65_536), 'string-too-long'],
    ['65,536 bytes in fewer characters', 'é'.repeat(32_768), 'string-too-long'],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => encodeUtf8(text, 'User Name')).toThrow(UsageError);
      expect(() => encodeUtf8(text, 'User Name')).toThrow(expect.objectContaining({ code }));
      expect(() => encodeUtf8(text, 'User Name')).toThrow(/^User Name/);
    });
  }

  it('takes 65,535 bytes', () => expect(encodeUtf8('x'.repeat(65_535)).length).toBe(65_535));
});
