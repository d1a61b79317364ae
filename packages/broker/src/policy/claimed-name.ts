import { createHash } from 'node:crypto';

/** Longer ones are tokens, most likely. */
const LONGEST_SHOWN = 64;

/**
 * What is written down of a name that nobody has confirmed: a token given as user name, or a password typed into the wrong field, must not be
 * found in a log. The same name has the same fingerprint.
 */
export function fingerprint(name: string): string {
  return `#${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** What a person who looks at a live connection sees of a name that nobody has confirmed. */
export function shownClaim(name: string): string {
  return name.length > LONGEST_SHOWN ? fingerprint(name) : name;
}
