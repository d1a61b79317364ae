import type { Clock } from '@hawser/transport/clock';
import type { ClientClock } from '../platform.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A page's time, with the timers that its browser slows down while nobody sees the page. */
export const pageTime: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(atMs, callback) {
    const timer = setTimeout(callback, Math.min(LONGEST_TIMER_MS, atMs - performance.now()));
    return () => clearTimeout(timer);
  },
  defer: (callback) => queueMicrotask(callback),
};

/** What the worker runs: `[id, ms]` sets a timer, `[id]` takes it back; it tells the id when its time has come. */
const WORKER = `const timers = {};
onmessage = ({ data: [id, ms] }) => {
  clearTimeout(timers[id]);
  delete timers[id];
  if (ms !== undefined) timers[id] = setTimeout(() => { delete timers[id]; postMessage(id); }, ms);
};`;

const NO_WORKER =
  'no worker for timers (Content-Security-Policy: worker-src blob:): a hidden page loses the connection with a keepAlive under 120';

/** What is used of a worker; the types of Node do not have it. */
interface WorkerLike {
  postMessage(message: readonly [id: number, ms?: number]): void;
  terminate(): void;
  onmessage: ((event: { readonly data: number }) => void) | null;
  onerror: ((event: { preventDefault(): void }) => void) | null;
}
interface Globals {
  readonly document?: unknown;
  readonly Worker?: new (url: string) => WorkerLike;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
  /** Of the page itself, where there is no worker. */
  cancel?: () => void;
}

/**
 * The time of a page for one client. A browser holds the timers of a page that is not seen back, for up to a minute (Chromium's intensive
 * throttling), and a Keep Alive with them: those of a worker go on. Where a content policy forbids the worker it is `warn` that hears it, and the
 * page's own timers are used. Elsewhere than in a page (a worker, a runtime without a document) nothing is held back.
 */
export function pageClock(warn: (code: string, text: string) => void): ClientClock {
  const { document, Worker } = globalThis as unknown as Globals;
  const timers = new Map<number, Timer>();
  let lastId = 0;
  let worker: WorkerLike | undefined;
  let mayHaveWorker = document !== undefined && Worker !== undefined;
  let scriptUrl = '';

  const fire = (id: number): void => {
    const timer = timers.get(id);
    timers.delete(id);
    timer?.callback();
  };

  const arm = (id: number, timer: Timer): void => {
    if (worker) worker.postMessage([id, Math.min(LONGEST_TIMER_MS, timer.atMs - performance.now())]);
    else timer.cancel = pageTime.setTimer(timer.atMs, () => fire(id));
  };

  /** From here on the page's own timers do it. */
  const leaveWorker = (): void => {
    mayHaveWorker = false;
    if (!worker) return;
    worker.terminate();
    worker = undefined;
    URL.revokeObjectURL(scriptUrl);
    for (const [id, timer] of timers) arm(id, timer);
  };

  /** With the first timer: a client that was given wrong options has none. */
  const enterWorker = (Constructor: new (url: string) => WorkerLike): void => {
    mayHaveWorker = false;
    const refused = (): void => {
      leaveWorker();
      warn('timers-held-back', NO_WORKER);
    };
    try {
      scriptUrl = URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' }));
      worker = new Constructor(scriptUrl);
      worker.onmessage = ({ data }) => fire(data);
      worker.onerror = (event) => {
        event.preventDefault();
        refused();
      };
    } catch {
      refused();
    }
  };

  return {
    ...pageTime,

    setTimer(atMs, callback) {
      if (mayHaveWorker && Worker) enterWorker(Worker);
      const id = ++lastId;
      const timer: Timer = { atMs, callback };
      timers.set(id, timer);
      arm(id, timer);
      return () => {
        if (!timers.delete(id)) return;
        timer.cancel?.();
        worker?.postMessage([id]);
      };
    },

    close: leaveWorker,
  };
}
