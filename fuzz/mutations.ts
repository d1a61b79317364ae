import { varintSize, writeVarint } from '@hawser/codec';
import type { Random } from '@hawser/transport';

/** Changes a sequence of packets into one that nobody should send. */
type Mutation = (packets: Uint8Array[], random: Random) => void;

const at = (packets: readonly Uint8Array[], random: Random): number => random.integer(0, packets.length - 1);

/** Rewrites the Remaining Length of a packet, the body being what it was. */
function withLength(packet: Uint8Array, length: number, wasteful: boolean): Uint8Array {
  let headerEnd = 1;
  while ((packet[headerEnd] ?? 0) >= 0x80 && headerEnd < 4) headerEnd++;
  const body = packet.subarray(headerEnd + 1);
  const size = varintSize(length);
  const bytes = new Uint8Array(1 + size + (wasteful ? 1 : 0) + body.length);
  bytes[0] = packet[0] ?? 0;
  writeVarint(bytes, 1, length);
  if (wasteful) {
    bytes[size] = (bytes[size] ?? 0) | 0x80;
    bytes[size + 1] = 0;
  }
  bytes.set(body, bytes.length - body.length);
  return bytes;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  none() {},
  bits(packets, random) {
    for (let n = random.integer(1, 4); n > 0; n--) {
      const packet = packets[at(packets, random)];
      if (packet === undefined || packet.length === 0) continue;
      const i = random.integer(0, packet.length - 1);
      packet[i] = (packet[i] ?? 0) ^ (1 << random.integer(0, 7));
    }
  },
  bytes(packets, random) {
    const packet = packets[at(packets, random)];
    if (packet === undefined || packet.length === 0) return;
    for (let n = random.integer(1, 8); n > 0; n--)
      packet[random.integer(0, packet.length - 1)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)]);
  },
  flags(packets, random) {
    const packet = packets[at(packets, random)];
    if (packet !== undefined) packet[0] = ((packet[0] ?? 0) & 0xf0) | random.integer(0, 15);
  },
  type(packets, random) {
    const packet = packets[at(packets, random)];
    if (packet !== undefined) packet[0] = ((packet[0] ?? 0) & 0x0f) | (random.integer(0, 15) << 4);
  },
  length(packets, random) {
    const i = at(packets, random);
    const packet = packets[i];
    if (packet === undefined) return;
    const actual = Math.max(0, packet.length - 2);
    const lie = random.pick([
      0,
      1,
      2,
      actual + 1,
      Math.max(0, actual - 1),
      actual * 2,
      0x7f,
      0x80,
      0x3fff,
      0x4000,
      1024 * 1024 + 1,
      268_435_455,
    ]);
    packets[i] = withLength(packet, lie, random.chance(0.1));
  },
  /** The length of a string or binary field within: two bytes anywhere. */
  innerLength(packets, random) {
    const packet = packets[at(packets, random)];
    if (packet === undefined || packet.length < 6) return;
    const i = random.integer(2, packet.length - 2);
    const lie = random.pick([0, 1, 0xffff, 0x7fff, random.integer(0, 0xffff)]);
    packet[i] = lie >> 8;
    packet[i + 1] = lie & 0xff;
  },
  truncate(packets, random) {
    const i = at(packets, random);
    const packet = packets[i];
    if (packet !== undefined) packets[i] = packet.subarray(0, random.integer(0, packet.length));
  },
  end(packets, random) {
    packets.length = random.integer(1, packets.length);
  },
  duplicate(packets, random) {
    const packet = packets[at(packets, random)];
    if (packet !== undefined)
      packets.splice(
        random.integer(0, packets.length),
        0,
        ...Array.from({ length: random.integer(1, 5) }, () => packet.slice()),
      );
  },
  splice(packets, random) {
    const i = at(packets, random);
    const head = packets[i];
    const tail = packets[at(packets, random)];
    if (head === undefined || tail === undefined) return;
    const joined = [head.subarray(0, random.integer(0, head.length)), tail.subarray(random.integer(0, tail.length))];
    packets[i] = new Uint8Array(Buffer.concat(joined));
  },
  order(packets, random) {
    const i = at(packets, random);
    const [packet] = packets.splice(i, 1);
    if (packet !== undefined) packets.splice(random.integer(0, packets.length), 0, packet);
  },
  noConnect(packets) {
    if (packets.length > 1) packets.shift();
  },
  garbage(packets, random) {
    const bytes = Uint8Array.from({ length: random.integer(1, 200) }, () => random.integer(0, 255));
    packets.splice(random.integer(0, packets.length), 0, bytes);
  },
  insert(packets, random) {
    const i = at(packets, random);
    const packet = packets[i];
    if (packet === undefined) return;
    const cut = random.integer(0, packet.length);
    const extra = Uint8Array.from({ length: random.integer(1, 12) }, () => random.integer(0, 255));
    const bytes = new Uint8Array(Buffer.concat([packet.subarray(0, cut), extra, packet.subarray(cut)]));
    packets[i] = random.chance(0.7) ? withLength(bytes, Math.max(0, bytes.length - 2), false) : bytes;
  },
};

/** Cuts the bytes of a sequence up as a network might. */
export function cut(
  packets: readonly Uint8Array[],
  random: Random,
): { readonly how: string; readonly chunks: Uint8Array[] } {
  const how = random.pick(['whole', 'packets', 'packets', 'random', 'single']);
  if (how === 'packets') return { how, chunks: packets.filter(({ length }) => length > 0) };
  const all = new Uint8Array(Buffer.concat([...packets]));
  if (how === 'whole' || all.length === 0) return { how, chunks: all.length === 0 ? [] : [all] };
  const chunks: Uint8Array[] = [];
  const longest = how === 'single' && all.length < 4000 ? 1 : Math.max(1, Math.ceil(all.length / 8));
  for (let from = 0; from < all.length; ) {
    const length = longest === 1 ? 1 : random.integer(1, longest);
    chunks.push(all.subarray(from, from + length));
    from += length;
  }
  return { how, chunks };
}
