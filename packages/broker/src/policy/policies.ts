import type { ProtocolVersion, QoS, UserProperties } from '@hawser/codec';
import type { TlsInfo } from '@hawser/transport';

/** Who is connecting, as far as it is known before anybody has checked it. */
export interface ClientInfo {
  readonly clientId: string;
  /** As the CONNECT said, or as the Authenticator decided. */
  readonly username: string | undefined;
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
  /** The name it goes by from here on; absent: as it said. */
  readonly username?: string;
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
  /** For the client to read, where its version can be told; never more than an attacker may know. */
  readonly reason: string;
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

/** Decides who may connect. A value or a promise; one that throws or takes too long is a refusal. */
export type Authenticator = (
  request: AuthenticationRequest,
  signal: AbortSignal,
) => AuthenticationDecision | Promise<AuthenticationDecision>;

export const ALLOW_CONNECT: AllowConnect = Object.freeze({ kind: 'allow' });
/** One answer for a wrong user and a wrong password. */
export const BAD_CREDENTIALS: DenyConnect = Object.freeze({
  kind: 'deny',
  reasonCode: 0x86,
  reason: 'the user name or the password is wrong',
});

export interface AuthorizationRequest {
  readonly client: ClientInfo;
  readonly action: 'publish' | 'subscribe';
  /** Topic Name, or Topic Filter without `$share/group/`. */
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

export type Decision = 'allow' | 'deny';

/** Decides who may publish and subscribe what. A value or a promise; one that throws or takes too long is a denial. */
export type Authorizer = (request: AuthorizationRequest, signal: AbortSignal) => Decision | Promise<Decision>;

/** A message on its way in, before it is routed. */
export interface InterceptedPublish {
  readonly client: ClientInfo;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** Sees each PUBLISH that is permitted; `deny` drops it as if it were not. */
export type Interceptor = (publish: InterceptedPublish) => Decision | Promise<Decision>;

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
