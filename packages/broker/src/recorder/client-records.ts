import type { Settings } from '../settings.ts';
import { ClientRecord, recordedName } from './client-record.ts';

export type RecordBounds = Pick<Settings, 'recorder.clients' | 'recorder.events' | 'recorder.bytes'>;

/** Of `recorder.bytes`, for the records; the rest is for history and refusals. */
const SHARE = 0.75;
/** Records of Client Identifiers that were only ever refused, for each one that was let in. */
const STRANGERS = 0.25;

/** What is remembered of Client Identifiers, so many: who was quiet longest is forgotten first, who is connected last. */
export class ClientRecords {
  /** Forgotten for want of room. */
  evicted = 0;
  #settings: RecordBounds;
  /** What all records take. */
  #bytes = 0;
  readonly #onEvicted: (record: ClientRecord) => void;
  /** Both in the order in which something happened to them. */
  readonly #clients = new Map<string, ClientRecord>();
  readonly #strangers = new Map<string, ClientRecord>();

  constructor(settings: RecordBounds, onEvicted: (record: ClientRecord) => void) {
    this.#settings = settings;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#clients.size + this.#strangers.size;
  }

  get(clientId: string): ClientRecord | undefined {
    const name = recordedName(clientId);
    return this.#clients.get(name) ?? this.#strangers.get(name);
  }

  /** Of who was let in at some time. */
  client(clientId: string): ClientRecord | undefined {
    return this.#clients.get(recordedName(clientId));
  }

  /** Of all who were let in at some time. */
  clients(): Iterable<ClientRecord> {
    return this.#clients.values();
  }

  *all(): Iterable<ClientRecord> {
    yield* this.#clients.values();
    yield* this.#strangers.values();
  }

  /** The record of a Client Identifier, which is the last to be forgotten from now on. */
  touch(clientId: string, hasConnected: boolean): ClientRecord {
    const name = recordedName(clientId);
    const stranger = this.#strangers.get(name);
    const known = this.#clients.get(name) ?? stranger;
    const record = known ?? new ClientRecord(name, this.#settings['recorder.events']);
    if (known === undefined) this.#bytes += record.bytes;
    record.hasConnected ||= hasConnected;
    if (stranger !== undefined) this.#strangers.delete(name);
    else this.#clients.delete(name);
    return this.#place(record);
  }

  /** Changes a record, and counts what it takes from then on. */
  change<T>(record: ClientRecord, change: (record: ClientRecord) => T): T {
    const before = record.bytes;
    const result = change(record);
    this.onChanged(record, before);
    return result;
  }

  /** A record has been changed; `before`: what it took until then. */
  onChanged(record: ClientRecord, before: number): void {
    this.#bytes += record.bytes - before;
    this.#shed(record);
  }

  /** New bounds; what is over them is forgotten. */
  configure(settings: RecordBounds): void {
    this.#settings = settings;
    for (const record of this.all()) this.change(record, ({ events }) => events.setBounds(settings['recorder.events']));
    while (this.#clients.size > settings['recorder.clients']) this.#evict(this.#clients);
    while (this.#strangers.size > this.#mostStrangers) this.#evict(this.#strangers);
  }

  get #mostStrangers(): number {
    return Math.max(1, Math.floor(this.#settings['recorder.clients'] * STRANGERS));
  }

  /** Those that were never let in make room first; the one that has just been changed stays. */
  #shed(changed: ClientRecord): void {
    while (this.#bytes > SHARE * this.#settings['recorder.bytes']) {
      const records = this.#strangers.size > (changed.hasConnected ? 0 : 1) ? this.#strangers : this.#clients;
      if (records.size <= 1) return;
      this.#evict(records);
    }
  }

  /** Who was never let in cannot push out who was: names are free to invent. */
  #place(record: ClientRecord): ClientRecord {
    const most = this.#settings['recorder.clients'];
    const isStranger = !record.hasConnected;
    const records = isStranger ? this.#strangers : this.#clients;
    records.set(record.clientId, record);
    if (records.size > (isStranger ? this.#mostStrangers : most)) this.#evict(records);
    return record;
  }

  #evict(records: Map<string, ClientRecord>): void {
    let oldest: ClientRecord | undefined;
    let looked = 0;
    for (const record of records.values()) {
      oldest ??= record;
      if (!record.isConnected) {
        oldest = record;
        break;
      }
      if (++looked >= 16) break;
    }
    if (oldest === undefined) return;
    records.delete(oldest.clientId);
    this.#bytes -= oldest.bytes;
    this.#onEvicted(oldest);
    this.evicted++;
  }
}
