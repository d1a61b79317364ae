import { ClosedError, ConnectError, RefusedError, TimeoutError, UsageError } from '@hawser/client';
import { hintFor } from '@hawser/client/hints';
import { EXIT, ExitError } from '../exit-error.ts';
import { labelOf } from '../flags/connect-flags.ts';

/** What the client library threw, as lines and an exit code; anything else stays what it is. */
export function explainClientError(error: unknown): unknown {
  // What is wrong with the address or an option is both; it is the command line that is wrong then.
  if (error instanceof UsageError) return new ExitError(EXIT.usage, inFlags(error), { cause: error, ...hintOf(error) });
  if (error instanceof ConnectError) return explainConnectError(error);
  if (error instanceof RefusedError) return failed(`refused (${error.code}): ${error.message}`, error);
  if (error instanceof TimeoutError) return failed(`no answer in time (${error.code}): ${error.message}`, error);
  if (error instanceof ClosedError) return failed(`the connection was ended (${error.code}): ${error.message}`, error);
  return error;
}

/** What it says begins with the option's name, where it is about one: here that is a flag. */
function inFlags(error: UsageError): string {
  const option = error instanceof ConnectError ? error.evidence.option : undefined;
  if (option === undefined || !error.message.startsWith(`${option}: `)) return error.message;
  return labelOf(option) + error.message.slice(option.length);
}

function explainConnectError(error: ConnectError): ExitError {
  const { stage, code, message, evidence } = error;
  const where = evidence.url ?? (evidence.host === undefined ? undefined : `${evidence.host}:${evidence.port ?? ''}`);
  const said =
    evidence.reasonString === undefined || message.includes(evidence.reasonString)
      ? ''
      : `; the server says: ${evidence.reasonString}`;
  const to = where === undefined || message.includes(where) ? '' : ` to ${where}`;
  return new ExitError(EXIT.failed, `could not connect${to} (${stage}: ${code}): ${message}${said}`, {
    cause: error,
    ...hintOf(error),
  });
}

function failed(message: string, cause: Error): ExitError {
  return new ExitError(EXIT.failed, message, { cause });
}

/** What to do about it, where there is something to say. */
function hintOf(error: Error): { readonly hint?: string } {
  return error instanceof ConnectError ? { hint: hintFor(error) } : {};
}
