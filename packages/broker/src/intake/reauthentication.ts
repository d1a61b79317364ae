import { type AuthPacket, ReasonCode } from '@hawser/codec';
import type { ServerConnection } from '@hawser/protocol';
import type { Asker } from '../policy/asker.ts';
import {
  type AllowConnect,
  type Authenticator,
  BAD_CREDENTIALS,
  type ClientInfo,
  type DenyConnect,
} from '../policy/policies.ts';
import { type Authenticated, Authentication, type AuthenticationCore, detailOf } from './authentication.ts';
import { closeCodeOf } from './close-code-of.ts';

/** What a CONNECT with an Authentication Method has brought, for when its client authenticates again. */
export interface Credentials {
  readonly authenticate: Authenticator;
  readonly method: string;
  readonly password: Uint8Array | undefined;
}

/** A connected client that may authenticate again. */
export interface Reauthenticated extends Pick<Authenticated, 'asker' | 'whenSettled'> {
  readonly connection: Pick<ServerConnection, 'disconnect' | 'fail' | 'write'>;
  readonly info: ClientInfo;
  /** It goes on with the rights and the time of its new credentials. */
  renew(decision: AllowConnect): void;
  /** Its credentials are wrong: that is counted as at a CONNECT. */
  countFailedLogin(): void;
}

/** A connected client authenticates again [MQTT5-4.12.1]. */
export class Reauthentication implements Authenticated {
  readonly #client: Reauthenticated;
  readonly #credentials: Credentials;
  readonly #authentication: Authentication;

  constructor(core: AuthenticationCore, client: Reauthenticated, credentials: Credentials) {
    this.#client = client;
    this.#credentials = credentials;
    this.#authentication = new Authentication(core, this, credentials.authenticate, credentials.method);
  }

  get asker(): Asker {
    return this.#client.asker;
  }

  get connection(): Authenticated['connection'] {
    return this.#client.connection;
  }

  whenSettled<T>(promise: Promise<T>, then: (value: T) => unknown): void {
    this.#client.whenSettled(promise, then);
  }

  handleAuth(packet: AuthPacket, now: number): void {
    const authentication = this.#authentication;
    if (packet.reasonCode !== ReasonCode.ReAuthenticate || authentication.isUnderWay) {
      authentication.handleAuth(packet, now);
      return;
    }
    if (!authentication.checkMethod(packet, now)) return;
    const { method, password } = this.#credentials;
    const authenticationData = packet.properties?.authenticationData;
    const client = this.#client.info;
    authentication.begin({ client, password, authenticationMethod: method, authenticationData, again: true }, now);
  }

  /** Only the same user goes on. */
  onAllowed(decision: AllowConnect, now: number): void {
    if (decision.username !== undefined && decision.username !== this.#client.info.username) {
      // The answer for a wrong password: nobody finds out here what another user's is.
      this.onDenied(BAD_CREDENTIALS, now);
      return;
    }
    this.#client.renew(decision);
    this.#authentication.writeAuth(ReasonCode.Success, decision.authenticationData);
  }

  /**
   * Wrong credentials have one answer, whatever was wrong with them [MQTT5-4.12.1-2]. A DISCONNECT cannot say 0x86 (section 3.14.2.1): 0x87
   * stands for it.
   */
  onDenied(denied: DenyConnect, now: number): void {
    const isWrong = denied.reasonCode === ReasonCode.BadUserNameOrPassword;
    if (isWrong) this.#client.countFailedLogin();
    const code = isWrong ? ReasonCode.NotAuthorized : denied.reasonCode;
    this.#client.connection.disconnect(closeCodeOf(code), code, detailOf(denied), now);
  }
}
