import { hostNameOf, isCertainHost } from '@hawser/transport';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';

/**
 * Refuses a request that a web page of somebody else's could have made: one that came to a name that is not this broker's
 * (DNS rebinding), or that a page from elsewhere sent. `hostNames`: what it may be called, besides addresses and
 * `localhost`. `isProxied`: a trusted proxy has brought it, which may ask under another name than the page did. `isPage`: what is
 * asked for is a page for people, not the API. Throws
 * ApiError 403.
 */
export function checkOrigin(
  request: FastifyRequest,
  hostNames: readonly string[],
  isProxied: boolean,
  isPage: boolean,
): void {
  const { host = '', origin } = request.headers;
  const name = hostNameOf(host);
  const isNamed = (candidate: string): boolean => hostNames.some((known) => known.toLowerCase() === candidate);
  if (!isCertainHost(name) && !isNamed(name)) {
    throw new ApiError(
      403,
      'host-not-allowed',
      `this API is not called ${JSON.stringify(name)}: use its IP address, localhost, or a host name it was told of (console.hostNames)`,
    );
  }
  if (origin === undefined ? isFromElsewhere(request, isPage) : !isOwn(origin, host, isProxied ? isNamed : () => false))
    throw new ApiError(403, 'origin-not-allowed', 'a web page from elsewhere may not use this API');
}

/**
 * What a browser sends without an Origin: what a page shows or runs (`<img>`, `<script>`), and where a person goes. Somebody may come to the
 * console by a link of any page; the API nobody is sent to by another site, and no page takes anything from it, be it on another port.
 */
function isFromElsewhere({ headers, method }: FastifyRequest, isPage: boolean): boolean {
  const isNavigation = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  switch (headers['sec-fetch-site']) {
    case 'cross-site':
      return !(isPage && isNavigation);
    case 'same-site':
      return !isNavigation;
    default:
      return false;
  }
}

/** Of the host that was asked, port and all, or of one of its names. `null`, which sandboxed pages send, is nobody's. */
function isOwn(origin: string, host: string, isNamed: (name: string) => boolean): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return page.host.toLowerCase() === host.toLowerCase() || isNamed(page.hostname.toLowerCase());
}
