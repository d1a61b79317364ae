import type { ClientInfo } from '@hawser/broker';
import { coversFilter, filtersOverlap } from './filters.ts';

/** A Topic Filter of a rule, with `%c` (Client Identifier), `%u` (user name) and `%cert` (CN of a verified certificate). */
export interface Template {
  readonly text: string;
  /** All topics of `topic` are within it. */
  covers(topic: string, client: ClientInfo): boolean;
  /** Some topic of `topic` is within it. */
  overlaps(topic: string, client: ClientInfo): boolean;
}

const PLACEHOLDER = /%(?:cert|c|u)/g;

/**
 * Compiles a filter of a rule. A name with `/`, `+` or `#` in it can stand for nothing in a filter that permits (a client
 * that calls itself `+` gets nobody's topics), and for everything below its place in one that denies.
 */
export function compileTemplate(text: string): Template {
  if (text.search(PLACEHOLDER) < 0) {
    const levels = text.split('/');
    return {
      text,
      covers: (topic) => coversFilter(levels, topic.split('/')),
      overlaps: (topic) => filtersOverlap(levels, topic.split('/')),
    };
  }
  return {
    text,
    covers: (topic, client) => {
      const levels = fillIn(text, client, false);
      return levels !== undefined && coversFilter(levels, topic.split('/'));
    },
    overlaps: (topic, client) => {
      const levels = fillIn(text, client, true);
      return levels !== undefined && filtersOverlap(levels, topic.split('/'));
    },
  };
}

/** Undefined: it stands for nothing. */
function fillIn(text: string, client: ClientInfo, denies: boolean): string[] | undefined {
  const levels: string[] = [];
  for (const level of text.split('/')) {
    let isDangerous = false;
    let isMissing = false;
    const filled = level.replace(PLACEHOLDER, (placeholder) => {
      const value = namedBy(placeholder, client);
      isMissing ||= value === undefined || value === '';
      isDangerous ||= value !== undefined && /[/+#]/.test(value);
      return value ?? '';
    });
    if (isMissing || (isDangerous && !denies)) return undefined;
    // `$…` is the server's own: a client's name does not make a permission for it.
    if (!denies && levels.length === 0 && filled.startsWith('$') && !level.startsWith('$')) return undefined;
    if (isDangerous) return [...levels, '#'];
    levels.push(filled);
  }
  return levels;
}

function namedBy(placeholder: string, { clientId, username, tls }: ClientInfo): string | undefined {
  if (placeholder === '%c') return clientId;
  if (placeholder === '%u') return username;
  return tls?.authorized === true ? tls.peerCommonName : undefined;
}
