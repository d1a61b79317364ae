/** Exit codes of `hawser`. */
export const EXIT = {
  ok: 0,
  /** It could not be done: refused, unreachable, a port in use, a bad value in a file. */
  failed: 1,
  /** There is nobody to ask: the API does not answer. */
  unreachable: 2,
  /** `--wait` ran out, as mosquitto_sub says it. */
  timeout: 27,
  /** The command line itself is wrong (EX_USAGE of sysexits.h). */
  usage: 64,
} as const;

/** Ends the command with one or two lines on standard error and an exit code. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: number;
  /** What to do about it; a line of its own. */
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** The command line is wrong. */
export function usageError(message: string): ExitError {
  return new ExitError(EXIT.usage, message);
}

/** "; did you mean x?" or nothing. */
export function meant(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`;
}
