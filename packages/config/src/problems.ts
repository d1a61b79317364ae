/** Something in a configuration that is wrong, and where it was said. */
export interface ConfigurationProblem {
  /** `limits.connections`, `listeners[0].url`; empty for the whole. */
  readonly key: string;
  /** `hawser.yaml:12`, `HAWSER_LIMITS_CONNECTIONS`, `--set`. */
  readonly source: string;
  readonly text: string;
}

/** A configuration that is not one. The message has all problems, a line each. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    super(problems.map(({ source, text }) => (source === '' ? text : `${source}: ${text}`)).join('\n'));
    this.problems = problems;
  }
}
