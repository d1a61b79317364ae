import type { ExplainLanguage } from '../explain/explain-words.ts';

/** Flags of `hawser doctor` that are its own. */
export interface DoctorFlags {
  readonly json?: boolean;
  readonly lang: ExplainLanguage;
  readonly asClient?: boolean;
  readonly topic?: string;
}
