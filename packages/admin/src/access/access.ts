import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import { isSame } from './token.ts';

export interface AccessOptions {
  readonly token: string;
  /** Asked for everything, where there is one. */
  readonly password: string | undefined;
  /** Names that the API may be called by, besides addresses and `localhost`. */
  readonly hostNames: readonly string[];
}

/** `127.0.0.0/8`, `::1` or a name that always means them. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}

/**
 * Refuses a request that a web page of somebody else's could have made: one that came to a name that is not this broker's
 * (DNS rebinding), or that a page from elsewhere sent. Throws ApiError.
 */
export function checkOrigin(request: FastifyRequest, options: AccessOptions): void {
  const { host = '', origin } = request.headers;
  const name = hostNameOf(host);
  const isOurs =
    isIP(name) !== 0 || isLoopback(name) || options.hostNames.some((known) => known.toLowerCase() === name);
  if (!isOurs) {
    throw new ApiError(
      403,
      'host-not-allowed',
      `this API is not called ${JSON.stringify(name)}: use its IP address, localhost, or a host name it was told of`,
    );
  }
  const site = request.headers['sec-fetch-site'];
  const isForeign =
    origin === undefined
      ? site === 'cross-site' && request.method !== 'GET'
      : originHost(origin) !== host.toLowerCase();
  if (isForeign) throw new ApiError(403, 'origin-not-allowed', 'a web page from elsewhere may not use this API');
}

/** Throws ApiError 401 where a password is asked for, or a token for a change, and it is not there. */
export function checkCredentials(request: FastifyRequest, options: AccessOptions, changes: boolean): void {
  const { token, password } = options;
  if (isAuthenticated(request, options)) return;
  if (password !== undefined) {
    throw new ApiError(
      401,
      'password-required',
      'give the password: Authorization: Bearer PASSWORD, or HTTP Basic with any user name',
    );
  }
  if (changes) {
    const words =
      token === ''
        ? 'nothing can be changed here'
        : 'a change needs the token: Authorization: Bearer TOKEN; it stands in the file api-token of the data directory, or was printed at start';
    throw new ApiError(401, 'token-required', words);
  }
}

/** It has shown the token or the password. */
export function isAuthenticated(request: FastifyRequest, { token, password }: AccessOptions): boolean {
  const given = secretOf(request.headers.authorization);
  if (given === undefined) return false;
  return isSame(given, token) || (password !== undefined && isSame(given, password));
}

function secretOf(header: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(\w+)\s+(.+)$/.exec(header ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return value;
    case 'basic': {
      const text = Buffer.from(value, 'base64').toString('utf8');
      return text.slice(text.indexOf(':') + 1);
    }
    default:
      return undefined;
  }
}

function hostNameOf(host: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d+$/, '')).toLowerCase();
}

/** `null`, which sandboxed pages send, is nobody's. */
function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;
}
