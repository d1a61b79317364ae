import { readFileSync } from 'node:fs';
import { messageOf } from './read-lines.ts';

/** The rules of an ACL file, in the order in which Mosquitto looks at them. */
export interface ImportedAcl {
  readonly rules: readonly Record<string, unknown>[];
  /** Each with file and line. */
  readonly notes: readonly string[];
}

const ACTIONS: Readonly<Record<string, string>> = { read: 'subscribe', write: 'publish', readwrite: 'all' };

/**
 * Reads the `user`, `topic` and `pattern` lines of an ACL file. Mosquitto holds a topic against the lines of the user first (or, of
 * clients without a name, against those in front of the first `user`), then against the patterns; in both the denials
 * come first. A file that cannot be read has no rule: nothing is permitted.
 *
 * `nameIsClientId`: `use_username_as_clientid` is on, so `%c` stands for the user name.
 */
export function importAcl(path: string, nameIsClientId: boolean): ImportedAcl {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return {
      rules: [],
      notes: [
        `${path}: cannot be read (${messageOf(error)}): nothing is permitted until authorization.rules says what`,
      ],
    };
  }
  const named: Rules = { denials: [], permissions: [] };
  const patterns: Rules = { denials: [], permissions: [] };
  const notes: string[] = [];
  let user: string | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    if (name === 'user' && rest !== '') {
      user = rest;
      continue;
    }
    const [, access = 'readwrite', topic = ''] = /^(?:(read|write|readwrite|deny)\s+)?(.*)$/.exec(rest) ?? [];
    if ((name !== 'topic' && name !== 'pattern') || topic === '') {
      notes.push(`${path}:${index + 1}: this line is not understood, and left out`);
      continue;
    }
    const topics = nameIsClientId && name === 'pattern' ? topic.replaceAll('%c', '%u') : topic;
    const to = name === 'pattern' ? patterns : named;
    const whom = name === 'pattern' ? {} : user === undefined ? { anonymous: true } : { users: user };
    if (access === 'deny') to.denials.push({ deny: 'all', topics, ...whom });
    else to.permissions.push({ allow: ACTIONS[access] ?? 'all', topics, ...whom });
  }
  return {
    rules: [...named.denials, ...named.permissions, ...patterns.denials, ...patterns.permissions],
    notes,
  };
}

interface Rules {
  readonly denials: Record<string, unknown>[];
  readonly permissions: Record<string, unknown>[];
}
