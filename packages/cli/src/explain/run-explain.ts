import type { Explanation } from '@hawser/broker';
import type { ExplainFlags } from '../commands/explain.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { formatExplanation } from './format-explanation.ts';

const TIMEOUT_MS = 10_000;

/** Asks the API and prints what it says. Sets exit code 1 when nothing is known of the client. Throws ExitError when the API cannot be asked. */
export async function runExplain(clientId: string, flags: ExplainFlags): Promise<void> {
  const { explanation, known } = await ask(clientId, flags);
  const text =
    flags.json === true
      ? JSON.stringify(explanation, undefined, 2)
      : formatExplanation(explanation, flags.lang, process.stdout.columns);
  process.stdout.write(`${text}\n`);
  if (!known) process.exitCode = EXIT.failed;
}

async function ask(
  clientId: string,
  { api, lang }: ExplainFlags,
): Promise<{ explanation: Explanation; known: boolean }> {
  const url = urlOf(api, clientId, lang);
  const token = process.env.HAWSER_API_TOKEN;
  let response: Response;
  try {
    response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
  } catch (error) {
    if (codeOf(error) === 'UND_ERR_SOCKET') throw notTheApi(url, 'it hangs up on an HTTP request', error);
    throw new ExitError(EXIT.unreachable, `the API at ${url.origin} does not answer: ${whyNot(error)}`, {
      hint: 'is "hawser broker" running? Its API listens on 127.0.0.1:18083, unless --console says otherwise; give its address with --api',
      cause: error,
    });
  }
  const body = await readJson(response);
  if (response.ok && isExplanation(body)) return { explanation: body, known: true };
  const problem = (body ?? {}) as { readonly code?: string; readonly message?: string; readonly explanation?: unknown };
  if (response.status === 404 && isExplanation(problem.explanation))
    return { explanation: problem.explanation, known: false };
  if (response.status === 401) {
    throw new ExitError(EXIT.failed, `the API at ${url.origin} asks for a password`, {
      hint: 'set HAWSER_API_TOKEN to it',
    });
  }
  if (problem.message !== undefined && problem.code !== undefined)
    throw new ExitError(EXIT.failed, `the API at ${url.origin} says: ${problem.message}`);
  throw notTheApi(url, `HTTP ${response.status}`);
}

function notTheApi({ origin }: URL, seen: string, cause?: unknown): ExitError {
  return new ExitError(EXIT.unreachable, `what answers at ${origin} is not the API of Hawser (${seen})`, {
    hint: 'give the address of the console with --api, not that of an MQTT listener',
    cause,
  });
}

function urlOf(api: string, clientId: string, lang: string): URL {
  const base = api.includes('://') ? api : `http://${api}`;
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    throw new ExitError(EXIT.usage, `--api takes a URL such as http://127.0.0.1:18083, not '${api}'`);
  }
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/explain/${encodeURIComponent(clientId)}`;
  url.searchParams.set('lang', lang);
  return url;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

function isExplanation(body: unknown): body is Explanation {
  return (
    typeof body === 'object' && body !== null && 'verdict' in body && 'events' in body && Array.isArray(body.events)
  );
}

function whyNot(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `nothing came within ${TIMEOUT_MS / 1000} s`;
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'connection refused, nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no address is known for this host name';
    default:
      return (error as { readonly cause?: Error }).cause?.message ?? String(error);
  }
}

/** What the system said, or undici. */
function codeOf(error: unknown): string | undefined {
  return (error as { readonly cause?: NodeJS.ErrnoException }).cause?.code;
}
