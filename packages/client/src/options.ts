import type { QoS, UserProperties } from '@hawser/codec';
import type { ClientEvents } from './events.ts';
import type { SessionStore } from './session/session-store.ts';

/** Text (sent as UTF-8) or bytes: a typed array, a DataView, an ArrayBuffer. */
export type Payload = string | ArrayBufferView | ArrayBuffer;

/** Pairs, whose order and repeats are kept, or an object: each name with one value or several. */
export type UserPropertiesOption = UserProperties | Readonly<Record<string, string | readonly string[]>>;

/** Asked anew before every attempt to connect, so that a token can be renewed. Gets the signal that gives the attempt up. */
export type Provider<T> = (signal: AbortSignal) => T | Promise<T>;

/** MQTT 5.0 properties of a message; with 3.x a UsageError. */
export interface MessageProperties {
  /** Seconds until a server that has not delivered the message yet throws it away; 0 to 4,294,967,295. */
  readonly messageExpiryInterval?: number | undefined;
  /** 1: the payload is UTF-8 text. */
  readonly payloadFormatIndicator?: 0 | 1 | undefined;
  /** What the payload is: a MIME type by custom. */
  readonly contentType?: string | undefined;
  /** Where the receiver is asked to answer. */
  readonly responseTopic?: string | undefined;
  /** Comes back with the answer. */
  readonly correlationData?: string | Uint8Array | undefined;
  readonly userProperties?: UserPropertiesOption | undefined;
}

/** What the server publishes when this client is lost (section 3.1.2.5). Checked before it is sent. */
export interface WillOptions extends MessageProperties {
  /** Topic Name, no wildcards. */
  readonly topic: string;
  readonly payload?: string | Uint8Array | undefined;
  /** Default 0. */
  readonly qos?: QoS | undefined;
  readonly retain?: boolean | undefined;
  /** Seconds that the server waits before it publishes; 0 to 4,294,967,295 (5.0). */
  readonly delayInterval?: number | undefined;
}

/** TLS; what concerns certificates is Node only: in a browser a UsageError. */
export interface TlsOptions {
  /** Certificate authorities: PEM text, its bytes, or the path of a file; a list of those. Default: the system's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** Name that is asked for and must be in the certificate. Default: the host. */
  readonly servername?: string | undefined;
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Application protocols offered. */
  readonly alpn?: string | readonly string[] | undefined;
  /** Takes any certificate. Never in production. */
  readonly insecure?: boolean | undefined;
  /** The client's own certificate: PEM text, bytes or path. */
  readonly cert?: string | Uint8Array | undefined;
  /** Its key: PEM text, bytes or path. */
  readonly key?: string | Uint8Array | undefined;
  readonly passphrase?: string | undefined;
}

/** Enhanced authentication (section 4.12, 5.0). See `scramSha256`. */
export interface AuthenticationOptions {
  readonly method: string;
  /** The Authentication Data of the CONNECT, or of a re-authentication; undefined: none. */
  readonly start?:
    | ((signal: AbortSignal) => Uint8Array | string | undefined | Promise<Uint8Array | string | undefined>)
    | undefined;
  /** The answer to the server's Authentication Data. Throw to give up. */
  readonly continue?:
    | ((
        data: Uint8Array | undefined,
        signal: AbortSignal,
      ) => Uint8Array | string | undefined | Promise<Uint8Array | string | undefined>)
    | undefined;
  /** The server has said Success, with this last data: throw when it does not prove who the server is. */
  readonly finish?: ((data: Uint8Array | undefined) => void | Promise<void>) | undefined;
}

/** Reconnecting: how often and for how long (docs/connect.md). */
export interface ReconnectOptions {
  /** `connect()` goes on trying when its first attempt fails. Default false. */
  readonly initial?: boolean | undefined;
  /** Seconds; the first delay's upper bound, doubled from attempt to attempt. Default 1; 0 to 3,600. */
  readonly delay?: number | undefined;
  /** Seconds; the upper bound of all delays. Default 120; 0 to 86,400. */
  readonly delayMax?: number | undefined;
  /** Seconds after which a connection counts as good and delays begin anew. Default 30. */
  readonly resetAfter?: number | undefined;
  /** Follows a Server Reference (0x9C, 0x9D). Default false: the address comes from the server that answers. */
  readonly followServerReference?: boolean | undefined;
  /** Hosts that user name and password may go to by a Server Reference, besides those of `url` and `servers`; `*.example.com`: all below it. */
  readonly referenceHosts?: string | readonly string[] | undefined;
}

/** Messages that wait for the server: none is connected, or its Receive Maximum is used up. */
export interface QueueOptions {
  /** Default 1,000. */
  readonly messages?: number | undefined;
  /** Bytes of topics and payloads. Default 16 MiB. */
  readonly bytes?: number | undefined;
  /** `error` (default): the `publish` that finds no room rejects. Others: the promise of what is dropped rejects. */
  readonly whenFull?: 'error' | 'drop-oldest' | 'drop-newest' | undefined;
}

/** Every parameter of a connection. Durations are seconds. All are checked before anything is opened. */
export interface ConnectOptions {
  /** `mqtt` `mqtts` `ws` `wss` (`tcp` `tls` `ssl` too). Default `mqtt://localhost:1883`. */
  readonly url?: string | undefined;
  /** Instead of `url`. Default `localhost`. */
  readonly host?: string | undefined;
  /** 1 to 65,535. Default 1883, 8883 with TLS, 80 and 443 for WebSocket. */
  readonly port?: number | undefined;
  readonly transport?: 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'tcp' | 'tls' | 'ssl' | undefined;
  /** Path of the WebSocket. Default: the URL's, `/mqtt` when that has none. `/` means the root. */
  readonly path?: string | undefined;
  /** 0 to 65,535 bytes. Default: 22 letters and digits, generated. Empty (5.0): the server assigns one. */
  readonly clientId?: string | undefined;
  readonly username?: string | Provider<string | undefined> | undefined;
  readonly password?: string | Uint8Array | Provider<string | Uint8Array | undefined> | undefined;
  /** Seconds from the name lookup to the CONNACK. Default 10; over 0, to 3,600. */
  readonly connectTimeout?: number | undefined;
  /** Seconds; 0: off. Default 60; to 65,535. */
  readonly keepAlive?: number | undefined;
  /**
   * Clean Start, in 3.x Clean Session, of the first connection. Default true. False: the program says that it goes on with
   * the session of this Client ID.
   */
  readonly cleanStart?: boolean | undefined;
  /** Seconds for which the server keeps the session after the connection has ended; 4,294,967,295: for ever. Default 0 (5.0). */
  readonly sessionExpiryInterval?: number | undefined;
  /** 3 is MQTT 3.1, 4 is 3.1.1. `auto`: 5, and older ones when the server does not speak it. Default 5. */
  readonly protocolVersion?: 3 | 4 | 5 | 'auto' | undefined;
  readonly will?: WillOptions | undefined;
  /** QoS 1 and 2 messages that the server may have unacknowledged at once. Default 65,535; from 1 (5.0). */
  readonly receiveMaximum?: number | undefined;
  /** Bytes of the largest packet that is taken. Default: the protocol's, 268,435,460 (5.0). */
  readonly maximumPacketSize?: number | undefined;
  /** Topic Aliases that the server may use. Default 0; to 65,535 (5.0). Outbound ones are assigned by themselves. */
  readonly topicAliasMaximum?: number | undefined;
  /** Default false (5.0). */
  readonly requestResponseInformation?: boolean | undefined;
  /** Default true (5.0). */
  readonly requestProblemInformation?: boolean | undefined;
  /** Of the CONNECT (5.0). */
  readonly userProperties?: UserPropertiesOption | undefined;
  readonly authentication?: AuthenticationOptions | undefined;
  /** Or a function that is asked before every attempt. */
  readonly tls?: TlsOptions | Provider<TlsOptions> | undefined;
  /** False: never. Default true. */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /** What to do when another client has taken over this Client ID. Default `stop`. */
  readonly onTakenOver?: 'stop' | 'retry' | undefined;
  readonly queue?: QueueOptions | undefined;
}

/** Options that are no parameters of the connection. */
export interface ClientOptions extends ConnectOptions {
  /** Gives up the first `connect()`. */
  readonly signal?: AbortSignal | undefined;
  /** Keeps what must survive a restart of the program: `levelSessionStore` (Node), `indexedDbSessionStore` (browser), your own by `sessionStore`. */
  readonly store?: SessionStore | undefined;
  /** Other servers, tried in turn after `url`. */
  readonly servers?: readonly string[] | undefined;
  /** `manual`: every message of QoS 1 and 2 is acknowledged by `message.acknowledge()`, and by nothing else. Default `auto`: when the program has dealt with it. */
  readonly acknowledge?: 'auto' | 'manual' | undefined;
  /** Listeners that are there before the first attempt. */
  readonly on?: { readonly [E in keyof ClientEvents]?: (data: ClientEvents[E]) => void } | undefined;
}

export interface PublishOptions extends MessageProperties {
  /** 0 (default): at most once; 1: at least once; 2: exactly once. */
  readonly qos?: QoS | undefined;
  /** The server keeps it for who subscribes later. */
  readonly retain?: boolean | undefined;
  /** Stops waiting; a message that has not been sent yet is taken back. */
  readonly signal?: AbortSignal | undefined;
}

export interface SubscribeOptions {
  /** Highest QoS at which messages come. Default 0. */
  readonly qos?: QoS | undefined;
  /** What this client publishes does not come back (5.0). */
  readonly noLocal?: boolean | undefined;
  /** RETAIN comes as the publisher set it (5.0). */
  readonly retainAsPublished?: boolean | undefined;
  /** Retained messages: 0 (default): send; 1: only if the subscription is new; 2: do not (5.0). */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
  /** 1 to 268,435,455 (5.0). */
  readonly subscriptionIdentifier?: number | undefined;
  readonly userProperties?: UserPropertiesOption | undefined;
  /** Stops waiting for the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a `MessageStream`. */
export interface MessagesOptions extends SubscribeOptions {
  /** Messages that wait for the reader before the client stops reading from the network. Default 100. */
  readonly buffer?: number | undefined;
}

export interface UnsubscribeOptions {
  readonly userProperties?: UserPropertiesOption | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DisconnectOptions {
  /** 0 (default), or 4: disconnect with Will Message. In 3.x 4 closes the network without DISCONNECT. Others: 5.0. */
  readonly reasonCode?: number | undefined;
  readonly reasonString?: string | undefined;
  /** Seconds; changes what was asked for when connecting (5.0). */
  readonly sessionExpiryInterval?: number | undefined;
  readonly userProperties?: UserPropertiesOption | undefined;
  /** Seconds to wait, at most, for messages that are not acknowledged yet. Default: 5 while there is a connection. What stays unacknowledged rejects. */
  readonly drain?: number | undefined;
}

export interface RequestOptions extends PublishOptions {
  /** Default 1: a server says so when nobody has subscribed to the topic, and the request fails at once. With 0 nothing tells. */
  readonly qos?: QoS | undefined;
  /** Seconds. Default 10. */
  readonly timeout?: number | undefined;
}
