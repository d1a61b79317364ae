import { createHmac, pbkdf2Sync } from 'node:crypto';
import { deriveKeys, hmac } from '../passwords/scram-credentials.ts';

/** The client's side of SCRAM-SHA-256, for tests. */
export class ScramClient {
  readonly #bare: string;
  readonly #password: string;
  readonly #gs2: string;
  #signature = '';

  constructor(username: string, password: string, nonce = 'rOprNGfwEbeRWgbNEkqO', gs2 = 'n,,') {
    this.#bare = `n=${username},r=${nonce}`;
    this.#password = password;
    this.#gs2 = gs2;
  }

  first(): string {
    return this.#gs2 + this.#bare;
  }

  final(serverFirst: string): string {
    const found = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst);
    const [, nonce = '', salt = '', iterations = ''] = found ?? [];
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const { clientKey, storedKey, serverKey } = deriveKeys(salted);
    const withoutProof = `c=${Buffer.from(this.#gs2).toString('base64')},r=${nonce}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(storedKey, message);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
    this.#signature = `v=${createHmac('sha256', serverKey).update(message).digest('base64')}`;
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** The server has proved that it knows the password too. */
  accepts(serverFinal: string): boolean {
    return serverFinal === this.#signature;
  }
}
