// What a broker takes of Node, for a page: scripts/bundle-testkit.mjs puts this module in the place of `node:…` and `ws`. Numbers and names
// are there; what needs the system says that a page has none.

/** Node's `randomBytes`, for Client Identifiers and salts. */
export function randomBytes(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}

/** Node's `isIP`: 4, 6, or 0 for what is no address. */
export function isIP(text: string): 0 | 4 | 6 {
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(text)) return text.split('.').every((part) => Number(part) < 256) ? 4 : 0;
  const groups = text.split(':');
  const isWhole = groups.every((group) => /^[\da-f]{0,4}$/i.test(group)) && !text.includes(':::');
  const gaps = text.split('::').length - 1;
  const given = groups.filter((group) => group !== '').length;
  // Where there is no gap, no group may be empty; where there is one, no end but that of the gap.
  const isClosed = gaps === 0 ? given === groups.length : !/^:[^:]|[^:]:$/.test(text);
  return isWhole && isClosed && (gaps === 0 ? given === 8 : gaps === 1 && given < 8) ? 6 : 0;
}

export function isIPv6(text: string): boolean {
  return isIP(text) === 6;
}

/** A page has no sockets. */
export class Socket {}

/** Node's list of addresses and networks. */
export class BlockList {
  readonly #networks: { readonly size: 4 | 6 | 0; readonly bits: string }[] = [];

  addAddress(address: string): void {
    this.addSubnet(address, 128);
  }

  addSubnet(network: string, prefix: number): void {
    this.#networks.push({ size: isIP(network), bits: bitsOf(network).slice(0, prefix) });
  }

  check(address: string): boolean {
    return this.#networks.some(({ size, bits }) => size === isIP(address) && bitsOf(address).startsWith(bits));
  }
}

/** `0110…`: 32 of an IPv4 address, 128 of an IPv6 one. */
function bitsOf(address: string): string {
  if (isIP(address) === 4)
    return address
      .split('.')
      .map((part) => binary(Number(part), 8))
      .join('');
  const [head = '', tail] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const groups = tail === undefined ? [...head] : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.map((group) => binary(Number.parseInt(group, 16), 16)).join('');
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, '0');
}

/** A name for what is too long to be one, and no secret: FNV-1a, eight times over. */
export function createHash(): { update(text: string): { digest(): string } } {
  return {
    update: (text) => ({
      digest: () => Array.from({ length: 8 }, (_, seed) => fnv(text, seed).toString(16).padStart(8, '0')).join(''),
    }),
  };
}

function fnv(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A page does not say how late its turns come. */
export function monitorEventLoopDelay(): object {
  const nothing = (): void => {};
  return { enable: nothing, disable: nothing, reset: nothing, percentile: () => 0, mean: 0, max: 0, min: 0 };
}

/** What of Node's Buffer is used for bytes in memory. */
export const Buffer = {
  alloc: (size: number): Uint8Array => new Uint8Array(size),
  allocUnsafeSlow: (size: number): Uint8Array => new Uint8Array(size),
  concat(chunks: readonly Uint8Array[]): Uint8Array {
    return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
  },
  /** Text as UTF-8, or a view of bytes. */
  from(source: string | ArrayBuffer, offset?: number, length?: number): Uint8Array {
    if (typeof offset === 'string') throw new Error(`a page has no encoding ${offset}`);
    return typeof source === 'string' ? new TextEncoder().encode(source) : new Uint8Array(source, offset, length);
  },
};

export const process = {
  env: {},
  memoryUsage: (): { heapUsed: number } => ({ heapUsed: 0 }),
  nextTick: (callback: () => void): void => queueMicrotask(callback),
};

/** The next turn, which no timer holds up (a page makes short timers of its background wait for a second). */
export function setImmediate(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
}

function noSystem(what: string): never {
  throw new Error(`a page has no ${what}: connect with connectTestClient(), over a MemoryNetwork`);
}

/** A page has no modules of Node to load. */
export function createRequire(): () => never {
  return () => noSystem('modules of Node');
}

const noSockets = (): never => noSystem('sockets');
const noFiles = (): never => noSystem('files');

export {
  noFiles as closeSync,
  noFiles as createPrivateKey,
  noFiles as dirname,
  noFiles as fstatSync,
  noFiles as join,
  noFiles as mkdir,
  noFiles as open,
  noFiles as openSync,
  noFiles as readFileSync,
  noFiles as readSync,
  noFiles as rename,
  noFiles as statSync,
  noFiles as watch,
  noFiles as X509Certificate,
  noSockets as connect,
  noSockets as createSecureContext,
  noSockets as createServer,
  noSockets as TLSSocket,
  noSockets as WebSocket,
  noSockets as WebSocketServer,
};
export const constants = {};
