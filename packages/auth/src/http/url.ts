import { isLoopback } from '../addresses.ts';

/** A host of a URL that is this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopback(host.replace(/^\[|\]$/g, ''));
}
