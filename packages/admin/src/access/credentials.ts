import type { IncomingHttpHeaders } from 'node:http';

/** What a request has shown. */
export interface GivenCredentials {
  /** Undefined: a secret alone. */
  readonly name: string | undefined;
  readonly secret: string;
}

/** Of `Authorization: Basic` or `Bearer`; undefined: it has none of these. */
export function credentialsOf({ authorization }: IncomingHttpHeaders): GivenCredentials | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { name: undefined, secret: value };
    case 'basic': {
      const text = Buffer.from(value, 'base64').toString('utf8');
      const at = text.indexOf(':');
      return { name: text.slice(0, Math.max(0, at)), secret: text.slice(at + 1) };
    }
    default:
      return undefined;
  }
}

/** A cookie of a request. */
export function cookieOf({ cookie }: IncomingHttpHeaders, name: string): string | undefined {
  for (const part of (cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
