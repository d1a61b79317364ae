import type { Random } from '@hawser/transport';

/** The request for a WebSocket, as a client writes it. */
export function upgradeRequest(path = '/mqtt', protocol = 'mqtt'): Uint8Array {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${protocol}`,
    '',
    '',
  ];
  return new Uint8Array(Buffer.from(lines.join('\r\n')));
}

/** One masked frame. `announced`: what it says its length is. */
export function frame(
  opcode: number,
  fin: boolean,
  payload: Uint8Array,
  mask: number,
  announced = payload.length,
): Uint8Array {
  const extended = announced > 0xffff ? 8 : announced > 125 ? 2 : 0;
  const bytes = new Uint8Array(2 + extended + 4 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (fin ? 0x80 : 0) | opcode;
  bytes[1] = 0x80 | (extended === 8 ? 127 : extended === 2 ? 126 : announced);
  if (extended === 2) view.setUint16(2, announced);
  if (extended === 8) view.setBigUint64(2, BigInt(announced));
  view.setUint32(2 + extended, mask);
  for (const [i, byte] of payload.entries()) bytes[6 + extended + i] = byte ^ ((mask >>> (24 - 8 * (i % 4))) & 0xff);
  return bytes;
}

/** Frames that carry these chunks, now and then wrong ones among them: text, pings, fragments, lengths that lie. */
export function hostileFrames(chunks: readonly Uint8Array[], random: Random): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) {
    const mask = random.integer(0, 0x7fff_ffff);
    const kind = random.integer(0, 19);
    if (kind === 0) frames.push(frame(random.integer(0, 15), random.chance(0.5), chunk, mask));
    else if (kind === 1) frames.push(frame(2, true, chunk, mask, random.pick([0, 5, 0xffff, 2 ** 31, 2 ** 40])));
    else if (kind === 2) frames.push(frame(1, true, chunk, mask));
    else if (kind === 3) frames.push(frame(9, true, chunk.subarray(0, 100), mask), frame(2, true, chunk, mask));
    else if (kind < 8 && chunk.length > 1) {
      const middle = random.integer(1, chunk.length - 1);
      frames.push(frame(2, false, chunk.subarray(0, middle), mask), frame(0, true, chunk.subarray(middle), mask));
    } else frames.push(frame(2, true, chunk, mask));
  }
  if (random.chance(0.05))
    frames.push(...Array.from({ length: 20_000 }, (_, i) => frame(i === 0 ? 2 : 0, false, Uint8Array.of(0), 0)));
  return frames;
}

/** Joins the frames and cuts the bytes anywhere. */
export function cutAnywhere(frames: readonly Uint8Array[], random: Random): Uint8Array[] {
  const all = new Uint8Array(Buffer.concat([...frames]));
  const cuts = Array.from({ length: random.integer(0, 12) }, () => random.integer(0, all.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => all.subarray(from, cuts[i] ?? all.length)).filter(({ length }) => length > 0);
}
