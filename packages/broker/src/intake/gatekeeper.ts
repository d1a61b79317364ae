import { ReasonCode } from '@hawser/codec';
import type { CloseCause, CloseCode, CloseDetail } from '@hawser/protocol';
import { TokenBucket } from '../node/token-bucket.ts';
import { type AddressSet, addressSet, subscriberOf } from '../policy/addresses.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { Counters } from '../recorder/counters.ts';
import type { RecorderLog } from '../recorder/recorder-log.ts';
import type { Settings } from '../settings.ts';
import { AddressRates } from './address-rates.ts';
import { type Ban, type BanContext, BanList, bannedFor } from './ban-list.ts';
import { clientTarget, pairTarget, userTarget } from './ban-target.ts';

/** What the gatekeeper needs of its broker. */
export interface GatekeeperCore extends BanContext {
  readonly counters: Counters;
  /** How late the event loop was of late, milliseconds. */
  loopDelayMs(): number;
  now(): number;
}

/** Why somebody is not let in. */
export interface GateRefusal {
  readonly code: CloseCode;
  readonly reasonCode: number;
  readonly detail: CloseDetail;
}

/** Addresses whose rate of connecting is remembered. */
const MOST_RATES = 10_000;

/** What one address and one user may have, and who is kept out: looked at before anything that costs. */
export class Gatekeeper {
  readonly bans: BanList;
  readonly #core: GatekeeperCore;
  readonly #perAddress = new Map<string, number>();
  readonly #perUser = new Map<string, number>();
  readonly #addressRates = new AddressRates();
  #rate: TokenBucket | undefined;
  #settings: Settings | undefined;
  #isExempt: AddressSet = () => false;
  #hasRates = false;

  constructor(core: GatekeeperCore, banLog: RecorderLog | undefined) {
    this.#core = core;
    this.bans = new BanList(core, banLog);
  }

  /** Clients may not send as fast as they like. */
  get hasRates(): boolean {
    this.#refresh();
    return this.#hasRates;
  }

  /** Before a TLS handshake or a WebSocket upgrade: they cost more than whoever is banned should have. */
  onHandshake(address: string): GateRefusal | undefined {
    const ban = this.bans.find(subscriberOf(address));
    if (ban === undefined || this.isExempt(address)) return undefined;
    this.#core.counters.bannedConnections++;
    return banned(ban);
  }

  /** A network connection is there. Each call needs an `onGone`. */
  onArrival(address: string, now: number): GateRefusal | undefined {
    this.#refresh();
    const subscriber = subscriberOf(address);
    const count = (this.#perAddress.get(subscriber) ?? 0) + 1;
    this.#perAddress.set(subscriber, count);
    const { settings, counters } = this.#core;
    const ban = this.bans.find(subscriber);
    if (ban !== undefined && !this.#isExempt(address)) {
      counters.bannedConnections++;
      return banned(ban);
    }
    const most = settings['limits.connectionsPerAddress'];
    if (count > most) {
      counters.limitedConnections++;
      return quota({ is: 'connections-of-address', address: subscriber, limit: most });
    }
    if (this.#isWithinRate(subscriber, now)) return undefined;
    counters.limitedConnections++;
    return {
      code: 'connection-rate-exceeded',
      reasonCode: ReasonCode.ConnectionRateExceeded,
      detail: { is: 'connection-rate' },
    };
  }

  onGone(address: string): void {
    release(this.#perAddress, subscriberOf(address));
  }

  /** A CONNECT has come; nothing has been checked yet. */
  onConnect(clientId: string, address: string): GateRefusal | undefined {
    const { settings, counters } = this.#core;
    const ban = clientId === '' ? undefined : this.#findClient(clientId, address);
    if (ban !== undefined) {
      counters.bannedConnections++;
      return banned(ban);
    }
    const most = settings['limits.loopDelay'] * 1000;
    const delay = most === 0 ? 0 : this.#core.loopDelayMs();
    if (delay <= most) return undefined;
    counters.overloadRefusals++;
    const detail: CloseDetail = { is: 'loop-late', ms: Math.round(delay) };
    return { code: 'server-busy', reasonCode: ReasonCode.ServerBusy, detail };
  }

  /** Who it is has been found out. `taking`: whose connection it takes over. */
  onIdentified(client: ClientInfo, taking: ClientInfo | undefined): GateRefusal | undefined {
    const name = nameOf(client);
    const ban = name === undefined ? undefined : this.bans.find(userTarget(name));
    if (ban !== undefined) {
      this.#core.counters.bannedConnections++;
      return banned(ban);
    }
    const most = this.#core.settings['limits.connectionsPerUser'];
    const { username } = client;
    if (most === 0 || username === undefined) return undefined;
    const others = (this.#perUser.get(username) ?? 0) - (taking?.username === username ? 1 : 0);
    if (others < most) return undefined;
    this.#core.counters.limitedConnections++;
    return quota({ is: 'connections-of-user', limit: most });
  }

  onAccepted(client: ClientInfo): void {
    const { username, clientId, remoteAddress } = client;
    if (username !== undefined) this.#perUser.set(username, (this.#perUser.get(username) ?? 0) + 1);
    if (this.#isExempt(remoteAddress)) return;
    const most = this.#core.settings['bans.connects'];
    if (most === 0) return;
    this.bans.countOffence(pairTarget(clientId, remoteAddress), most, 'connects');
  }

  /** Ends a connection that was accepted. */
  onClosed({ username }: ClientInfo): void {
    if (username !== undefined) release(this.#perUser, username);
  }

  /** Ends one that was not. */
  onRefused(address: string, { reasonCode, by }: CloseCause): void {
    if (by !== 'self' || reasonCode !== ReasonCode.BadUserNameOrPassword) return;
    this.countFailedLogin(address);
  }

  /** Wrong credentials, at a CONNECT or when a connected client authenticates again. */
  countFailedLogin(address: string): void {
    this.#core.counters.failedLogins++;
    this.#countLogin(address);
  }

  /** The client has hung up while its credentials were being checked: the work is done, and what it brought was never judged. */
  countAbandonedLogin(address: string): void {
    this.#core.counters.abandonedLogins++;
    this.#countLogin(address);
  }

  #countLogin(address: string): void {
    if (this.isExempt(address)) return;
    const most = this.#core.settings['bans.failedLogins'];
    this.bans.countOffence(subscriberOf(address), most, 'failed-logins');
  }

  /** Bans of this one, or undefined where none holds: exempt addresses are let in, but not who was banned by name. */
  #findClient(clientId: string, address: string): Ban | undefined {
    const named = this.bans.find(clientTarget(clientId));
    return named ?? (this.isExempt(address) ? undefined : this.bans.find(pairTarget(clientId, address)));
  }

  /** Whether a ban of this target is about a connection; `client` undefined: it has not said who it is. */
  isMeant(target: string, client: ClientInfo | undefined, address: string): boolean {
    if (!this.isExempt(address)) {
      if (target === subscriberOf(address)) return true;
      if (client !== undefined && target === pairTarget(client.clientId, address)) return true;
    }
    if (client === undefined) return false;
    const name = nameOf(client);
    return target === clientTarget(client.clientId) || (name !== undefined && target === userTarget(name));
  }

  /** Its address is never banned (`bans.exempt`). */
  isExempt(address: string): boolean {
    this.#refresh();
    return this.#isExempt(address);
  }

  #isWithinRate(subscriber: string, now: number): boolean {
    if (this.#rate !== undefined && !this.#rate.take(now)) return false;
    return this.#addressRates.take(subscriber, this.#core.settings['limits.connectRatePerAddress'], MOST_RATES, now);
  }

  /** Settings may be exchanged while the broker runs. */
  #refresh(): void {
    const { settings } = this.#core;
    if (settings === this.#settings) return;
    this.#settings = settings;
    this.#hasRates = settings['limits.messageRate'] > 0 || settings['limits.byteRate'] > 0;
    const rate = settings['limits.connectRate'];
    this.#rate = rate === 0 ? undefined : new TokenBucket(rate, this.#core.now());
    this.#isExempt = readExempt(settings['bans.exempt']);
  }
}

function readExempt(text: string): AddressSet {
  const entries = text.split(',').map((entry) => entry.trim());
  try {
    return addressSet(entries.filter((entry) => entry !== ''));
  } catch {
    return () => false;
  }
}

/** A ban holds for who only says that name, too: what keeps somebody out needs no proof. */
function nameOf({ username, claimedUsername }: ClientInfo): string | undefined {
  return username ?? claimedUsername;
}

function release(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 1) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

function quota(detail: CloseDetail): GateRefusal {
  return { code: 'quota-exceeded', reasonCode: ReasonCode.QuotaExceeded, detail };
}

function banned(ban: Ban): GateRefusal {
  return { code: 'banned', reasonCode: ReasonCode.Banned, detail: bannedFor(ban) };
}
