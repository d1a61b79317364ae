import { BANNED_BY_OPERATOR } from './advice.ts';
import { CAUSES } from './close-codes.ts';
import { COMPLAINTS } from './complaints.ts';
import { type Detail, sentenceOf } from './sentences.ts';
import { SESSION_ENDS } from './session-ends.ts';
import { WARNINGS } from './warnings.ts';
import type { CauseWords, Language } from './words.ts';

/** What became of something: an end, a refusal, an attempt; a CloseCause and a recorded event are. */
export interface Told {
  readonly code: string;
  readonly reasonCode?: number;
  readonly by?: 'peer' | 'self' | 'network';
  readonly detail?: Detail;
  /** The English sentence that a broker before causes were data wrote down in place of a detail. */
  readonly text?: string;
}

/** The client has ended the connection itself, with a Reason Code that says what was wrong. */
export function isComplaint({ by, reasonCode = 0 }: Told): boolean {
  return by === 'peer' && reasonCode >= 0x80;
}

/** What there is to say about a code: the same Reason Code means another thing when it is the client that says it. */
export function wordsOf(told: Told): CauseWords | undefined {
  if (isComplaint(told)) return rowOf(COMPLAINTS, told.code);
  const { detail } = told;
  if (detail?.is === 'banned-for' && detail.reason.is === 'said')
    return { meaning: CAUSES.banned.meaning, advice: BANNED_BY_OPERATOR };
  return rowOf(CAUSES, told.code) ?? rowOf(SESSION_ENDS, told.code);
}

/** One sentence about it, with its figures. */
export function causeText(told: Told, language: Language): string {
  const { detail, text } = told;
  const meaning = wordsOf(told)?.meaning[language] ?? told.code;
  const sentence = detail === undefined ? undefined : sentenceOf(detail, meaning, language);
  if (sentence !== undefined) {
    if (!isComplaint(told)) return sentence;
    const code = `0x${(told.reasonCode ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
    return language === 'zh'
      ? `客户端发送了 DISCONNECT ${code}：${sentence}`
      : `the client sent DISCONNECT ${code}: ${sentence}`;
  }
  if (text === undefined || text === '') return meaning;
  return language === 'en' ? text : `${meaning}（${text}）`;
}

/** What the operator was told; in another language it stands in brackets behind its meaning. */
export function warningText(code: string, text: string, language: Language): string {
  const meaning = rowOf(WARNINGS, code);
  return language === 'en' || meaning === undefined ? text : `${meaning[language]}（${text}）`;
}

/** A row by a name that may come from the file of another version. */
function rowOf<Row>(table: Readonly<Record<string, Row>>, name: string): Row | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
