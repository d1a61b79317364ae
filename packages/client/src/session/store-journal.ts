import type { ConnectPacket } from '@hawser/codec';
import { NO_TICKET, type Ticket } from '@hawser/protocol';
import type { Negotiated } from '../negotiated.ts';
import type { Journal, JournalHost, Restored } from './journal.ts';
import type { Outgoing } from './outgoing.ts';
import type { SessionEntries, StoreChange } from './session-entries.ts';
import { decodeStored, encodeStored } from './stored-message.ts';

const SESSION_KEY = 's';

/** Writes changes to a store in order, one batch at a time, and says how far it has come. */
export class StoreJournal implements Journal {
  committed: Ticket = NO_TICKET;
  readonly objection = [
    'session-present-without-state',
    'the server has a session of this Client ID, the store has none: connect with cleanStart: true once',
  ] as const;
  readonly #entries: SessionEntries;
  readonly #host: JournalHost;
  #filling: StoreChange[] = [];
  /** Of the batch that is being filled. */
  #ticket = 1;
  #sequence = 0;
  readonly #tasks: { readonly ticket: Ticket; readonly task: () => void }[] = [];
  #writing: Promise<void> | undefined;

  private constructor(entries: SessionEntries, host: JournalHost) {
    this.#entries = entries;
    this.#host = host;
  }

  /** Reads what is there; throws for what was not written by a journal. */
  static async open(entries: SessionEntries, host: JournalHost): Promise<Restored> {
    const journal = new StoreJournal(entries, host);
    const messages: Outgoing[] = [];
    const inbound: number[] = [];
    let hasSession = false;
    for (const [key, value] of await entries.load(host.clientId)) {
      if (key === SESSION_KEY) hasSession = true;
      else if (key.startsWith('i')) inbound.push(Number(key.slice(1)));
      else if (key.startsWith('m'))
        messages.push(decodeStored(Number.parseInt(key.slice(1), 16), value, journal.#wallOffsetMs));
    }
    messages.sort((a, b) => a.sequence - b.sequence);
    journal.#sequence = messages.at(-1)?.sequence ?? 0;
    return { journal, messages, inbound, hasSession };
  }

  keep(message: Outgoing): Ticket {
    if (message.qos === 0) return NO_TICKET;
    if (message.sequence === 0) message.sequence = ++this.#sequence;
    return this.#put(messageKey(message), encodeStored(message, this.#wallOffsetMs));
  }

  forget(message: Outgoing): void {
    if (message.sequence > 0) this.#put(messageKey(message), undefined);
  }

  keepInbound(packetIdentifier: number): void {
    this.#put(`i${packetIdentifier}`, new Uint8Array(0));
  }

  forgetInbound(packetIdentifier: number): void {
    this.#put(`i${packetIdentifier}`, undefined);
  }

  keepSession({ protocolVersion, cleanStart }: ConnectPacket, { sessionExpiryInterval }: Negotiated): void {
    const outlives = protocolVersion === 5 ? (sessionExpiryInterval.effective ?? 0) > 0 : !cleanStart;
    this.#put(SESSION_KEY, outlives ? new Uint8Array([1]) : undefined);
  }

  after(task: () => void): void {
    if (this.#writing === undefined) task();
    else this.#tasks.push({ ticket: this.#filling.length > 0 ? this.#ticket : this.#ticket - 1, task });
  }

  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    try {
      await this.#entries.close?.();
    } catch (error) {
      this.#host.warn('store-failed', `the store was not closed: ${error}`);
    }
  }

  /** Milliseconds since 1970, less what the client's clock says. */
  get #wallOffsetMs(): number {
    const { clock } = this.#host;
    return clock.wallNow() - clock.now();
  }

  #put(key: string, value: Uint8Array | undefined): Ticket {
    this.#filling.push({ key, value });
    this.#writing ??= this.#write();
    return this.#ticket;
  }

  async #write(): Promise<void> {
    // What else comes in this turn goes with it.
    await Promise.resolve();
    while (this.#filling.length > 0) {
      const batch = this.#filling;
      const ticket = this.#ticket++;
      this.#filling = [];
      try {
        await this.#entries.write(this.#host.clientId, batch);
      } catch (error) {
        // The client goes on: what the program gave it is still in memory, only a restart would lose it.
        this.#host.warn('store-failed', `what is to survive a restart was not written: ${error}`);
      }
      this.committed = ticket;
      const due = this.#tasks.findIndex((waiting) => waiting.ticket > ticket);
      for (const { task } of this.#tasks.splice(0, due < 0 ? this.#tasks.length : due)) task();
      this.#host.onWritable();
    }
    this.#writing = undefined;
  }
}

/** Keys sort in the order of their sequences. */
function messageKey({ sequence }: Outgoing): string {
  return `m${sequence.toString(16).padStart(14, '0')}`;
}
