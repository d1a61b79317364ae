/**
 * Why a web page may not connect, for people; undefined: it may. A browser says in `Origin` where the page is from whose
 * script opens a WebSocket; without this check any page that somebody on this network looks at could use the broker.
 *
 * Who sends no `Origin` is no browser, and may. `allowed` undefined: pages of the host that is asked (`Host`) and of
 * loopback. Otherwise the origins in it, `https://example.org`, or `*` for all.
 */
export function originRefusal(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | undefined,
): string | undefined {
  if (origin === undefined) return undefined;
  const page = urlOf(origin);
  if (allowed !== undefined) {
    const isAllowed = allowed.some(
      (one) => one === '*' || one === origin || (page && urlOf(one)?.origin === page.origin),
    );
    return isAllowed ? undefined : 'is not among those that may connect here (websocket.origins)';
  }
  const here = host === undefined ? undefined : urlOf(`http://${host}`);
  if (page !== undefined && (isLoopback(page.hostname) || page.hostname === here?.hostname)) return undefined;
  return 'is of another host than this broker: it may connect once it is named in websocket.origins';
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isLoopback(hostname: string): boolean {
  return /^(?:(?:.*\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
