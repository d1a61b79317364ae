import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pageClock } from './page-clock.ts';

/** A worker whose timers come when the test says so, as those of a page that nobody sees. */
class HeldWorker {
  static all: HeldWorker[] = [];
  readonly posted: (readonly [id: number, ms?: number])[] = [];
  isTerminated = false;
  onmessage: (event: { data: number }) => void = () => {};
  onerror: (event: { preventDefault(): void }) => void = () => {};
  constructor() {
    HeldWorker.all.push(this);
  }
  postMessage(message: readonly [id: number, ms?: number]): void {
    this.posted.push(message);
  }
  terminate(): void {
    this.isTerminated = true;
  }
}

beforeEach(() => {
  HeldWorker.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('document', {});
  vi.stubGlobal('Worker', HeldWorker);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function setUp() {
  const told: string[] = [];
  const clock = pageClock((code) => told.push(code));
  const set = (ms: number, name: string): (() => void) => clock.setTimer(clock.now() + ms, () => told.push(name));
  return { told, clock, set, worker: () => HeldWorker.all[0] as HeldWorker };
}

it("leaves timers to a worker, whatever the page's own do", () => {
  const { told, set, worker } = setUp();
  set(1000, 'a');
  const cancel = set(2000, 'b');
  expect(worker().posted).toEqual([
    [1, 1000],
    [2, 2000],
  ]);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([]);
  cancel();
  expect(worker().posted.at(-1)).toEqual([2]);
  worker().onmessage({ data: 1 });
  // It was on its way when it was taken back.
  worker().onmessage({ data: 2 });
  expect(told).toEqual(['a']);
  expect(HeldWorker.all).toHaveLength(1);
});

it("uses the page's own where a content policy forbids the worker, and says so once", () => {
  const { told, set, worker } = setUp();
  set(1000, 'a');
  worker().onerror({ preventDefault: () => {} });
  set(2000, 'b');
  expect(told).toEqual(['timers-held-back']);
  vi.advanceTimersByTime(2000);
  expect(told).toEqual(['timers-held-back', 'a', 'b']);
  expect(HeldWorker.all).toHaveLength(1);
});

it('goes on with what is set when it is closed, without a worker', () => {
  const { told, clock, set, worker } = setUp();
  set(1000, 'a');
  clock.close?.();
  expect(worker().isTerminated).toBe(true);
  vi.advanceTimersByTime(1000);
  expect(told).toEqual(['a']);
});

it('starts no worker elsewhere than in a page', () => {
  vi.stubGlobal('document', undefined);
  const { told, set } = setUp();
  set(1000, 'a');
  vi.advanceTimersByTime(1000);
  expect(told).toEqual(['a']);
  expect(HeldWorker.all).toEqual([]);
});
