import { type FindingCode, type FindingWords, findingWords } from './finding-words.ts';
import type { Finding, Language, Severity } from './report.ts';

/** What stands for `{names}` in the words. */
export type FindingValues = Readonly<Record<string, string | number>>;

/** The findings of one report, each once, in the order in which they were made. */
export class Findings {
  readonly list: Finding[] = [];
  readonly language: Language;
  readonly #onFinding: (finding: Finding) => void;

  constructor(language: Language, onFinding: (finding: Finding) => void = () => {}) {
    this.language = language;
    this.#onFinding = onFinding;
  }

  add(severity: Severity, code: FindingCode, values: FindingValues = {}): void {
    const words: FindingWords = findingWords[code];
    const [message, hint] = words[this.language];
    const finding = { severity, code, message: fill(message, values), hint: fill(hint, values) };
    if (this.list.some((other) => other.code === code && other.message === finding.message)) return;
    this.list.push(finding);
    this.#onFinding(finding);
  }

  has(code: FindingCode): boolean {
    return this.list.some((finding) => finding.code === code);
  }

  get hasError(): boolean {
    return this.list.some(({ severity }) => severity === 'error');
  }
}

function fill(text: string, values: FindingValues): string {
  return text.replace(/\{(\w+)\}/g, (braces, name: string) => (name in values ? String(values[name]) : braces));
}
