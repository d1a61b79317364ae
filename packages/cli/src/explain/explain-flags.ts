import type { ExplainLanguage } from './explain-words.ts';

/** Flags of `hawser explain` as they were given. */
export interface ExplainFlags {
  readonly api: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly lang: ExplainLanguage;
}
