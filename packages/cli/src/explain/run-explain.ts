import type { Explanation } from '@hawser/broker';
import { foundApiToken, givenApiToken } from '../api-token.ts';
import type { ExplainFlags } from '../commands/explain.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { formatExplanation } from './format-explanation.ts';

const TIMEOUT_MS = 10_000;

/** Asks the API and prints what it says. Sets exit code 1 when nothing is known of the client. Throws ExitError when the API cannot be asked. */
export async function runExplain(clientId: string, flags: ExplainFlags): Promise<void> {
  const { explanation, known } = await ask(clientId, flags);
  const text =
    flags.json === true ? JSON.stringify(explanation, undefined, 2) : formatExplanation(explanation, flags.lang);
  process.stdout.write(`${text}\n`);
  if (!known) process.exitCode = EXIT.failed;
}

async function ask(
  clientId: string,
  { api, lang, tokenFile }: ExplainFlags,
): Promise<{ explanation: Explanation; known: boolean }> {
  const url = urlOf(api, clientId, lang);
  const login = takeLogin(url);
  const given = login ?? bearer(givenApiToken(tokenFile, process.env));
  let response = await get(url, given);
  if (response.status === 401 && given === undefined) {
    // Only now: the file may be that of another broker, and most do not ask who reads.
    const found = foundApiToken(url, process.env);
    if (found !== undefined) response = await get(url, bearer(found));
  }
  const body = await readJson(response);
  if (response.ok && isExplanation(body)) return { explanation: body, known: true };
  const problem = (body ?? {}) as { readonly code?: string; readonly message?: string; readonly explanation?: unknown };
  if (response.status === 404 && isExplanation(problem.explanation))
    return { explanation: problem.explanation, known: false };
  if (response.status === 401) {
    const why = given === undefined ? 'wants to know who asks' : 'does not know this password or token';
    throw new ExitError(EXIT.failed, `the API at ${url.origin} ${why}`, {
      hint: "name the broker's token with --token-file DATA/api-token (DATA: its data directory), or put it, or the password of the console, into HAWSER_API_TOKEN",
    });
  }
  if (problem.message !== undefined && problem.code !== undefined)
    throw new ExitError(EXIT.failed, `the API at ${url.origin} says: ${problem.message}`);
  throw new ExitError(
    EXIT.unreachable,
    `what answers at ${url.origin} is not the API of Hawser (HTTP ${response.status})`,
    {
      hint: 'give the address of the console with --api, not that of an MQTT listener',
    },
  );
}

function bearer(token: string | undefined): string | undefined {
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** Takes name and password out of a URL, which `fetch` would refuse, as HTTP Basic. */
function takeLogin(url: URL): string | undefined {
  const { username, password } = url;
  if (username === '') return undefined;
  url.username = '';
  url.password = '';
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
}

/** Throws ExitError where nothing answers. */
async function get(url: URL, authorization: string | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: authorization === undefined ? {} : { authorization },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
  } catch (error) {
    throw new ExitError(EXIT.unreachable, `the API at ${url.origin} does not answer: ${whyNot(error)}`, {
      hint: 'is "hawser broker" running? Its API listens on 127.0.0.1:18083, unless --console says otherwise; give its address with --api',
      cause: error,
    });
  }
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
  const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
  switch (cause?.code) {
    case 'ECONNREFUSED':
      return 'connection refused, nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no address is known for this host name';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its certificate is of no CA that is trusted here; name the file of its CA in NODE_EXTRA_CA_CERTS';
    default:
      return cause?.message ?? String(error);
  }
}
