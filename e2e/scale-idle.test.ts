import { describe, expect, test } from 'vitest';
import { Crowd, Pair, ScaleBroker } from './support/scale.ts';

const CONNECTIONS = Number(process.env.SCALE_IDLE ?? 15_000);
/** The target is 6 KiB; a machine that does other things as well may not fail a test. */
const MOST_KIB = 12;

describe('idle connections', () => {
  test(`${CONNECTIONS} of them in one broker, and those who come after them are served`, async () => {
    await using broker = await ScaleBroker.start();
    await using warm = await Crowd.join(broker.port, 500, 'first');
    const before = await broker.state();
    const half = Math.floor((CONNECTIONS - 500) / 2);
    const crowds = await Promise.all([
      Crowd.join(broker.port, half, 'a'),
      Crowd.join(broker.port, CONNECTIONS - 500 - half, 'b'),
    ]);
    const after = await broker.state();
    const each = (after.rss - before.rss) / (after.connected - before.connected) / 1024;
    console.log(
      `${after.connected} idle connections: ${Math.round(after.rss / 2 ** 20)} MiB, ${each.toFixed(1)} KiB of RSS each`,
    );
    expect(after.connected).toBe(CONNECTIONS);
    expect(each).toBeLessThan(MOST_KIB);
    await using pair = await Pair.join(broker.port, 'pair');
    await pair.run(200, 100);
    expect(pair.received).toEqual(Array.from({ length: 200 }, (_, i) => i));
    await Promise.all([warm, ...crowds].map((crowd) => crowd[Symbol.asyncDispose]()));
  }, 60_000);
});
