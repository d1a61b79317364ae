import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 50;
const WINDOW_MS = 1000;

/**
 * How late the event loop is: the worst delay of the last second or two, milliseconds. Looked at by those who come, so
 * that it costs nothing when nobody does.
 */
export function loopGauge(now: () => number): () => number {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let before = 0;
  let windowStartedAt = now();
  return () => {
    const current = Math.max(0, histogram.max / 1e6 - RESOLUTION_MS);
    const age = now() - windowStartedAt;
    if (age < WINDOW_MS) return Math.max(before, current);
    histogram.reset();
    windowStartedAt = now();
    // A peak of long ago says nothing about now.
    before = age < 2 * WINDOW_MS ? current : 0;
    return before;
  };
}
