import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';

describe('FakeClock', () => {
  it('stands still', () => {
    const clock = new FakeClock({ nowMs: 50, wallMs: 1_000_000 });
    expect([clock.now(), clock.wallNow(), clock.now()]).toEqual([50, 1_000_000, 50]);
  });

  it('runs timers in the order of their time, each with its own now', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    const ran: string[] = [];
    clock.setTimer(200, () => ran.push(`late ${clock.now()}`));
    clock.setTimer(100, () => ran.push(`early ${clock.now()}`));
    clock.setTimer(100, () => ran.push(`second ${clock.now()}`));
    clock.setTimer(-5, () => ran.push(`past ${clock.now()}`));
    await clock.advance(150);
    expect(ran).toEqual(['past 0', 'early 100', 'second 100']);
    expect([clock.now(), clock.nextTimerMs, clock.pendingTimers]).toEqual([150, 200, 1]);
    await clock.advance(50);
    expect(ran.at(-1)).toBe('late 200');
  });

  it('runs timers that timers set, within the time that passes', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    const ran: number[] = [];
    const tick = (): void => {
      ran.push(clock.now());
      clock.setTimer(clock.now() + 10, tick);
    };
    tick();
    await clock.advance(35);
    expect(ran).toEqual([0, 10, 20, 30]);
  });

  it('does not run what was cancelled', async () => {
    const clock = new FakeClock();
    let ran = 0;
    const cancel = clock.setTimer(clock.now() + 5, () => ran++);
    cancel();
    cancel();
    await clock.advance(100);
    expect([ran, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('lets promises and deferred callbacks happen between timers', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    const ran: string[] = [];
    clock.setTimer(10, async () => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      clock.defer(() => ran.push(`deferred ${clock.now()}`));
      ran.push(`promised ${clock.now()}`);
    });
    clock.setTimer(20, () => ran.push('second'));
    await clock.advance(30);
    expect(ran).toEqual(['promised 10', 'deferred 10', 'second']);
  });

  it('leaves what is deferred from within a deferred callback to the next turn', async () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    clock.defer(() => {
      clock.defer(() => ran.push('next'));
      void Promise.resolve().then(() => ran.push('promise'));
    });
    clock.defer(() => ran.push('same'));
    await clock.settle();
    expect(ran).toEqual(['same', 'promise', 'next']);
  });

  it('has a wall clock that can jump, and a now that does not', async () => {
    const clock = new FakeClock({ nowMs: 0, wallMs: 5000 });
    clock.jumpWall(-3_600_000);
    await clock.advance(10);
    expect([clock.now(), clock.wallNow()]).toEqual([10, 5010 - 3_600_000]);
  });

  it('waits for a promise, gives its outcome, and says when it never settles', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    const inMs = (ms: number): Promise<number> =>
      new Promise((resolve) => clock.setTimer(clock.now() + ms, () => resolve(clock.now())));
    expect(await clock.waitFor(inMs(30).then(() => inMs(20)))).toBe(50);
    await expect(clock.waitFor(inMs(1).then(() => Promise.reject(new Error('no'))))).rejects.toThrowError('no');
    await expect(clock.waitFor(new Promise(() => {}))).rejects.toThrowError(/not reached within 3600000 ms/);
    await expect(clock.waitFor(inMs(100), 99)).rejects.toThrowError(/not reached within 99 ms/);
  });

  it('lets several wait at once', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn++) await Promise.resolve();
    };
    const chain = async (steps: number): Promise<number> => {
      for (let step = 0; step < steps; step++) {
        await new Promise<void>((resolve) => clock.setTimer(clock.now() + 10, resolve));
        // No timer is set for a while.
        await turns(20);
      }
      return clock.now();
    };
    const all = chain(5);
    const waiting = [0, 7, 13, 20].map((count) => turns(count).then(() => clock.waitFor(all)));
    expect(await Promise.all(waiting)).toEqual([50, 50, 50, 50]);
  });

  it('advances until something is reached, and says when it never is', async () => {
    const clock = new FakeClock({ nowMs: 0 });
    let reached = false;
    clock.setTimer(86_400_000, () => {
      reached = true;
    });
    await expect(clock.advanceUntil(() => reached, 1000)).rejects.toThrow('within 1000 ms');
    await clock.advanceUntil(() => reached, 100_000_000);
    expect(clock.now()).toBe(86_400_000);
  });
});
