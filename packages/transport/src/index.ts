export { type Clock, systemClock } from './clock.ts';
export { Coalescer } from './coalescer.ts';
export { ConnectionDriver, createDriverNode, type DriverListener, type DriverNode } from './connection-driver.ts';
export { Deadlines, type Timed } from './deadlines.ts';
export { type Flushable, FlushQueue } from './flush-queue.ts';
export { SocketTransport } from './tcp.ts';
export type { Listener, TlsInfo, Transport, TransportHandler, TransportInfo } from './transport.ts';
