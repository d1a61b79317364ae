import { expect, it } from 'vitest';
import { driveTimers } from './drive-timers.ts';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker } from './test-broker.ts';
import { connectTestClient } from './test-client.ts';

it("a program's own timers and its client live by one clock", async () => {
  const clock = new FakeClock();
  const broker = await startTestBroker({ clock });
  const client = await connectTestClient(broker);
  const messages = client.messages('telemetry');
  const { setTimeout: systems } = globalThis;
  const seen: string[] = [];
  {
    using _timers = driveTimers(clock);
    const started = Date.now();
    // The program: a measurement each minute, for five minutes.
    const interval = setInterval((word: string) => void client.publish('telemetry', word), 60_000, 'measured').unref();
    setTimeout(() => clearInterval(interval), 5 * 60_000 + 1);
    const cancelled = setTimeout(() => seen.push('never'), 10);
    clearTimeout(cancelled);
    await clock.advance(3_600_000);
    expect(Date.now() - started).toBe(3_600_000);
    while (messages.buffered > 0) seen.push((await messages.next()).value?.text() ?? '');
  }
  expect(seen).toEqual(Array(5).fill('measured'));
  expect(globalThis.setTimeout).toBe(systems);
});
