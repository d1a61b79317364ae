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
  /** Refusals of the same kind that came since the last entry about them. */
  readonly repeated: number;
}

export interface AuditOptions {
  readonly context: Pick<ApiContext, 'settings' | 'now' | 'wallNow'>;
  /** Absent: what is written ends with the process. */
  readonly log?: RecorderLog | undefined;
}

/** Refusals of one address for one reason have one entry in this time, and all together so many: a flood must not push out what there was before. */
const REFUSALS_EVERY_MS = 60_000;
const MOST_REFUSALS = 100;
/** A Client Identifier may have 65,535 bytes. */
const MOST_TARGET = 300;

/** Who has changed what through the API, and who was not let. */
export class AuditLog {
  readonly #context: AuditOptions['context'];
  readonly #log: RecorderLog | undefined;
  readonly #entries: Ring<AuditEntry>;
  readonly #refusals = new Map<string, { readonly atMs: number; repeated: number }>();

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

  add(entry: Omit<AuditEntry, 'at' | 'repeated'>): void {
    const repeated = entry.outcome === 'refused' ? this.#repetitionsOf(entry) : 0;
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
  #repetitionsOf({ address, code, who }: Omit<AuditEntry, 'at' | 'repeated'>): number | undefined {
    const key = `${address} ${code} ${who}`;
    const now = this.#context.now();
    const known = this.#refusals.get(key);
    if (known !== undefined && now - known.atMs < REFUSALS_EVERY_MS) {
      known.repeated++;
      return undefined;
    }
    this.#refusals.delete(key);
    if (this.#refusals.size >= MOST_REFUSALS) this.#forgetRefusals(now);
    if (this.#refusals.size >= MOST_REFUSALS) return undefined;
    this.#refusals.set(key, { atMs: now, repeated: 0 });
    return known?.repeated ?? 0;
  }

  #forgetRefusals(now: number): void {
    for (const [key, { atMs }] of this.#refusals) {
      if (now - atMs < REFUSALS_EVERY_MS) return;
      this.#refusals.delete(key);
    }
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
