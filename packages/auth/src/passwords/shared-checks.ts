import { FairQueue } from '../fair-queue.ts';

/** A check that is under way, or waits for its turn, and those who wait for it. */
interface SharedCheck {
  readonly signals: AbortSignal[];
  readonly matches: Promise<boolean | undefined>;
}

export interface SharedCheckBounds {
  readonly atOnce: number;
  /** Checks that may wait for their turn. */
  readonly maximumWaiting: number;
  /** Who may wait for a check that another has begun, in all. */
  readonly maximumSharing: number;
}

/**
 * Checks of passwords, of which those of the same user and the same password are one as long as it is under way. Nothing is kept when it is
 * done, right or wrong. Who shares one hears sooner than a check of its own would take, and learns from it only that somebody is trying the same.
 */
export class SharedChecks {
  readonly #queue: FairQueue;
  readonly #maximumSharing: number;
  readonly #underWay = new Map<string, SharedCheck>();
  #sharing = 0;
  #refused = 0;

  constructor({ atOnce, maximumWaiting, maximumSharing }: SharedCheckBounds) {
    this.#queue = new FairQueue({ atOnce, maximumWaiting });
    this.#maximumSharing = maximumSharing;
  }

  /** Turned away since the start. */
  get refused(): number {
    return this.#refused + this.#queue.refused;
  }

  /**
   * `key`: the same for the same login; `address`: whose turn it is. The check is not begun when nobody waits for it any more. Undefined: too many
   * are waiting.
   */
  run(
    key: string,
    address: string,
    check: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean | undefined> | undefined {
    const underWay = this.#underWay.get(key);
    // One that nobody waits for any more may end without an answer.
    if (underWay === undefined || isAbandoned(underWay)) return this.#begin(key, address, check, signal);
    if (this.#sharing >= this.#maximumSharing) {
      this.#refused++;
      return undefined;
    }
    this.#sharing++;
    underWay.signals.push(signal);
    return underWay.matches;
  }

  #begin(
    key: string,
    address: string,
    check: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean | undefined> | undefined {
    const signals = [signal];
    const all = {
      get aborted(): boolean {
        return isAbandoned({ signals });
      },
    };
    const matches = this.#queue.run(address, check, all)?.finally(() => {
      this.#sharing -= signals.length - 1;
      if (this.#underWay.get(key)?.signals === signals) this.#underWay.delete(key);
    });
    if (matches !== undefined) this.#underWay.set(key, { signals, matches });
    return matches;
  }
}

function isAbandoned({ signals }: Pick<SharedCheck, 'signals'>): boolean {
  return signals.every(({ aborted }) => aborted);
}
