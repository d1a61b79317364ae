import { EXIT, ExitError } from '../exit-error.ts';
import { foundApiToken, givenApiToken } from './api-token.ts';

/** What the API of a running broker is asked for. */
export interface ApiRequest {
  /** Where it is: `127.0.0.1:18083`, or a URL. */
  readonly api: string;
  readonly method?: 'GET' | 'POST';
  /** Below `/api/v1`, each part encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** File of the token; absent: HAWSER_API_TOKEN, or, when the API asks who this is, the token of a broker of this machine. */
  readonly tokenFile?: string | undefined;
  /** Of that broker; absent: where a broker keeps its data by default. */
  readonly dataDirectory?: string | undefined;
  readonly timeoutMs: number;
}

/** What it answers, in whatever way. */
export interface ApiAnswer {
  readonly origin: string;
  /** A password or a token was shown. */
  readonly isIdentified: boolean;
  readonly status: number;
  /** Undefined: it was no JSON. */
  readonly body: unknown;
}

/** Asks. Throws ExitError when nobody answers (`unreachable`) or the address is none (`usage`). */
export async function askApi(request: ApiRequest): Promise<ApiAnswer> {
  const url = urlOf(request);
  const given = takeLogin(url) ?? bearer(givenApiToken(request.tokenFile, process.env));
  const answer = await ask(url, request, given);
  if (answer.status !== 401 || given !== undefined) return answer;
  // Only now: the file may be that of another broker, and most do not ask who reads.
  const found = bearer(foundApiToken(url, process.env, request.dataDirectory));
  return found === undefined ? answer : ask(url, request, found);
}

/** An answer that is not what was asked for, as an error for people. */
export function apiRefusal({ origin, isIdentified, status, body }: ApiAnswer): ExitError {
  const problem = (body ?? {}) as { readonly code?: string; readonly message?: string };
  if (status === 401) {
    const why = isIdentified ? 'does not know this password or token' : 'wants to know who asks';
    return new ExitError(EXIT.failed, `the API at ${origin} ${why}`, {
      hint: "name the broker's token with --token-file DATA/api-token (DATA: its data directory), or put it, or the password of the console, into HAWSER_API_TOKEN",
    });
  }
  if (problem.message !== undefined && problem.code !== undefined)
    return new ExitError(EXIT.failed, `the API at ${origin} says: ${problem.message}`);
  return notTheApi(origin, `HTTP ${status}`);
}

async function ask(
  url: URL,
  { method = 'GET', timeoutMs }: ApiRequest,
  authorization: string | undefined,
): Promise<ApiAnswer> {
  const { origin } = url;
  try {
    const headers = authorization === undefined ? {} : { authorization };
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { method, headers, signal, redirect: 'error' });
    const body: unknown = await response.json().catch(() => undefined);
    return { origin, isIdentified: authorization !== undefined, status: response.status, body };
  } catch (error) {
    if (codeOf(error) === 'UND_ERR_SOCKET') throw notTheApi(origin, 'it hangs up on an HTTP request', error);
    throw new ExitError(EXIT.unreachable, `the API at ${origin} does not answer: ${whyNot(error, timeoutMs)}`, {
      hint: 'is "hawser broker" running? Its API listens on 127.0.0.1:18083, unless --console says otherwise; give its address with --api',
      cause: error,
    });
  }
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

function notTheApi(origin: string, seen: string, cause?: unknown): ExitError {
  return new ExitError(EXIT.unreachable, `what answers at ${origin} is not the API of Hawser (${seen})`, {
    hint: 'give the address of the console with --api, not that of an MQTT listener',
    cause,
  });
}

function urlOf({ api, path, query = {} }: ApiRequest): URL {
  const base = api.includes('://') ? api : `http://${api}`;
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    throw new ExitError(EXIT.usage, `--api takes a URL such as http://127.0.0.1:18083, not '${api}'`);
  }
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function whyNot(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `nothing came within ${timeoutMs / 1000} s`;
  switch (codeOf(error)) {
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
      return (error as { readonly cause?: Error }).cause?.message ?? String(error);
  }
}

/** What the system said, or undici. */
function codeOf(error: unknown): string | undefined {
  return (error as { readonly cause?: NodeJS.ErrnoException }).cause?.code;
}
