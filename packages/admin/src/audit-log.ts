import { type RecorderLog, Ring } from '@hawser/broker';
import type { ApiContext } from './access/sessions.ts';

/** Something that was done, or tried, through the API. Never has a secret. */
export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** A user, `token`, `password` or `nobody`. */
  readonly who: string;
  readonly role: string | null;
  readonly address: string;
  /** `login`, `logout`, or method and path: `DELETE /clients/{clientId}`. */
  readonly action: string;
  readonly target: string | null;
  /** `refused`: it was not permitted; `failed`: it could not be done. */
  readonly outcome: 'done' | 'failed' | 'refused';
  /** Code of the answer that said so. */
  readonly code: string | null;
  /** Of the same kind, refusals and logins, that came since the last entry about them. */
  readonly repeated: number;
}

type NewEntry = Omit<AuditEntry, 'at' | 'repeated'>;

export interface AuditOptions {
  readonly context: Pick<ApiContext, 'settings' | 'now' | 'wallNow'>;
  /** Absent: what is written ends with the process. */
  readonly log?: RecorderLog | undefined;
}

/**
 * What changes nothing has one entry of a kind in this time, and so many of all kinds: who has no right to change anything
 * must not be able to push out what others have done.
 */
const REPEATED_EVERY_MS = 60_000;
const MOST_KINDS = 100;
/** A Client Identifier may have 65,535 bytes. */
const MOST_TARGET = 300;

/** Who has changed what through the API, and who was not let. */
export class AuditLog {
  readonly #context: AuditOptions['context'];
  readonly #log: RecorderLog | undefined;
  readonly #entries: Ring<AuditEntry>;
  readonly #kinds = new Map<string, { readonly atMs: number; repeated: number }>();

  constructor({ context, log }: AuditOptions) {
    this.#context = context;
    this.#log = log;
    this.#entries = new Ring(context.settings['api.audit']);
  }

  /** Lines that could not be written. */
  get dropped(): number {
    return this.#log?.dropped ?? 0;
  }

  /** Reads what earlier runs have left. */
  async open(): Promise<void> {
    for (const line of (await this.#log?.open()) ?? []) {
      const entry = parseEntry(line);
      if (entry !== undefined) this.#entries.push(entry);
    }
  }

  add(entry: NewEntry): void {
    const kind = repeatableKind(entry);
    const repeated = kind === undefined ? 0 : this.#repetitionsOf(kind);
    if (repeated === undefined) return;
    const target =
      entry.target !== null && entry.target.length > MOST_TARGET
        ? `${entry.target.slice(0, MOST_TARGET)}…`
        : entry.target;
    const whole: AuditEntry = { at: new Date(this.#context.wallNow()).toISOString(), ...entry, target, repeated };
    this.#entries.push(whole);
    this.#log?.append(JSON.stringify(whole));
  }

  newestFirst(): Iterable<AuditEntry> {
    return this.#entries.newestFirst();
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }

  /** Undefined: there is an entry about these already. */
  #repetitionsOf(key: string): number | undefined {
    const now = this.#context.now();
    const known = this.#kinds.get(key);
    if (known !== undefined && now - known.atMs < REPEATED_EVERY_MS) {
      known.repeated++;
      return undefined;
    }
    this.#kinds.delete(key);
    if (this.#kinds.size >= MOST_KINDS) this.#forgetKinds(now);
    if (this.#kinds.size >= MOST_KINDS) return undefined;
    this.#kinds.set(key, { atMs: now, repeated: 0 });
    return known?.repeated ?? 0;
  }

  #forgetKinds(now: number): void {
    for (const [key, { atMs }] of this.#kinds) {
      if (now - atMs < REPEATED_EVERY_MS) return;
      this.#kinds.delete(key);
    }
  }
}

/** Entries with the same are counted together. Undefined: each stands for itself, as something is another after it. */
function repeatableKind({ address, who, action, target, outcome, code }: NewEntry): string | undefined {
  switch (outcome) {
    case 'refused':
      return `${address} ${who} ${code}`;
    case 'failed':
      return `${address} ${who} ${code} ${action} ${target}`;
    case 'done':
      return action === 'login' || action === 'logout' ? `${address} ${who} ${action}` : undefined;
  }
}

function parseEntry(line: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    const isEntry = typeof entry === 'object' && entry !== null && 'at' in entry && 'action' in entry;
    return isEntry ? (entry as AuditEntry) : undefined;
  } catch {
    // A crash has cut it off.
    return undefined;
  }
}
