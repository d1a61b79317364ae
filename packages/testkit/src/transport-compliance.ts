import { Random, type Transport } from '@hawser/transport';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { framed, TransportRecorder } from './transport-recorder.ts';

/** Two ends of one connection, not started. */
export interface TransportPair {
  readonly left: Transport;
  readonly right: Transport;
}

/** A kind of transport under test. Everything must happen by itself, in real time. */
export interface TransportUnderTest {
  connect(): Promise<TransportPair>;
  cleanup(): Promise<void>;
}

/** What every Transport must do, whatever it is made of. Call it at the top level of a vitest file. */
export function describeTransport(name: string, make: () => Promise<TransportUnderTest>): void {
  describe(`${name} as a Transport`, () => {
    let under: TransportUnderTest;
    let left: Transport;
    let right: Transport;

    beforeEach(async () => {
      under = await make();
      ({ left, right } = await under.connect());
    });

    afterEach(async () => {
      left.destroy();
      right.destroy();
      await under.cleanup();
    });

    it('says what it is', () => {
      expect(left.info.kind).toBe(right.info.kind);
      expect(left.info.remoteAddress).not.toBe('');
      expect(left.info.remotePort).toBeGreaterThan(0);
    });

    it('carries bytes both ways', async () => {
      const [atLeft, atRight] = [new TransportRecorder(left), new TransportRecorder(right)];
      expect(write(left, [bytes(1, 2, 3)])).toBe(true);
      expect(write(right, [bytes(4, 5)])).toBe(true);
      expect(await atRight.received(3)).toEqual(bytes(1, 2, 3));
      expect(await atLeft.received(2)).toEqual(bytes(4, 5));
    });

    it('keeps the order of chunks and writes of every size', async () => {
      const atRight = new TransportRecorder(right);
      new TransportRecorder(left);
      const random = new Random(20_260_101);
      const chunks: Uint8Array[] = [];
      for (const size of [1, 2, 125, 126, 127, 65_535, 65_536, 65_537, 0, 200_000, 3]) chunks.push(random.bytes(size));
      for (let i = 0; i < 200; i++) chunks.push(random.bytes(random.integer(1, 300)));
      for (let at = 0; at < chunks.length; ) {
        const count = random.integer(1, 5);
        write(left, chunks.slice(at, at + count));
        at += count;
      }
      const expected = join(chunks);
      expect(equal(await atRight.received(expected.length), expected), `seed ${random.seed}`).toBe(true);
    });

    it('reads nothing before it is started', async () => {
      const atLeft = new TransportRecorder(left);
      write(left, [bytes(1)]);
      write(right, [bytes(2)]);
      await atLeft.received(1);
      const atRight = new TransportRecorder(right);
      expect(atRight.length).toBe(0);
      expect(await atRight.received(1)).toEqual(bytes(1));
    });

    it('calls nobody from within a call', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder();
      right.start(atRight);
      write(left, [new Uint8Array(1_000_000)]);
      right.pause();
      right.resume();
      expect([atLeft.drains, atRight.length]).toEqual([0, 0]);
      await atRight.received(1);
      left.destroy();
      expect(atLeft.closes).toBe(0);
      await atLeft.closed();
    });

    it('says when it takes no more, and when it does again', async () => {
      const atLeft = new TransportRecorder(left);
      const chunk = new Random(7).bytes(65_536);
      const written = fill(left, chunk);
      expect(atLeft.drains).toBe(0);
      const atRight = new TransportRecorder(right);
      await atLeft.drained();
      await atRight.received(written);
      expect(atRight.length).toBe(written);
      expect(write(left, [bytes(9)])).toBe(true);
      expect((await atRight.received(written + 1)).at(-1)).toBe(9);
    });

    it('slows the peer down while it is paused', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      write(left, [bytes(1)]);
      await atRight.received(1);
      right.pause();
      const written = 1 + fill(left, new Uint8Array(65_536));
      expect(atRight.length).toBeLessThan(written);
      right.resume();
      await atRight.received(written);
      await atLeft.drained();
      expect(atRight.length).toBe(written);
    });

    it('can be paused from within onData', async () => {
      new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      let isPaused = false;
      atRight.onBytes = () => {
        right.pause();
        isPaused = true;
      };
      write(left, [bytes(1, 2)]);
      await atRight.received(1);
      expect(isPaused).toBe(true);
      atRight.onBytes = undefined;
      write(left, [bytes(3)]);
      right.resume();
      expect(await atRight.received(3)).toEqual(bytes(1, 2, 3));
    });

    it('sends what was written before it ends', async () => {
      const atLeft = new TransportRecorder(left);
      const payload = new Random(11).bytes(3_000_000);
      write(left, [payload]);
      left.end();
      const atRight = new TransportRecorder(right);
      expect(await atRight.closed()).toBeUndefined();
      expect(equal(atRight.bytes, payload)).toBe(true);
      expect(await atLeft.closed()).toBeUndefined();
    });

    it('ends in turn when the peer has ended, having sent what was written', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      write(right, [bytes(1, 2)]);
      write(left, [bytes(3)]);
      await atRight.received(1);
      right.end();
      expect(await atLeft.closed()).toBeUndefined();
      expect(atLeft.bytes).toEqual(bytes(1, 2));
      expect(await atRight.closed()).toBeUndefined();
    });

    it('throws away what comes after its own end', async () => {
      new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      right.end();
      write(left, [bytes(1)]);
      await atRight.closed();
      expect(atRight.length).toBe(0);
    });

    it('ends even while it is paused', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      right.pause();
      write(left, [new Uint8Array(10)]);
      right.end();
      expect(await atRight.closed()).toBeUndefined();
      expect(await atLeft.closed()).toBeUndefined();
    });

    it('is gone for both ends when one cuts it off', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      write(left, [bytes(1)]);
      await atRight.received(1);
      left.destroy();
      expect(await atLeft.closed()).toBeUndefined();
      await atRight.closed();
    });

    it('takes calls after its end, without an effect', async () => {
      const atLeft = new TransportRecorder(left);
      const atRight = new TransportRecorder(right);
      left.destroy();
      await Promise.all([atLeft.closed(), atRight.closed()]);
      for (const transport of [left, right]) {
        expect(write(transport, [bytes(1)])).toBe(true);
        transport.pause();
        transport.resume();
        transport.end();
        transport.destroy();
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect([atLeft.closes, atRight.closes, atLeft.afterClose, atRight.afterClose]).toEqual([1, 1, 0, 0]);
      expect([atLeft.length, atRight.length]).toEqual([0, 0]);
    });

    it('tells of an end that came before it was started', async () => {
      const atLeft = new TransportRecorder(left);
      left.destroy();
      await atLeft.closed();
      await new TransportRecorder(right).closed();
      right.destroy();
      await new TransportRecorder(left).closed();
    });

    it('is cut off when the peer never ends in turn', async () => {
      const atLeft = new TransportRecorder(left);
      fill(left, new Uint8Array(65_536));
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        left.end();
        // The right one is never started, so it reads nothing and does not end.
        vi.advanceTimersByTime(2000);
      } finally {
        vi.useRealTimers();
      }
      await atLeft.closed();
    });
  });
}

/** Writes as a Connection's Output does: each chunk, a packet, in the transport's frame. */
function write(transport: Transport, chunks: readonly Uint8Array[]): boolean {
  return transport.write(chunks.flatMap((chunk) => framed(transport, chunk)));
}

/** Writes until it takes no more; returns how many bytes it took. */
function fill(transport: Transport, chunk: Uint8Array): number {
  for (let written = chunk.length; written < 512 * 1024 * 1024; written += chunk.length) {
    if (!write(transport, [chunk])) return written;
  }
  throw new Error('the transport takes more and more, though nobody reads');
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

/** Quicker than `toEqual` for megabytes. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
