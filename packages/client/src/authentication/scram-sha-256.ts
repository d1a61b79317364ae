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

/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677) as Authentication Method: the password never goes over the wire, and the server must prove that it
 * knows it: `connect(url, { authentication: scramSha256({ username, password }) })`. Runs on Web Crypto, in Node and in browsers (there
 * in secure contexts only).
 */
export function scramSha256(options: ScramOptions): AuthenticationOptions {
  let exchange: Exchange | undefined;
  return {
    method: 'SCRAM-SHA-256',
    start() {
      exchange = new Exchange(options, base64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
      return exchange.first;
    },
    continue(data) {
      if (exchange === undefined)
        throw new ScramError('mechanism-failed', 'the server went on with an exchange that was not begun');
      return exchange.answer(textOf(data));
    },
    finish(data) {
      if (exchange === undefined)
        throw new ScramError('mechanism-failed', 'the server ended an exchange that was not begun');
      exchange.verify(textOf(data));
      exchange = undefined;
    },
  };
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
    const text = typeof password === 'function' ? await password() : password;
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

  /** The server's final message; throws ScramError. */
  verify(serverFinal: string): void {
    const { v: signature, e: error } = attributesOf(serverFinal);
    if (error !== undefined) throw new ScramError('mechanism-failed', `the server refused: ${error}`);
    if (this.#serverSignature === undefined || signature !== this.#serverSignature) {
      throw new ScramError('server-signature-wrong', 'the server did not prove that it knows the password');
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
