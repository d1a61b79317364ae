import type { Explanation } from '@hawser/broker';
import { toJsonText, visibleIn } from '@hawser/parameters/safe-text';
import { apiRefusal, askApi } from '../api/ask-api.ts';
import { EXIT } from '../exit-error.ts';
import { print } from '../output.ts';
import type { ExplainFlags } from './explain-flags.ts';
import { formatExplanation } from './format-explanation.ts';

const TIMEOUT_MS = 10_000;

/** Asks the API and prints what it says. Sets exit code 1 when nothing is known of the client. Throws ExitError when the API cannot be asked. */
export async function runExplain(clientId: string, flags: ExplainFlags): Promise<void> {
  const { explanation, known } = await ask(clientId, flags);
  const text =
    flags.json === true
      ? toJsonText(explanation, 2)
      : formatExplanation(visibleIn(explanation), flags.lang, process.stdout.columns);
  print(`${text}\n`);
  if (!known) process.exitCode = EXIT.failed;
}

async function ask(
  clientId: string,
  { api, lang, tokenFile }: ExplainFlags,
): Promise<{ explanation: Explanation; known: boolean }> {
  const path = `/explain/${encodeURIComponent(clientId)}`;
  const answer = await askApi({ api, path, query: { lang }, tokenFile, timeoutMs: TIMEOUT_MS });
  if (answer.status === 200 && isExplanation(answer.body)) return { explanation: answer.body, known: true };
  const { explanation } = (answer.body ?? {}) as { readonly explanation?: unknown };
  if (answer.status === 404 && isExplanation(explanation)) return { explanation, known: false };
  throw apiRefusal(answer);
}

function isExplanation(body: unknown): body is Explanation {
  return (
    typeof body === 'object' && body !== null && 'verdict' in body && 'events' in body && Array.isArray(body.events)
  );
}
