const MASK = '***';

/**
 * An address as people may see it, in messages, logs and evidence: user info and the values of its query are `***`. It need not be a valid address:
 * user info that is cut by `#`, `/` or `?`, or that stands before no scheme, is found by its last `@`.
 */
export function maskAddress(address: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(address) ?? [];
  // A path alone has no user info: an @ in it is its own.
  const at = scheme === '' && rest.startsWith('/') ? -1 : endOfUserInfo(rest);
  return scheme + (at < 0 ? maskQuery(rest) : `${MASK}@${maskQuery(rest.slice(at + 1))}`);
}

/** Every address with a scheme in a text, masked. */
export function maskAddresses(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'`]+/gi, maskAddress);
}

/** The last `@`, but for one in the value of a query that has a name. */
function endOfUserInfo(rest: string): number {
  const query = rest.search(/\?[\w.-]+=/);
  const before = rest.lastIndexOf('@', query < 0 ? rest.length : query);
  return before < 0 && !isPlainHost(rest, query) ? rest.lastIndexOf('@') : before;
}

/** What stands before the query can be host, port and path: then the query is one, and not the rest of a password. */
function isPlainHost(rest: string, query: number): boolean {
  return query >= 0 && /^(\[[^\]]*\]|[^:/?#]*)(:\d*)?(\/[^#]*)?$/.test(rest.slice(0, query));
}

function maskQuery(text: string): string {
  const query = text.indexOf('?');
  if (query < 0) return text;
  const [given = '', fragment] = text.slice(query + 1).split(/(#.*)/s);
  const masked = given.replace(/[^&]+/g, (part) => (part.includes('=') ? part.replace(/=.*/s, `=${MASK}`) : MASK));
  return `${text.slice(0, query)}?${masked}${fragment ?? ''}`;
}
