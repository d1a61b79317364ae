import type { ProtocolVersion, QoS, UserProperties } from '@hawser/codec';
import type { CloseDetail } from '@hawser/protocol';
import type { TlsInfo } from '@hawser/transport';

/** Who is connecting, as far as it is known before anybody has checked it. */
export interface ClientInfo {
  readonly clientId: string;
  /**
   * The name that the Authenticator has confirmed; undefined: it has none. What an Authenticator is asked about is not confirmed yet: there it is
   * as the CONNECT said.
   */
  readonly username: string | undefined;
  /** A name that the CONNECT gave and nobody has checked. It permits nothing. */
  readonly claimedUsername?: string | undefined;
  readonly protocolVersion: ProtocolVersion;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** URL of the listener it came in by. */
  readonly listener: string;
  readonly tls: TlsInfo | undefined;
  /** User Properties of the CONNECT; never to be trusted. */
  readonly userProperties: UserProperties;
  /** What the Authenticator has found out about it, for the Authorizer. */
  readonly attributes?: ClientAttributes | undefined;
}

/** Claims of a token, roles of a user: what an Authenticator hands to an Authorizer. */
export type ClientAttributes = Readonly<Record<string, unknown>>;

export interface AuthenticationRequest {
  readonly client: ClientInfo;
  readonly password: Uint8Array | undefined;
  /** Enhanced authentication [MQTT5-4.12]. */
  readonly authenticationMethod: string | undefined;
  readonly authenticationData: Uint8Array | undefined;
  /** An AUTH with Reason Code 0x19: a connected client authenticates again. */
  readonly again: boolean;
}

/** Let it in. */
export interface AllowConnect {
  readonly kind: 'allow';
  /** The name it goes by from here on: the one that was checked. Absent: the name it gave was checked, and is right. */
  readonly username?: string;
  /** The name it gave was not checked: it has none, and the name counts as claimed. */
  readonly anonymous?: boolean;
  /** The only Client Identifier it may have: an empty one becomes this, another is refused with 0x85. */
  readonly clientId?: string;
  /** Until when, milliseconds since 1970: then the connection is closed with 0xA0. It may authenticate again before. */
  readonly expiresAt?: number;
  readonly attributes?: ClientAttributes;
  /** Goes into the CONNACK, or the last AUTH. */
  readonly authenticationData?: Uint8Array;
}

/** Do not. */
export interface DenyConnect {
  readonly kind: 'deny';
  /** A Reason Code that a CONNACK may have; 0x86 and 0x87 are the usual ones. */
  readonly reasonCode: number;
  /**
   * For the client to read, where its version can be told; never more than an attacker may know. A text, or one of the details that the
   * broker has sentences for.
   */
  readonly reason: string | CloseDetail;
}

/** Ask on with an AUTH packet; the answer comes to `next`. Only for enhanced authentication. */
export interface ContinueConnect {
  readonly kind: 'continue';
  readonly authenticationData: Uint8Array | undefined;
  next(
    authenticationData: Uint8Array | undefined,
    signal: AbortSignal,
  ): AuthenticationDecision | Promise<AuthenticationDecision>;
}

export type AuthenticationDecision = AllowConnect | DenyConnect | ContinueConnect;

/**
 * Decides who may connect. A value or a promise; whatever is no answer is a refusal, as one that throws or takes too long. `signal` is aborted
 * when the client has hung up.
 */
export type Authenticator = (
  request: AuthenticationRequest,
  signal: AbortSignal,
) => AuthenticationDecision | Promise<AuthenticationDecision>;

/** It is who it says: user name and password, or whatever it has shown, were checked. */
export const ALLOW_CONNECT: AllowConnect = Object.freeze({ kind: 'allow' });
/** It may come in, but nobody has checked who it is. */
export const ALLOW_ANONYMOUS: AllowConnect = Object.freeze({ kind: 'allow', anonymous: true });
/** One answer for a wrong user and a wrong password. */
export const BAD_CREDENTIALS: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: 0x86,
  reason: Object.freeze({ is: 'credentials' }),
});

export interface AuthorizationRequest {
  readonly client: ClientInfo;
  /** `receive`: a message to `topic` matches a subscription that was answered with `filter`. */
  readonly action: 'publish' | 'subscribe' | 'receive';
  /** Topic Name, or Topic Filter without `$share/group/`. */
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

export type Decision = 'allow' | 'deny';

/** A Decision that holds for a while: afterwards the Authorizer is asked again, also on a live connection. */
export interface TimedDecision {
  readonly decision: Decision;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * The answer to a subscription that is wider than what its client may receive: it is granted, and the Authorizer is asked for each topic (`receive`)
 * whether messages to it are delivered. That answer is an `allow` or `deny` that comes at once, and holds as long as the rules do.
 */
export type SubscribeDecision = Decision | 'filter';

/**
 * Decides who may publish and subscribe what. A value or a promise; whatever is no answer permits nothing, as one that throws or takes too long.
 * `signal` is aborted when nobody waits for the answer any more.
 */
export type Authorizer = (
  request: AuthorizationRequest,
  signal: AbortSignal,
) => SubscribeDecision | TimedDecision | Promise<SubscribeDecision | TimedDecision>;

/** A message on its way in, before it is routed. */
export interface InterceptedPublish {
  readonly client: ClientInfo;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** Sees each PUBLISH that is permitted; `deny` drops it as if it were not. */
export type Interceptor = (publish: InterceptedPublish, signal: AbortSignal) => Decision | Promise<Decision>;

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
