import { type AuthPacket, type ConnectPacket, ReasonCode } from '@hawser/codec';
import type { CloseDetail } from '@hawser/protocol';
import type { BrokerCore } from '../core.ts';
import {
  ALLOW_ANONYMOUS,
  type AllowConnect,
  type AuthenticationDecision,
  type Authenticator,
  BAD_CREDENTIALS,
  type ContinueConnect,
  type DenyConnect,
  isPromise,
} from '../policy/policies.ts';
import type { Admission } from './admission.ts';
import type { ClientHandler } from './client-handler.ts';
import { closeCodeOf } from './close-code-of.ts';

/**
 * Who a client is: asks the Authenticator, before the CONNACK and with an exchange of AUTH packets where it wants one, and again when a
 * connected client asks for it.
 */
export class Authentication {
  readonly #admission: Admission;
  readonly #handler: ClientHandler;
  readonly #core: BrokerCore;
  readonly #packet: ConnectPacket;
  /** An exchange of AUTH packets is under way. */
  #continuing: ContinueConnect | undefined;
  #again = false;

  constructor(admission: Admission, handler: ClientHandler, packet: ConnectPacket) {
    this.#admission = admission;
    this.#handler = handler;
    this.#core = handler.core;
    this.#packet = packet;
  }

  /** The CONNECT's own credentials. */
  begin(now: number): void {
    const packet = this.#packet;
    const method = packet.properties?.authenticationMethod;
    if (method !== undefined && this.#authenticator === undefined) {
      // [MQTT5-4.12.0-1]
      this.#admission.refuse(ReasonCode.BadAuthenticationMethod, { is: 'method-unknown', method }, now);
      return;
    }
    if (this.#authenticator === undefined) {
      if (packet.username !== undefined || packet.password !== undefined)
        this.#handler.intake.warnOfIgnoredCredentials();
      this.#admission.allow(ALLOW_ANONYMOUS, now);
      return;
    }
    this.#handleDecision(this.#authenticate(packet.properties?.authenticationData), now);
  }

  handleAuth(packet: AuthPacket, now: number): void {
    const { connection } = this.#handler;
    const method = packet.properties?.authenticationMethod;
    const agreed = this.#packet.properties?.authenticationMethod;
    if (agreed === undefined || method === undefined) {
      // [MQTT5-4.12.0-7]; section 3.15.2.2.2
      const detail: CloseDetail = { is: 'method-changed', method: method ?? 'none', agreed: agreed ?? 'none' };
      connection.fail('protocol-error', ReasonCode.ProtocolError, detail, now);
      return;
    }
    if (method !== agreed) {
      // [MQTT5-4.12.0-5] [MQTT5-4.12.1-1]; 0x8C is for a method that "does not match the method currently in use" (section 2.4)
      const detail: CloseDetail = { is: 'method-changed', method, agreed };
      connection.fail('bad-authentication-method', ReasonCode.BadAuthenticationMethod, detail, now);
      return;
    }
    const data = packet.properties?.authenticationData;
    if (packet.reasonCode === ReasonCode.ReAuthenticate && connection.isConnected && this.#continuing === undefined) {
      this.#again = true;
      this.#handleDecision(this.#authenticate(data), now);
      return;
    }
    const continuing = this.#continuing;
    if (packet.reasonCode !== ReasonCode.ContinueAuthentication || continuing === undefined) {
      connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'auth-unasked' }, now);
      return;
    }
    this.#continuing = undefined;
    this.#handleDecision(this.#core.policies.mayGoOn(this.#handler.asker, continuing, data), now);
  }

  get #authenticator(): Authenticator | undefined {
    return this.#handler.listener.authenticate ?? this.#core.policies.authenticate;
  }

  #authenticate(authenticationData: Uint8Array | undefined): AuthenticationDecision | Promise<AuthenticationDecision> {
    const authenticate = this.#authenticator;
    const { asker, client } = this.#handler;
    if (authenticate === undefined || client === undefined) return BAD_CREDENTIALS;
    return this.#core.policies.mayConnect(asker, authenticate, {
      // A connected client has the name that was confirmed; before, it is what is to be checked.
      client: this.#again ? client : { ...client, username: this.#packet.username },
      password: this.#packet.password,
      authenticationMethod: this.#packet.properties?.authenticationMethod,
      authenticationData,
      again: this.#again,
    });
  }

  #handleDecision(decision: AuthenticationDecision | Promise<AuthenticationDecision>, now: number): void {
    if (!isPromise(decision)) {
      this.#decided(decision, now);
      return;
    }
    this.#admission.whenSettled(decision, (decided) => this.#decided(decided, this.#core.now()));
  }

  #decided(decision: AuthenticationDecision, now: number): void {
    if (decision.kind === 'deny') {
      // [MQTT5-4.12.1-2]
      if (this.#again) this.#refuseAgain(decision, now);
      else this.#admission.refuse(decision.reasonCode, detailOf(decision), now);
    } else if (decision.kind === 'continue') {
      this.#continuing = decision;
      // [MQTT5-4.12.0-2]
      this.#writeAuth(ReasonCode.ContinueAuthentication, decision.authenticationData);
    } else if (this.#again) this.#allowAgain(decision, now);
    else this.#admission.allow(decision, now);
  }

  /**
   * Wrong credentials are counted as at a CONNECT, and have one answer, whatever was wrong with them. A DISCONNECT cannot say 0x86
   * (section 3.14.2.1): 0x87 stands for it.
   */
  #refuseAgain(denied: DenyConnect, now: number): void {
    const { reasonCode } = denied;
    const { connection, driver, intake } = this.#handler;
    const isWrong = reasonCode === ReasonCode.BadUserNameOrPassword;
    if (isWrong) intake.gatekeeper.countFailedLogin(driver.transport.info.remoteAddress);
    const code = isWrong ? ReasonCode.NotAuthorized : reasonCode;
    connection.disconnect(closeCodeOf(code), code, detailOf(denied), now);
  }

  /** The same user goes on, with the rights and the time of its new credentials. */
  #allowAgain(decision: AllowConnect, now: number): void {
    const { client, session } = this.#handler;
    if (client === undefined || session === undefined) return;
    if (decision.username !== undefined && decision.username !== client.username) {
      // The answer for a wrong password: nobody finds out here what another user's is.
      this.#refuseAgain(BAD_CREDENTIALS, now);
      return;
    }
    this.#handler.client = { ...client, attributes: decision.attributes };
    session.client = this.#handler.client;
    this.#handler.limitLifetime(decision.expiresAt);
    this.#core.permissions.revise(session);
    this.#writeAuth(ReasonCode.Success, decision.authenticationData);
  }

  #writeAuth(reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const authenticationMethod = this.#packet.properties?.authenticationMethod;
    this.#handler.connection.write({
      type: 'auth',
      reasonCode,
      properties: { authenticationMethod, authenticationData },
    });
  }
}

/** What a policy says: its own words, or a detail that the broker has sentences for. */
function detailOf({ reason }: DenyConnect): CloseDetail {
  return typeof reason === 'string' ? { is: 'said', text: reason } : reason;
}
