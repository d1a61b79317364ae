import { TokenBucket } from '../node/token-bucket.ts';

/** A rate for each address. */
export class AddressRates {
  /** In the order in which they were used. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** Takes one if there is one. `rate`: a second; 0: any. Over `most` addresses the longest quiet one is forgotten. */
  take(address: string, rate: number, most: number, now: number): boolean {
    if (rate === 0) return true;
    const known = this.#buckets.get(address);
    const bucket = known?.rate === rate ? known : new TokenBucket(rate, now);
    this.#buckets.delete(address);
    if (this.#buckets.size >= most) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    this.#buckets.set(address, bucket);
    return bucket.take(now);
  }
}
