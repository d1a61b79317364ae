import { nearest } from '@hawser/parameters';
import { UsageError } from '../errors.ts';
import type { AuthenticationOptions } from '../options.ts';

export interface ScramOptions {
  readonly username: string;
  /** Asked anew for every exchange when it is a function. */
  readonly password: string | (() => string | Promise<string>);
  /** The least number of iterations that is taken from a server. Default 4,096 (RFC 7677). */
  readonly minimumIterations?: number | undefined;
}

/** The exchange failed on this side. `server-signature-wrong`: who answers does not know the password. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
  readonly code: 'mechanism-failed' | 'server-signature-wrong';

  constructor(code: ScramError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const MAXIMUM_ITERATIONS = 10_000_000;
const NONCE_BYTES = 18;
const UNPROVEN = 'the server did not prove that it knows the password';

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as Authentication Method: the password never goes over the wire, and the server must prove that it
 * knows it: `connect(url, { authentication: scramSha256({ username, password }) })`. Each client needs one of its own, as it holds the exchange that is
 * under way. Runs on Web Crypto, in Node and in browsers (there in secure contexts only). Throws UsageError for wrong options.
 */
export function scramSha256(options: ScramOptions): AuthenticationOptions {
  checkOptions(options);
  let current:
    | { readonly exchange: Exchange; readonly signal: AbortSignal; readonly hasOvertaken: boolean }
    | undefined;
  return {
    method: 'SCRAM-SHA-256',
    start(signal) {
      // What a lost connection has left looks the same: that alone is no reason to fail.
      const hasOvertaken = current !== undefined && current.signal !== signal && !current.signal.aborted;
      const exchange = new Exchange(options, base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
      current = { exchange, signal, hasOvertaken };
      return exchange.first;
    },
    continue(data, signal) {
      if (current === undefined)
        throw new ScramError('mechanism-failed', 'the server went on with an exchange that was not begun');
      if (current.signal !== signal) throw new ScramError('mechanism-failed', OVERTAKEN);
      return current.exchange.answer(textOf(data));
    },
    finish(data) {
      if (current === undefined)
        throw new ScramError('mechanism-failed', 'the server ended an exchange that was not begun');
      current.exchange.verify(textOf(data), current.hasOvertaken ? `, or ${OVERTAKEN}` : '');
      current = undefined;
    },
  };
}

const OVERTAKEN =
  'another client has begun an exchange with the same scramSha256() meanwhile: each client needs one of its own';

const NAMES: readonly string[] = ['username', 'password', 'minimumIterations'] satisfies (keyof ScramOptions)[];

/** A caller without types may give anything. */
function checkOptions(options: Partial<ScramOptions> | undefined): void {
  const { username, password, minimumIterations = 1 } = options ?? {};
  const unknown = Object.keys(options ?? {}).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, NAMES);
    const hint = meant === undefined ? `: ${NAMES.join(', ')} are` : `; did you mean '${meant}'?`;
    throw new UsageError('unknown-option', `scramSha256(): '${unknown}' is no option${hint}`);
  }
  const check = (isRight: boolean, name: string, value: unknown, wanted: string): void => {
    if (isRight) return;
    const code = value === undefined ? 'missing-option' : 'wrong-type';
    throw new UsageError(code, `scramSha256(): ${name} must be ${wanted}, not ${typeof value}`);
  };
  check(typeof username === 'string', 'username', username, 'text');
  check(['string', 'function'].includes(typeof password), 'password', password, 'text, or a function that gives it');
  if (!Number.isInteger(minimumIterations) || minimumIterations < 1 || minimumIterations > MAXIMUM_ITERATIONS) {
    const text = `scramSha256(): minimumIterations must be a whole number, 1 to ${MAXIMUM_ITERATIONS}`;
    throw new UsageError('out-of-range', `${text}, not '${minimumIterations}'`);
  }
}

/** One exchange; exported for the tests with the RFC's nonce. */
export class Exchange {
  readonly first: string;
  readonly #firstBare: string;
  readonly #nonce: string;
  readonly #options: ScramOptions;
  #serverSignature: string | undefined;

  constructor(options: ScramOptions, nonce: string) {
    this.#options = options;
    this.#nonce = nonce;
    const name = options.username.normalize('NFKC').replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#firstBare = `n=${name},r=${nonce}`;
    this.first = `n,,${this.#firstBare}`;
  }

  /** The client's final message. */
  async answer(serverFirst: string): Promise<string> {
    const { r: nonce, s: salt, i: count } = attributesOf(serverFirst);
    const iterations = Number(count);
    if (nonce === undefined || salt === undefined || !nonce.startsWith(this.#nonce) || nonce === this.#nonce) {
      throw new ScramError('mechanism-failed', "the server's first message does not belong to this exchange");
    }
    const least = this.#options.minimumIterations ?? 4096;
    if (!Number.isInteger(iterations) || iterations < least || iterations > MAXIMUM_ITERATIONS) {
      throw new ScramError(
        'mechanism-failed',
        `the server asks for ${count} iterations; ${least} to ${MAXIMUM_ITERATIONS} are taken`,
      );
    }
    const { password } = this.#options;
    const text: unknown = typeof password === 'function' ? await password() : password;
    if (typeof text !== 'string')
      throw new ScramError('mechanism-failed', `the password function gave ${typeof text}, not text`);
    const salted = await hi(text.normalize('NFKC'), unbase64(salt), iterations);
    const withoutProof = `c=biws,r=${nonce}`;
    const authMessage = encode(`${this.#firstBare},${serverFirst},${withoutProof}`);
    const clientKey = await hmac(salted, encode('Client Key'));
    const storedKey = new Uint8Array(await crypto.subtle.digest('SHA-256', clientKey));
    const signature = await hmac(storedKey, authMessage);
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] as number));
    this.#serverSignature = base64(await hmac(await hmac(salted, encode('Server Key')), authMessage));
    return `${withoutProof},p=${base64(proof)}`;
  }

  /** The server's final message; throws ScramError, `otherReason` in its words. */
  verify(serverFinal: string, otherReason = ''): void {
    const { v: signature, e: error } = attributesOf(serverFinal);
    if (error !== undefined) throw new ScramError('mechanism-failed', `the server refused: ${error}`);
    if (this.#serverSignature === undefined || signature !== this.#serverSignature) {
      throw new ScramError('server-signature-wrong', `${UNPROVEN}${otherReason}`);
    }
  }
}

function attributesOf(message: string): Readonly<Record<string, string | undefined>> {
  const attributes: Record<string, string> = {};
  for (const part of message.split(',')) if (part[1] === '=') attributes[part[0] as string] = part.slice(2);
  return attributes;
}

type Bytes = Uint8Array<ArrayBuffer>;

async function hi(password: string, salt: Bytes, iterations: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', encode(password), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
  );
}

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data));
}

function encode(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function textOf(data: Uint8Array | undefined): string {
  return data === undefined ? '' : new TextDecoder().decode(data);
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function unbase64(text: string): Bytes {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new ScramError('mechanism-failed', "the salt in the server's first message is not base64");
  }
}
