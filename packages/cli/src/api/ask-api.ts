import { EXIT, ExitError } from '../exit-error.ts';

/** What the API of a running broker is asked for. */
export interface ApiRequest {
  /** Where it is: `127.0.0.1:18083`, or a URL. */
  readonly api: string;
  readonly method?: 'GET' | 'POST';
  /** Below `/api/v1`, each part encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Absent: what the environment says in HAWSER_API_TOKEN. */
  readonly token?: string | undefined;
  readonly timeoutMs: number;
}

/** What it answers, in whatever way. */
export interface ApiAnswer {
  readonly origin: string;
  readonly status: number;
  /** Undefined: it was no JSON. */
  readonly body: unknown;
}

/** Asks. Throws ExitError when nobody answers (`unreachable`) or the address is none (`usage`). */
export async function askApi(request: ApiRequest): Promise<ApiAnswer> {
  const url = urlOf(request);
  const { method = 'GET', token = process.env.HAWSER_API_TOKEN, timeoutMs } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    return { origin: url.origin, status: response.status, body: await response.json().catch(() => undefined) };
  } catch (error) {
    if (codeOf(error) === 'UND_ERR_SOCKET') throw notTheApi(url.origin, 'it hangs up on an HTTP request', error);
    throw new ExitError(EXIT.unreachable, `the API at ${url.origin} does not answer: ${whyNot(error, timeoutMs)}`, {
      hint: 'is "hawser broker" running? Its API listens on 127.0.0.1:18083, unless --console says otherwise; give its address with --api',
      cause: error,
    });
  }
}

/** An answer that is not what was asked for, as an error for people. `passwordHint`: what to do when the API asks for one. */
export function apiRefusal({ origin, status, body }: ApiAnswer, passwordHint: string): ExitError {
  const problem = (body ?? {}) as { readonly code?: string; readonly message?: string };
  if (status === 401) {
    const what = problem.code === 'token-required' ? 'token' : 'password';
    return new ExitError(EXIT.failed, `the API at ${origin} asks for a ${what}`, { hint: passwordHint });
  }
  if (problem.message !== undefined && problem.code !== undefined)
    return new ExitError(EXIT.failed, `the API at ${origin} says: ${problem.message}`);
  return notTheApi(origin, `HTTP ${status}`);
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
    default:
      return (error as { readonly cause?: Error }).cause?.message ?? String(error);
  }
}

/** What the system said, or undici. */
function codeOf(error: unknown): string | undefined {
  return (error as { readonly cause?: NodeJS.ErrnoException }).cause?.code;
}
