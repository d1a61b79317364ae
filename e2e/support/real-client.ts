import type { MessageLog } from './message-log.ts';

export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export type ClientTransport = 'tcp' | 'ws' | 'tls' | 'wss';

/** Where a client connects, and as what. */
export interface ConnectTo {
  readonly port: number;
  readonly wsPort: number;
  readonly tls?: {
    readonly port: number;
    readonly wsPort: number;
    /** PEM file of whom the client trusts, and nobody else. */
    readonly caFile: string;
  };
  readonly clientId: string;
  readonly will?: Will;
}

/** One connection of a client that is not ours. */
export interface RealClient {
  readonly messages: MessageLog;
  /** Settles after the SUBACK. */
  subscribe(filter: string, qos: 0 | 1 | 2): Promise<void>;
  /** Settles when it is acknowledged (QoS 0: sent). */
  publish(
    topic: string,
    payload: string,
    options: { readonly qos: 0 | 1 | 2; readonly retain?: boolean },
  ): Promise<void>;
  /** Cuts the network connection, without a DISCONNECT. */
  drop(): Promise<void>;
  /** Ends properly. */
  close(): Promise<void>;
}

export type MqttVersion = '3.1' | '3.1.1' | '5.0';

/** A make of client, a transport and a version. */
export interface RealClientKind {
  readonly name: string;
  readonly version: MqttVersion;
  connect(to: ConnectTo): Promise<RealClient>;
}

export function portOf({ port, wsPort, tls }: ConnectTo, transport: ClientTransport): number {
  switch (transport) {
    case 'tcp':
      return port;
    case 'ws':
      return wsPort;
    case 'tls':
      return tls?.port ?? 0;
    case 'wss':
      return tls?.wsPort ?? 0;
  }
}
