import { MemoryNetwork, type MemoryNetworkOptions, Random } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { TransportRecorder } from './transport-recorder.ts';

function network(options: Omit<MemoryNetworkOptions, 'clock'>): { clock: FakeClock; memory: MemoryNetwork } {
  const clock = new FakeClock({ nowMs: 0 });
  return { clock, memory: new MemoryNetwork({ clock, ...options }) };
}

/** Writes 200 chunks over a time; gives what arrived, the sizes in which it did, and when the end was seen. */
async function run(
  options: Omit<MemoryNetworkOptions, 'clock'>,
): Promise<{ sent: Uint8Array; received: Uint8Array; sizes: number[]; end: string }> {
  const { clock, memory } = network(options);
  const [left, right] = memory.connect();
  const random = new Random(99);
  const atRight = new TransportRecorder(right);
  const atLeft = new TransportRecorder(left);
  const sent: Uint8Array[] = [];
  for (let i = 0; i < 200; i++) {
    const chunk = random.bytes(random.integer(1, 400));
    sent.push(chunk);
    left.write([chunk]);
    await clock.advance(random.integer(0, 4));
  }
  await clock.advance(60_000);
  const end = `${atLeft.closes} ${atLeft.error?.message}, ${atRight.closes} ${atRight.error?.message}`;
  return { sent: Buffer.concat(sent), received: atRight.bytes, sizes: atRight.chunks.map(({ length }) => length), end };
}

describe('MemoryNetwork', () => {
  it('delivers nothing before time passes or the turn ends', async () => {
    const { clock, memory } = network({ seed: 1, delayMs: [10, 10] });
    const [left, right] = memory.connect();
    const atRight = new TransportRecorder(right);
    left.write([Uint8Array.of(1)]);
    await clock.advance(9);
    expect(atRight.length).toBe(0);
    await clock.advance(1);
    expect(atRight.length).toBe(1);
  });

  it('splits and joins writes at will, and keeps the bytes', async () => {
    const { sent, received, sizes, end } = await run({ seed: 5, delayMs: [0, 50], splitting: true });
    expect(received).toEqual(new Uint8Array(sent));
    expect(sizes).toContain(1);
    expect(Math.max(...sizes)).toBeGreaterThan(400);
    expect(end).toBe('0 undefined, 0 undefined');
  });

  it('does the same again with the same seed, and something else with another', async () => {
    const options = { seed: 5, delayMs: [0, 50], splitting: true, lossPerChunk: 0.004 } as const;
    const [first, again, other] = [await run(options), await run(options), await run({ ...options, seed: 6 })];
    expect(again).toEqual(first);
    expect(other.sizes).not.toEqual(first.sizes);
  });

  it('loses no bytes out of the middle: it breaks, for both ends, after a prefix', async () => {
    let broken = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { sent, received, end } = await run({ seed, delayMs: [0, 20], splitting: true, lossPerChunk: 0.01 });
      expect(received, `seed ${seed}`).toEqual(new Uint8Array(sent.subarray(0, received.length)));
      if (received.length === sent.length) continue;
      broken++;
      expect(end, `seed ${seed}`).toBe('1 the connection broke, 1 the connection broke');
    }
    expect(broken).toBeGreaterThan(10);
  });

  it('cuts all connections', async () => {
    const { clock, memory } = network({ seed: 1, delayMs: [5, 10] });
    const recorders = [memory.connect(), memory.connect()].flat().map((transport) => new TransportRecorder(transport));
    expect(memory.size).toBe(2);
    memory.cutAll();
    await clock.advance(4);
    expect(recorders.map(({ closes }) => closes)).toEqual([0, 0, 0, 0]);
    await clock.advance(6);
    expect(recorders.map(({ closes, error }) => `${closes} ${error?.message}`)).toEqual(
      Array.from({ length: 4 }, () => '1 the connection was cut'),
    );
    expect([memory.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('has a bounded buffer', async () => {
    const { clock, memory } = network({ seed: 1, bufferBytes: 100 });
    const [left, right] = memory.connect();
    const atLeft = new TransportRecorder(left);
    expect([left.write([new Uint8Array(60)]), left.write([new Uint8Array(60)])]).toEqual([true, false]);
    await clock.settle();
    expect(atLeft.drains).toBe(0);
    const atRight = new TransportRecorder(right);
    await clock.settle();
    expect([atLeft.drains, atRight.length]).toEqual([1, 120]);
  });

  it('shows who keeps bytes that are theirs during the call only', async () => {
    const { clock, memory } = network({ seed: 1 });
    const [left, right] = memory.connect();
    const kept: Uint8Array[] = [];
    right.start({ onData: (bytes) => kept.push(bytes), onDrain() {}, onClose() {} });
    left.write([Uint8Array.of(1, 2)]);
    await clock.settle();
    expect(kept).toEqual([Uint8Array.of(0xdb, 0xdb)]);
  });

  it('cuts a peer off that does not read within two seconds of the end', async () => {
    const { clock, memory } = network({ seed: 1 });
    const [left] = memory.connect();
    const atLeft = new TransportRecorder(left);
    left.write([Uint8Array.of(1)]);
    left.end();
    await clock.advance(1999);
    expect(atLeft.closes).toBe(0);
    await clock.advance(1);
    expect(atLeft.closes).toBe(1);
  });
});
