import type { Settings } from '../settings.ts';
import { ClientRecord } from './client-record.ts';

/** Records of Client Identifiers that were only ever refused, for each one that was let in. */
const STRANGERS = 0.25;

/** What is remembered of Client Identifiers, so many: who was quiet longest is forgotten first, who is connected last. */
export class ClientRecords {
  /** Forgotten for want of room. */
  evicted = 0;
  readonly #settings: Pick<Settings, 'recorder.clients' | 'recorder.events'>;
  readonly #onEvicted: (record: ClientRecord) => void;
  /** Both in the order in which something happened to them. */
  readonly #clients = new Map<string, ClientRecord>();
  readonly #strangers = new Map<string, ClientRecord>();

  constructor(
    settings: Pick<Settings, 'recorder.clients' | 'recorder.events'>,
    onEvicted: (record: ClientRecord) => void,
  ) {
    this.#settings = settings;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#clients.size + this.#strangers.size;
  }

  get(clientId: string): ClientRecord | undefined {
    return this.#clients.get(clientId) ?? this.#strangers.get(clientId);
  }

  /** Of who was let in at some time. */
  client(clientId: string): ClientRecord | undefined {
    return this.#clients.get(clientId);
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
    const stranger = this.#strangers.get(clientId);
    const record =
      this.#clients.get(clientId) ?? stranger ?? new ClientRecord(clientId, this.#settings['recorder.events']);
    record.hasConnected ||= hasConnected;
    if (stranger !== undefined) this.#strangers.delete(clientId);
    else this.#clients.delete(clientId);
    return this.#place(record);
  }

  /** Who was never let in cannot push out who was: names are free to invent. */
  #place(record: ClientRecord): ClientRecord {
    const most = this.#settings['recorder.clients'];
    const isStranger = !record.hasConnected;
    const records = isStranger ? this.#strangers : this.#clients;
    records.set(record.clientId, record);
    if (records.size > (isStranger ? Math.max(1, Math.floor(most * STRANGERS)) : most)) this.#evict(records);
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
    this.#onEvicted(oldest);
    this.evicted++;
  }
}
