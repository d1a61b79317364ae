import type { Clock } from '@hawser/transport';

/** Waits until one of these has settled, but no longer than `ms` milliseconds. */
export async function within(clock: Clock, ms: number, ...awaited: Promise<unknown>[]): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = clock.setTimer(clock.now() + ms, resolve);
  });
  await Promise.race([...awaited, late]);
  cancel();
}
