/** The languages that explanations are written in. */
export type Language = 'en' | 'zh';

export type Words = Readonly<Record<Language, string>>;

/** What there is to say about a code, without the figures of the one case. */
export interface CauseWords {
  /** What it means. */
  readonly meaning: Words;
  /** What to do about it. */
  readonly advice?: Words;
}

export const words = (en: string, zh: string): Words => ({ en, zh });
export const cause = (meaning: Words, advice?: Words): CauseWords =>
  advice === undefined ? { meaning } : { meaning, advice };

/** A sentence in each language, with its figures; `meaning` is what the code means. */
export type Sentence<Figures> = Readonly<Record<Language, (figures: Figures, meaning: string) => string>>;
