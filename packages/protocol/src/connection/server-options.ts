import type {
  AuthPacket,
  ConnackProperties,
  ConnectPacket,
  DecodeLimits,
  DisconnectPacket,
  SubscribePacket,
  UnsubscribePacket,
} from '@hawser/codec';
import type { AnsweringConnectionOptions, AnsweringSink } from './answering-connection.ts';
import type { CloseCause } from './close-cause.ts';

/** What a server does before the CONNACK and after it. */
export interface EitherSink {
  /** A sentence for the client to read: what its Reason String says. */
  reasonStringOf(cause: CloseCause): string;
  onAuth(packet: AuthPacket, now: number): void;
  /** A packet of this type has been handled, whatever became of it: the place to `yieldTurn`. */
  onHandled(type: number): void;
  /** The connection has ended; once, and nothing after it. */
  onClosed(cause: CloseCause, now: number): void;
}

/** What a server does with a connection that has no CONNACK yet. */
export interface ArrivalSink extends EitherSink {
  /** Answer with `accept` or `refuse`, at once or after `suspend`. */
  onConnect(packet: ConnectPacket, now: number): void;
}

/** What a server does with the packets of a client that it has accepted. */
export interface ServerSink extends EitherSink, AnsweringSink<CloseCause> {
  onSubscribe(packet: SubscribePacket, now: number): void;
  onUnsubscribe(packet: UnsubscribePacket, now: number): void;
  /** Just before `onClosed`, which follows with the same cause. */
  onDisconnect(packet: DisconnectPacket, now: number): void;
}

export interface ServerConnectionOptions extends AnsweringConnectionOptions {
  readonly maximumPacketSize: number;
  /** In place of `decodeLimits` for SUBSCRIBE, whose filters the sink can refuse one by one. */
  readonly subscribeLimits?: DecodeLimits | undefined;
  /** Milliseconds for a whole CONNECT to arrive, and for the exchange to CONNACK. */
  readonly connectTimeoutMs: number;
  /** Bytes of a CONNECT; `maximumPacketSize` holds from the CONNACK on. */
  readonly connectPacketSize: number;
  /** Longest Topic Name of a PUBLISH; absent: any. */
  readonly topicBytes?: number;
  /** Topic Aliases this side uses where the client allows more; absent: as many as it allows. */
  readonly outboundAliases?: number;
}

/** What the server grants; goes into the CONNACK and is held from then on. */
export interface AcceptOptions {
  readonly sessionPresent: boolean;
  /** Seconds; the Keep Alive in force. 0: off. */
  readonly keepAlive: number;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  /** The rest of the CONNACK's properties; only for 5.0. */
  readonly properties: ConnackProperties | undefined;
}
