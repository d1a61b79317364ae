import { checkRecord } from '../records/check-record.ts';
import { keyReader, Prefix } from '../records/keys.ts';
import { readSession } from '../records/records.ts';
import { readRecord } from '../records/sealed-record.ts';
import type { StoreDamage } from './store-damage.ts';

/** Whose sessions have which numbers, so that damage can be told by Client Identifier. */
export class ClientNames {
  readonly #clients = new Map<string, string>();

  /** Any record that is whole. */
  note(key: Buffer, value: Buffer | undefined): void {
    if (key[0] !== Prefix.session || value === undefined || checkRecord(key, value) !== undefined) return;
    const { number, clientId } = readRecord(key, value, (reader) => readSession(keyReader(key).utf8(), reader));
    this.#clients.set(String(number), clientId);
  }

  /** The same damages, with a name behind each number of a session that is known. */
  name(damages: readonly StoreDamage[]): readonly StoreDamage[] {
    const named = (text: string): string =>
      text.replace(/\bsession (\d+)/g, (words, number: string) => {
        const clientId = this.#clients.get(number);
        return clientId === undefined ? words : `${words} (client "${clientId}")`;
      });
    return damages.map(({ where, what }) => ({ where: named(where), what: named(what) }));
  }
}
