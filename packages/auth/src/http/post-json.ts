import { FairQueue } from '../fair-queue.ts';

/** A service that decides. */
export interface HttpService {
  readonly url: string;
  /** Sent with each request: `Authorization` and the like. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for a whole answer; 3,000. */
  readonly timeoutMs?: number;
  /** Milliseconds for which an answer is good; 10,000. 0: each time anew. */
  readonly cacheMs?: number;
  /** Answers that are remembered; 10,000. */
  readonly cached?: number;
  /** Requests under way at once; 64. One address (authentication) or client (authorization) leaves room for others. */
  readonly atOnce?: number;
  /** Requests that wait for their turn; 1,000. Over it whoever has most waiting gets no answer. */
  readonly maximumWaiting?: number;
  readonly now?: () => number;
}

const LARGEST_ANSWER = 65_536;

/** Posts JSON, one service's requests bounded in number, time and size. Redirects are not followed. */
export class JsonPoster {
  readonly #service: HttpService;
  readonly #queue: FairQueue;

  /** Throws RangeError for a URL that is none, or is neither https nor this machine's. */
  constructor(service: HttpService) {
    const url = URL.parse(service.url);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new RangeError(`'${service.url}' is no http or https URL`);
    }
    this.#service = service;
    const { atOnce = 64, maximumWaiting = 1000 } = service;
    this.#queue = new FairQueue({ atOnce, maximumWaiting, keepsRoom: true });
  }

  /** `key`: whose turn it is. Rejects when there is no good answer: status other than 200, too late, too large, no JSON, no room. */
  async post(key: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#queue.run(key, async () => ({ json: await this.#post(body, signal) }), signal);
    if (answer === undefined) throw new Error(`too many requests to ${this.#service.url} are waiting already`);
    return answer.json;
  }

  async #post(body: unknown, signal: AbortSignal): Promise<unknown> {
    const { url, headers = {}, timeoutMs = 3000 } = this.#service;
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`${url} answered ${response.status}`);
    }
    return JSON.parse(await readText(response, url));
  }
}

async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LARGEST_ANSWER) throw new Error(`the answer of ${url} is larger than ${LARGEST_ANSWER} bytes`);
  }
  return text + decoder.decode();
}
