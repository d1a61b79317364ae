import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../recorder/recorded-event.ts';
import { findFlapping } from './flapping.ts';

describe('flapping', () => {
  const taken = (at: number, from: string, by: string): RecordedEvent => ({
    at,
    kind: 'closed',
    code: 'session-taken-over',
    text: '',
    remoteAddress: from,
    remotePort: 1,
    takenOverBy: `${by}:2`,
  });

  it('is two takeovers between two addresses, or three at one', () => {
    expect(findFlapping([taken(0, 'a', 'b')])).toBeUndefined();
    expect(findFlapping([taken(0, 'a', 'b'), taken(10, 'b', 'a')])).toMatchObject({
      takeovers: 2,
      perMinute: 2,
      addresses: ['a', 'b'],
    });
    expect(findFlapping([taken(0, 'a', 'a'), taken(10, 'a', 'a')])).toBeUndefined();
    expect(findFlapping([0, 1, 2].map((at) => taken(at, 'a', 'a')))).toMatchObject({ addresses: ['a:1', 'a:2'] });
  });

  it('is not a device that comes back now and then', () => {
    expect(findFlapping([0, 10, 20, 30].map((minutes) => taken(minutes * 60_000, 'a', 'b')))).toBeUndefined();
  });
});
