import type { FastifyReply } from 'fastify';

/** Answers of the API are data: nothing in them is ever run or shown as a page. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/** The console's own files alone; its components set styles of their own, and it opens WebSockets to the broker. */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; " +
  "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Headers that keep a browser from being used against the console. There are none of CORS: no other page may read here. */
export function addSecurityHeaders(reply: FastifyReply, isPage: boolean, isSecure: boolean): void {
  reply.headers(HEADERS).header('content-security-policy', isPage ? PAGE_POLICY : DATA_POLICY);
  // Over plain HTTP anybody on the way could have sent it [RFC 6797, 7.2].
  if (isSecure) reply.header('strict-transport-security', 'max-age=31536000');
}
