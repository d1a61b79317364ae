import type { Clock } from '@hawser/transport/clock';

/** The promise; a signal that has fired, or fires before it has settled, calls `onAbort`. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, onAbort: () => void): Promise<T> {
  if (signal) {
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    const done = (): void => signal.removeEventListener('abort', onAbort);
    promise.then(done, done);
  }
  return promise;
}

/** The promise; when it has not settled after so many milliseconds, `onLate` is called. */
export async function timed<T>(promise: Promise<T>, clock: Clock, ms: number, onLate: () => void): Promise<T> {
  const cancel = clock.setTimer(clock.now() + ms, onLate);
  try {
    return await promise;
  } finally {
    cancel();
  }
}

/** What a callback has returned is waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

/** A program that does not wait for this is not ended by its rejection. */
export function ignorable<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
