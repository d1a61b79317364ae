import { hostNameOf, isCertainHost, isLoopbackHost } from './host-names.ts';

/**
 * Why a web page may not connect; undefined: it may. A browser says in `Origin` where the page is from whose
 * script opens a WebSocket; without this check any page that somebody on this network looks at could use the broker.
 *
 * Who sends no `Origin` is no browser, and may. `allowed` undefined: pages of the host that is asked (`Host`) and of
 * loopback. Otherwise the origins in it, `https://example.org`, or `*` for all. That a page is of the host that is asked says something only
 * where the host's name leads here for certain: an address, a name of loopback, or a name that TLS has proved (`isSecure`).
 */
export function originRefusal(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | undefined,
  isSecure: boolean,
): 'origin-not-listed' | 'origin-elsewhere' | 'origin-uncertain' | undefined {
  if (origin === undefined) return undefined;
  const page = urlOf(origin);
  if (allowed !== undefined) {
    const isAllowed = allowed.some(
      (one) => one === '*' || one === origin || (page && urlOf(one)?.origin === page.origin),
    );
    return isAllowed ? undefined : 'origin-not-listed';
  }
  if (page !== undefined && isLoopbackHost(nameOf(page))) return undefined;
  if (page === undefined || nameOf(page) !== hostNameOf(host ?? '')) return 'origin-elsewhere';
  if (isSecure || isCertainHost(nameOf(page))) return undefined;
  // Its owner can let the page's own name lead here (DNS rebinding).
  return 'origin-uncertain';
}

function nameOf({ hostname }: URL): string {
  return hostNameOf(hostname);
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
