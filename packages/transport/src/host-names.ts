import { isIP } from 'node:net';

/** The name in a `Host` header: without its port, and an IPv6 address without its brackets. */
export function hostNameOf(host: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d+$/, '')).toLowerCase();
}

/** `127.0.0.0/8`, `::1` or a name that always means them. */
export function isLoopbackHost(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    lower === 'localhost' ||
    lower.endsWith('.localhost') ||
    lower === '::1' ||
    (isIP(lower) === 4 && lower.startsWith('127.'))
  );
}

/**
 * Whether a name says by itself where it leads. Any other is whatever somebody's name server answers: a web page can be made to believe
 * that this machine has the name of the page (DNS rebinding).
 */
export function isCertainHost(name: string): boolean {
  return isIP(name) !== 0 || isLoopbackHost(name);
}
