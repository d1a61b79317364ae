import type { Clock } from '@hawser/transport';
import { isPromise } from './policies.ts';

/** Told when a policy has failed: it threw, rejected or took too long. */
export type PolicyFault = (text: string) => void;

/**
 * Asks a policy. What it answers at once comes back at once; a promise is given so long, and then `fallback` is the
 * answer, as it is when the policy throws: policies fail closed.
 */
export function ask<T>(
  policy: (signal: AbortSignal) => T | Promise<T>,
  fallback: T,
  timeoutMs: number,
  clock: Clock,
  onFault: PolicyFault,
): T | Promise<T> {
  const abort = new AbortController();
  let answer: T | Promise<T>;
  try {
    answer = policy(abort.signal);
  } catch (error) {
    onFault(`it threw: ${messageOf(error)}`);
    return fallback;
  }
  if (!isPromise(answer)) return answer;
  const promise = answer;
  return new Promise<T>((resolve) => {
    const cancel = clock.setTimer(clock.now() + timeoutMs, () => {
      abort.abort();
      onFault(`it gave no answer within ${timeoutMs / 1000} s`);
      resolve(fallback);
    });
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        if (!abort.signal.aborted) onFault(`it failed: ${messageOf(error)}`);
        resolve(fallback);
      },
    );
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
