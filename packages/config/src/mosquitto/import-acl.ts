/** An ACL file of Mosquitto, as rules. */
export interface ImportedAcl {
  readonly rules: readonly Record<string, unknown>[];
  readonly notes: readonly string[];
}

const ACTIONS: Readonly<Record<string, string>> = {
  read: 'subscribe',
  write: 'publish',
  readwrite: 'all',
  deny: 'all',
};

/**
 * Reads `user`, `topic` and `pattern` lines. Mosquitto lets any line of an ACL decide, and `deny` over all others: so the
 * denials come first. Its `read` is about deliveries, here about subscriptions.
 */
export function importAcl(text: string): ImportedAcl {
  const denials: Record<string, unknown>[] = [];
  const permissions: Record<string, unknown>[] = [];
  const notes: string[] = [];
  let user: string | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    if (name === 'user') {
      user = rest;
      continue;
    }
    if (name !== 'topic' && name !== 'pattern') {
      notes.push(`line ${index + 1}: ${line}: not understood`);
      continue;
    }
    const [, access = 'readwrite', topics = ''] = /^(?:(read|write|readwrite|deny)\s+)?(.*)$/.exec(rest) ?? [];
    const who = name === 'pattern' || user === undefined ? {} : { users: user };
    const action = ACTIONS[access] ?? 'all';
    if (access === 'deny') denials.push({ deny: action, topics, ...who });
    else permissions.push({ allow: action, topics, ...who });
    if (name === 'topic' && user === undefined) {
      notes.push(`line ${index + 1}: ${line}: for anonymous clients there, for everybody here`);
    }
  }
  return { rules: [...denials, ...permissions], notes };
}
