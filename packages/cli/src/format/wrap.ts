import { stripVTControlCharacters } from 'node:util';

const WIDE = String.raw`\u2e80-\uffef`;
const CLOSING = String.raw`[\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u201d\u300b]*`;
/** A word with the spaces in front of it, or a wide character, with the punctuation that closes it. */
const PIECES = new RegExp(` *(?:[${WIDE}]|[^ ${WIDE}]+)${CLOSING}`, 'g');

/** Breaks a line between words so that it fits `width` columns; those after the first begin with `indent`. */
export function wrap(line: string, width: number, indent: string): string {
  if (columnsOf(line) <= width) return line;
  const [margin = ''] = /^ */.exec(line) ?? [];
  const lines: string[] = [];
  let current = margin;
  for (const [piece] of line.slice(margin.length).matchAll(PIECES)) {
    const isStart = current === margin || current === indent;
    if (isStart) current += piece.trimStart();
    else if (columnsOf(current) + columnsOf(piece) <= width) current += piece;
    else {
      lines.push(current);
      current = indent + piece.trimStart();
    }
  }
  return [...lines, current].join('\n');
}

/** Columns of a terminal: Chinese characters are two wide. */
export function columnsOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  return plain.length + (plain.match(/[\u2e80-\uffef]/g)?.length ?? 0);
}
