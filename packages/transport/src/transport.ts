/** What a TLS handshake has established. */
export interface TlsInfo {
  /** `TLSv1.3`, … */
  readonly protocol: string;
  readonly cipher: string;
  /** The peer's certificate was verified against the CA. */
  readonly authorized: boolean;
  /** Subject of the peer's certificate, if it sent one: `CN=device-7,O=Acme`. */
  readonly peerSubject: string | undefined;
  /** CN of that subject. */
  readonly peerCommonName: string | undefined;
  /** The peer's certificate, DER. */
  readonly peerCertificate: Uint8Array | undefined;
  readonly serverName: string | undefined;
}

/** Where a connection comes from, for people and policies. */
export interface TransportInfo {
  readonly kind: 'tcp' | 'tls' | 'ws' | 'wss' | 'memory';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: TlsInfo | undefined;
}

/** Who is told what a Transport sees. None is called from within a call of the Transport's. */
export interface TransportHandler {
  /** Bytes that are the handler's only during the call, unless it copies them or the Transport's `bytesStay`. */
  onData(bytes: Uint8Array): void;
  /** After a `write` that returned false: it takes more now. */
  onDrain(): void;
  /** The network connection is gone, both ways; once, and nothing after it. `error`: what the system said. */
  onClose(error: Error | undefined): void;
}

/** What stands around each packet on a transport: the frames of a WebSocket. */
export interface PacketFraming {
  /** Bytes of the header before a packet of `size` bytes. */
  headerBytes(size: number): number;
  /** Writes that header: it ends at `at`, where the packet begins. */
  writeHeader(target: Uint8Array, at: number, size: number): void;
}

/** A byte stream to one peer: TCP, TLS, WebSocket or memory. Reading begins with `start`. */
export interface Transport {
  readonly info: TransportInfo;
  /** Nobody changes what `onData` has given: a handler may keep it without a copy. Absent: bytes are the handler's during the call. */
  readonly bytesStay?: boolean;
  /** What whoever writes puts before each packet; absent: nothing. */
  readonly framing?: PacketFraming | undefined;
  start(handler: TransportHandler): void;
  /** Sends, in order. False: it took them but no more are to come before `onDrain`. The bytes must not change any more. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Stops reading: the peer is slowed down by its network. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes; a peer that does not read or close in turn is cut off after a moment. */
  end(): void;
  /** Cuts off at once. */
  destroy(): void;
}

/** Somewhere that connections come in. */
export interface Listener {
  /** The URL that clients use, with the port that was really taken. */
  readonly url: string;
  /** Stops taking new connections; those there are live on. */
  close(): Promise<void>;
}
