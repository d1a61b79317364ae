import { FakeClock } from '@hawser/testkit';
import type { Transport } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { createBroker } from '../broker.ts';

/** A connection that sends nothing. */
class Silent implements Transport {
  readonly info;
  ended = false;

  constructor(remoteAddress: string) {
    this.info = { kind: 'tcp', remoteAddress, remotePort: 1, tls: undefined } as const;
  }

  start(): void {}
  write(): boolean {
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.ended = true;
  }
  destroy(): void {}
}

describe('connections without a CONNECT', () => {
  it('of one address leave a place for those of others', async () => {
    const clock = new FakeClock();
    const broker = await createBroker({ clock, settings: { 'limits.halfOpen': 10 } });
    const come = (address: string) => {
      const transport = new Silent(address);
      broker.attach(transport);
      return transport;
    };
    const greedy = Array.from({ length: 12 }, () => come('198.51.100.1'));
    const others = ['203.0.113.1', '203.0.113.2', '2001:db8::1'].map(come);
    await clock.settle();
    expect(others.map(({ ended }) => ended)).toEqual([false, false, false]);
    // Two were too many for the address itself, and the oldest three have made room.
    expect(greedy.map(({ ended }) => ended)).toEqual([
      ...[true, true, true],
      ...Array.from({ length: 7 }, () => false),
      ...[true, true],
    ]);
    expect(broker.counters.refused['too-many-half-open']).toBe(5);
  });
});
