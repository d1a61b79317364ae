import type { ProtocolVersion } from '@hawser/codec';

export type Via = 'tcp' | 'tls' | 'ws' | 'wss';

/** What one hostile client does: it connects, writes these chunks in turn, and is judged by what it is told. */
export interface FuzzCase {
  /** How it was made, for people. */
  readonly name: string;
  readonly via: Via;
  /** Of the CONNECT it was made from; what is sent may say otherwise. */
  readonly version: ProtocolVersion;
  readonly chunks: readonly Uint8Array[];
  /** `mqtt`: the chunks are MQTT. `raw`: they are written below TLS and WebSocket. */
  readonly layer: 'mqtt' | 'raw';
  /** It takes nothing of what it is sent. */
  readonly deaf: boolean;
}

/** A case as it lies in `fuzz/corpus`. */
export function toJson({ chunks, ...rest }: FuzzCase): string {
  return `${JSON.stringify({ ...rest, chunks: chunks.map((chunk) => Buffer.from(chunk).toString('hex')) }, undefined, 1)}\n`;
}

export function fromJson(text: string): FuzzCase {
  const { chunks, ...rest } = JSON.parse(text) as Omit<FuzzCase, 'chunks'> & { readonly chunks: readonly string[] };
  return { ...rest, chunks: chunks.map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))) };
}
