/**
 * Texts from elsewhere (a server's Reason String, a topic, a Client Identifier, a User Property) that a person is to read: escape
 * sequences, control characters and marks that turn the direction of text are shown, never obeyed.
 */

/** C0, DEL, C1; marks of direction; separators of lines and paragraphs. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;
const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text from elsewhere, safe to print: in one line, with `\x1b`, `\n`, `\u202e` for what a terminal would act on. */
export function visible(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** The same for a text that may have lines and tabs. */
export function visibleLines(text: string): string {
  return text.replace(UNSAFE, (character) => (isLineOrTab(character) ? character : escapeCharacter(character)));
}

/** The same for every text in a value out of JSON, keys of maps too. */
export function visibleIn<T>(value: T): T;
export function visibleIn(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(visibleIn);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [visible(key), visibleIn(below)]));
}

/** A map out of JSON: no Date, no bytes. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return NAMES[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

/** JSON that a terminal takes for nothing else: the same value, with the characters that JSON itself lets stand written as escapes. */
export function toJsonText(value: unknown, indent?: number): string {
  return escapeInJson(JSON.stringify(value, undefined, indent));
}

/** The same for JSON that is text already. */
export function escapeInJson(json: string): string {
  return json.replace(UNSAFE, (character) =>
    isLineOrTab(character) ? character : `\\u${hex(character.charCodeAt(0), 4)}`,
  );
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

function isLineOrTab(character: string): boolean {
  return character === '\n' || character === '\t';
}
