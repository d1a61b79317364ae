export { AckQueue, type AckWriter } from './connection/ack-queue.ts';
export {
  type AnswerBounds,
  AnsweringConnection,
  type AnsweringConnectionOptions,
  type AnsweringSink,
  type Commits,
} from './connection/answering-connection.ts';
export { ClientConnection, type ClientConnectionOptions, type ClientSink } from './connection/client-connection.ts';
export type {
  ClientCloseCause,
  CloseCause,
  CloseCode,
  ClosedBy,
  ComplaintCode,
} from './connection/close-cause.ts';
export type { BanReason, CloseDetail, CloseDetails, StoreProblem } from './connection/close-detail.ts';
export {
  Connection,
  type ConnectionOptions,
  type ConnectionSink,
  type Ended,
  type PacketOutput,
} from './connection/connection.ts';
export type { Framing } from './connection/framing.ts';
export { type DirtyListener, type Drain, type OpenSource, Output } from './connection/output.ts';
export { PingScanner } from './connection/ping-scanner.ts';
export { connackCode3 } from './connection/refusal-codes.ts';
export { ServerConnection } from './connection/server-connection.ts';
export type {
  AcceptOptions,
  ArrivalSink,
  ServerConnectionOptions,
  ServerSink,
} from './connection/server-options.ts';
export { Slab } from './connection/slab.ts';
export { InboundAliases, OutboundAliases, unsetAlias } from './connection/topic-aliases.ts';
export { Fifo } from './fifo.ts';
export type { MessageContent } from './message-content.ts';
export { PacketIdentifiers } from './packet-identifiers.ts';
export { NO_TICKET, type Ticket } from './ticket.ts';
