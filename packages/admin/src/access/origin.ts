import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

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
 * (DNS rebinding), or that a page from elsewhere sent. `hostNames`: what it may be called, besides addresses and
 * `localhost`. `isProxied`: a trusted proxy has brought it, which may ask under another name than the page did. Throws
 * ApiError 403.
 */
export function checkOrigin(request: FastifyRequest, hostNames: readonly string[], isProxied: boolean): void {
  const { host = '', origin } = request.headers;
  const name = hostNameOf(host);
  const isNamed = (candidate: string): boolean => hostNames.some((known) => known.toLowerCase() === candidate);
  if (isIP(name) === 0 && !isLoopback(name) && !isNamed(name)) {
    throw new ApiError(
      403,
      'host-not-allowed',
      `this API is not called ${JSON.stringify(name)}: use its IP address, localhost, or a host name it was told of (console.hostNames)`,
    );
  }
  const site = request.headers['sec-fetch-site'];
  if (
    origin === undefined
      ? site === 'cross-site' && request.method !== 'GET'
      : !isOwn(origin, host, isProxied ? isNamed : () => false)
  )
    throw new ApiError(403, 'origin-not-allowed', 'a web page from elsewhere may not use this API');
}

/** Of the host that was asked, port and all, or of one of its names. `null`, which sandboxed pages send, is nobody's. */
function isOwn(origin: string, host: string, isNamed: (name: string) => boolean): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return page.host.toLowerCase() === host.toLowerCase() || isNamed(page.hostname.toLowerCase());
}

function hostNameOf(host: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d+$/, '')).toLowerCase();
}
