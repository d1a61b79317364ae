import { FakeClock } from '@hawser/testkit';
import { Random } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { Deadlines, type Timed } from './deadlines.ts';
import { TurnBudget } from './turn-budget.ts';
import { WORK_KINDS } from './work-kinds.ts';

class Alarm implements Timed {
  readonly told: number[] = [];
  atMs: number;
  onTold: (() => void) | undefined;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  nextTimeout(): number {
    return this.atMs;
  }

  handleTimeout(now: number): void {
    this.told.push(now);
    this.atMs = Number.POSITIVE_INFINITY;
    this.onTold?.();
  }
}

function start(): { clock: FakeClock; deadlines: Deadlines } {
  const clock = new FakeClock({ nowMs: 0 });
  return { clock, deadlines: new Deadlines(clock, new TurnBudget(clock, WORK_KINDS)) };
}

describe('Deadlines', () => {
  it('tells each at its time, behind one timer', async () => {
    const { clock, deadlines } = start();
    const alarms = [300, 100, 200, 100].map((atMs) => new Alarm(atMs));
    for (const alarm of alarms) deadlines.watch(alarm);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(250);
    expect(alarms.map(({ told }) => told)).toEqual([[], [100], [200], [100]]);
    await clock.advance(1000);
    expect(alarms[0]?.told).toEqual([300]);
    expect([deadlines.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('does not tell a deadline that has moved away until it is there', async () => {
    const { clock, deadlines } = start();
    const alarm = new Alarm(100);
    deadlines.watch(alarm);
    await clock.advance(90);
    alarm.atMs = 190;
    await clock.advance(50);
    expect(alarm.told).toEqual([]);
    await clock.advance(50);
    expect(alarm.told).toEqual([190]);
  });

  it('takes a deadline that comes nearer when it is watched again', async () => {
    const { clock, deadlines } = start();
    const alarm = new Alarm(1000);
    deadlines.watch(alarm);
    alarm.atMs = 10;
    deadlines.watch(alarm);
    await clock.advance(2000);
    expect(alarm.told).toEqual([10]);
  });

  it('does not tell what is no longer watched, even when it would have been told in the same turn', async () => {
    const { clock, deadlines } = start();
    const [first, second] = [new Alarm(100), new Alarm(100)];
    for (const alarm of [first, second]) deadlines.watch(alarm);
    first.onTold = () => deadlines.unwatch(second);
    await clock.advance(200);
    expect([first.told, second.told]).toEqual([[100], []]);
    expect(deadlines.size).toBe(0);
  });

  it('stays out when it takes itself out', async () => {
    const { clock, deadlines } = start();
    const alarm = new Alarm(100);
    alarm.onTold = () => {
      alarm.atMs = 200;
      deadlines.unwatch(alarm);
    };
    deadlines.watch(alarm);
    await clock.advance(500);
    expect(alarm.told).toEqual([100]);
  });

  it('does not hold the turn for one that is due again at once', async () => {
    const { clock, deadlines } = start();
    const alarm = new Alarm(100);
    let turns = 0;
    alarm.onTold = () => {
      if (++turns < 50) alarm.atMs = clock.now();
    };
    const other = new Alarm(100);
    deadlines.watch(alarm);
    deadlines.watch(other);
    other.onTold = () => expect(turns).toBe(1);
    await clock.advance(200);
    expect([turns, other.told]).toEqual([50, [100]]);
  });

  it('goes on when one that is told throws', async () => {
    const { clock, deadlines } = start();
    const [first, second] = [new Alarm(100), new Alarm(100)];
    first.onTold = () => {
      throw new Error('first');
    };
    for (const alarm of [first, second]) deadlines.watch(alarm);
    await expect(clock.advance(200)).rejects.toThrow('first');
    await clock.advance(200);
    expect(second.told).toHaveLength(1);
  });

  it('forgets all when it is closed', async () => {
    const { clock, deadlines } = start();
    const alarm = new Alarm(100);
    deadlines.watch(alarm);
    deadlines.close();
    deadlines.watch(alarm);
    await clock.advance(200);
    expect([alarm.told, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('agrees with a list of times, whatever is watched, moved and taken out', async () => {
    const random = new Random(42);
    const { clock, deadlines } = start();
    const alarms = Array.from({ length: 3000 }, () => new Alarm(random.integer(1, 10_000)));
    for (const alarm of alarms) deadlines.watch(alarm);
    const out = new Set<Alarm>();
    for (const alarm of alarms) {
      const fate = random.next();
      if (fate < 0.5) {
        out.add(alarm);
        deadlines.unwatch(alarm);
      } else if (fate < 0.7) {
        alarm.atMs = random.integer(1, 10_000);
        deadlines.watch(alarm);
      }
    }
    const expected = alarms.map((alarm) => (out.has(alarm) ? [] : [alarm.atMs]));
    await clock.advance(10_000);
    expect(
      alarms.map(({ told }) => told),
      random.toString(),
    ).toEqual(expected);
  });
});
