import { type AuthPacket, ReasonCode } from '@hawser/codec';
import type { CloseDetail, ServerConnection } from '@hawser/protocol';
import type { Asker } from '../policy/asker.ts';
import {
  type AllowConnect,
  type AuthenticationDecision,
  type AuthenticationRequest,
  type Authenticator,
  type ContinueConnect,
  type DenyConnect,
  isPromise,
} from '../policy/policies.ts';
import type { PolicyDesk } from '../policy/policy-desk.ts';

/** What an authentication needs of its broker. */
export interface AuthenticationCore {
  readonly policies: Pick<PolicyDesk, 'mayConnect' | 'mayGoOn'>;
  now(): number;
}

/** Whose authentication it is, and who is told what the Authenticator has said. */
export interface Authenticated {
  readonly asker: Asker;
  readonly connection: Pick<ServerConnection, 'fail' | 'write'>;
  /** See `Peer.whenSettled`. */
  whenSettled<T>(promise: Promise<T>, then: (value: T) => unknown): void;
  onAllowed(decision: AllowConnect, now: number): void;
  onDenied(decision: DenyConnect, now: number): void;
}

/** One question to an Authenticator at a time, with the exchange of AUTH packets that it may want. */
export class Authentication {
  readonly #core: AuthenticationCore;
  readonly #client: Authenticated;
  readonly #authenticate: Authenticator;
  /** What the CONNECT has named; a client cannot change it. */
  readonly #method: string | undefined;
  /** What the client is to answer; undefined: it is not asked anything. */
  #continuing: ContinueConnect | undefined;

  constructor(
    core: AuthenticationCore,
    client: Authenticated,
    authenticate: Authenticator,
    method: string | undefined,
  ) {
    this.#core = core;
    this.#client = client;
    this.#authenticate = authenticate;
    this.#method = method;
  }

  /** The client is to answer with an AUTH packet. */
  get isUnderWay(): boolean {
    return this.#continuing !== undefined;
  }

  begin(request: AuthenticationRequest, now: number): void {
    this.#handleDecision(this.#core.policies.mayConnect(this.#client.asker, this.#authenticate, request), now);
  }

  /** The client's answer in an exchange. */
  handleAuth(packet: AuthPacket, now: number): void {
    if (!this.checkMethod(packet, now)) return;
    const continuing = this.#continuing;
    if (packet.reasonCode !== ReasonCode.ContinueAuthentication || continuing === undefined) {
      this.#client.connection.fail('protocol-error', ReasonCode.ProtocolError, { is: 'auth-unasked' }, now);
      return;
    }
    this.#continuing = undefined;
    const data = packet.properties?.authenticationData;
    this.#handleDecision(this.#core.policies.mayGoOn(this.#client.asker, continuing, data), now);
  }

  /** Each AUTH names the method of the CONNECT. False: this one does not, and the connection has ended. */
  checkMethod(packet: AuthPacket, now: number): boolean {
    const method = packet.properties?.authenticationMethod;
    const agreed = this.#method;
    if (agreed !== undefined && method === agreed) return true;
    const detail: CloseDetail = { is: 'method-changed', method: method ?? 'none', agreed: agreed ?? 'none' };
    const { connection } = this.#client;
    // [MQTT5-4.12.0-7]; section 3.15.2.2.2
    if (agreed === undefined || method === undefined)
      connection.fail('protocol-error', ReasonCode.ProtocolError, detail, now);
    // [MQTT5-4.12.0-5] [MQTT5-4.12.1-1]; 0x8C is for a method that "does not match the method currently in use" (section 2.4)
    else connection.fail('bad-authentication-method', ReasonCode.BadAuthenticationMethod, detail, now);
    return false;
  }

  writeAuth(reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const properties = { authenticationMethod: this.#method, authenticationData };
    this.#client.connection.write({ type: 'auth', reasonCode, properties });
  }

  #handleDecision(decision: AuthenticationDecision | Promise<AuthenticationDecision>, now: number): void {
    if (isPromise(decision)) this.#client.whenSettled(decision, (decided) => this.#decided(decided, this.#core.now()));
    else this.#decided(decision, now);
  }

  #decided(decision: AuthenticationDecision, now: number): void {
    if (decision.kind === 'deny') this.#client.onDenied(decision, now);
    else if (decision.kind === 'allow') this.#client.onAllowed(decision, now);
    else {
      this.#continuing = decision;
      // [MQTT5-4.12.0-2]
      this.writeAuth(ReasonCode.ContinueAuthentication, decision.authenticationData);
    }
  }
}

/** What a policy says: its own words, or a detail that the broker has sentences for. */
export function detailOf({ reason }: DenyConnect): CloseDetail {
  return typeof reason === 'string' ? { is: 'said', text: reason } : reason;
}
