import type { ProtocolVersion, PublishProperties, QoS } from '@hawser/codec';
import type { Clock, TlsFiles, TlsListenOptions } from '@hawser/transport';
import type { ClientIdPolicy } from './intake/listener-info.ts';
import type { Authenticator, Authorizer, Interceptor } from './policy/policies.ts';
import type { Observer } from './recorder/observer.ts';
import type { RecorderLog } from './recorder/recorder-log.ts';
import type { Settings } from './settings.ts';
import type { Store } from './stores/store.ts';

/** Where clients come in. */
export interface ListenerOptions {
  /** `mqtt://127.0.0.1:1883`, `mqtts://…`, `ws://…/mqtt`, `wss://…/mqtt`; port 0 takes a free one. */
  readonly url: string;
  /** For `mqtts` and `wss`: certificate and key as PEM, or files that are read again when they change. */
  readonly tls?: TlsListenOptions | TlsFiles;
  /** Protocol versions that are taken (3, 4, 5); absent: all. */
  readonly versions?: readonly ProtocolVersion[];
  /** Decides who may connect here, in place of the broker's own Authenticator. */
  readonly authenticate?: Authenticator;
  /** Absent: `takeover`. */
  readonly clientIds?: ClientIdPolicy;
  /** Addresses and networks of balancers that say with the PROXY protocol whom they connect; all others are refused. */
  readonly proxyProtocol?: readonly string[];
  /**
   * For `ws`, `wss` and upgrades: addresses and networks of HTTP proxies whose X-Forwarded-For says whom they connect; everybody
   * else's is passed over.
   */
  readonly forwardedFrom?: readonly string[];
}

/** What a program says of the upgrades it hands over. */
export type UpgradeOptions = Pick<ListenerOptions, 'forwardedFrom'>;

export interface BrokerOptions {
  /** None: connections come by `attach` alone. */
  readonly listeners?: readonly (string | ListenerOptions)[];
  /** What survives a restart; absent: nothing does. The broker opens and closes it. */
  readonly store?: Store;
  readonly settings?: Partial<Settings>;
  readonly authenticate?: Authenticator;
  readonly authorize?: Authorizer;
  readonly intercept?: Interceptor;
  readonly observe?: Observer;
  /** Where the recorder writes what is to survive a restart; absent: it does not. The broker opens and closes it. */
  readonly recorderLog?: RecorderLog;
  /** Where bans are written that are to survive a restart; absent: they do not. The broker opens and closes it. */
  readonly banLog?: RecorderLog;
  /** How late the event loop is, milliseconds; measured when it is not said. */
  readonly loopDelayMs?: () => number;
  /** Files and connections this process may have open; what the system says when it is not said. */
  readonly openFiles?: number;
  /** Time; tests hand in their own. */
  readonly clock?: Clock;
  /** Bytes of randomness for assigned Client Identifiers; tests hand in their own. */
  readonly random?: (size: number) => Uint8Array;
}

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: PublishProperties;
}
