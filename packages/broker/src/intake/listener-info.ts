import type { ProtocolVersion } from '@hawser/codec';
import type { Authenticator } from '../policy/policies.ts';

/** What a connection should know of the listener it came in by. */
export interface ListenerInfo {
  readonly url: string;
  /** Protocol versions it takes; undefined: all. */
  readonly versions: readonly ProtocolVersion[] | undefined;
  /** In place of the broker's own. */
  readonly authenticate?: Authenticator | undefined;
  /** Who may connect with a Client Identifier that has a session; `takeover` when it is not said. */
  readonly clientIds?: ClientIdPolicy | undefined;
}

/** `takeover`: whoever comes [MQTT5-3.1.4-3]. `same-principal`: only the user whose session it is, others get 0x87. */
export type ClientIdPolicy = 'takeover' | 'same-principal';
