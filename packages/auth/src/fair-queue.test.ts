import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';
import { NEVER } from './testing/requests.ts';

/** Work that ends when the test says so. */
class Works {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  work(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, () => resolve(name)));
    };
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

describe('a queue of work', () => {
  it('never runs more than it may, and runs all in the end', async () => {
    const queue = new FairQueue({ atOnce: 2, maximumWaiting: 100 });
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    await Promise.all(Array.from({ length: 20 }, () => queue.run('a', work, NEVER)));
    expect([most, running, queue.length]).toEqual([2, 0, 0]);
  });

  it('does not begin work nobody waits for any more', async () => {
    let done = 0;
    const queue = new FairQueue({ atOnce: 1, maximumWaiting: 1 });
    expect(await queue.run('a', async () => ++done, AbortSignal.abort())).toBeUndefined();
    const gone = new AbortController();
    const first = queue.run('a', async () => 'first', NEVER);
    const waits = queue.run('a', async () => ++done, gone.signal);
    gone.abort();
    expect(await first).toBe('first');
    expect(await waits).toBeUndefined();
    expect(done).toBe(0);
  });

  it('lets keys take turns: one that has a thousand waiting holds nobody up', async () => {
    const works = new Works();
    const queue = new FairQueue({ atOnce: 1, maximumWaiting: 2000 });
    for (let i = 0; i < 1000; i++) queue.run('flood', works.work(`flood ${i}`), NEVER);
    queue.run('honest', works.work('honest'), NEVER);
    await works.end('flood 0');
    await works.end('flood 1');
    expect(works.begun).toEqual(['flood 0', 'flood 1', 'honest']);
  });

  it('takes room from who has most when it is full, and turns away who has most itself', async () => {
    const works = new Works();
    const queue = new FairQueue({ atOnce: 1, maximumWaiting: 3 });
    queue.run('flood', works.work('running'), NEVER);
    const waiting = [0, 1, 2].map((i) => queue.run('flood', works.work(`flood ${i}`), NEVER));
    expect(queue.run('flood', works.work('flood 3'), NEVER)).toBeUndefined();
    expect(queue.run('honest', works.work('honest'), NEVER)).toBeDefined();
    expect(await waiting[2]).toBeUndefined();
    expect([queue.length, queue.refused]).toEqual([3, 2]);
  });

  it('makes room of what nobody waits for any more', () => {
    const works = new Works();
    const queue = new FairQueue({ atOnce: 1, maximumWaiting: 2 });
    queue.run('a', works.work('running'), NEVER);
    const gone = new AbortController();
    for (let i = 0; i < 2; i++) queue.run('a', works.work(`gone ${i}`), gone.signal);
    expect(queue.run('a', works.work('late'), NEVER)).toBeUndefined();
    gone.abort();
    expect(queue.run('a', works.work('late'), NEVER)).toBeDefined();
    expect(queue.length).toBe(1);
  });

  it('keeps room among what runs, so that slow work of one key is not all there is', () => {
    const works = new Works();
    const queue = new FairQueue({ atOnce: 64, maximumWaiting: 100, keepsRoom: true });
    for (let i = 0; i < 70; i++) queue.run('flood', works.work('flood'), NEVER);
    expect(works.begun).toHaveLength(32);
    queue.run('honest', works.work('honest'), NEVER);
    expect(works.begun.at(-1)).toBe('honest');
  });

  it('settles everything, within its bounds, whatever comes in whatever order (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), gone: fc.boolean() }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 8 }),
        fc.boolean(),
        async (jobs, atOnce, maximumWaiting, keepsRoom) => {
          const queue = new FairQueue({ atOnce, maximumWaiting, keepsRoom });
          let running = 0;
          let most = 0;
          const work = async (): Promise<string> => {
            most = Math.max(most, ++running);
            await Promise.resolve();
            running--;
            return 'done';
          };
          const results = jobs.map(({ key, gone }) => queue.run(key, work, gone ? AbortSignal.abort() : NEVER));
          expect(queue.length).toBeLessThanOrEqual(maximumWaiting);
          await Promise.all(results);
          expect(most).toBeLessThanOrEqual(atOnce);
          expect([running, queue.length]).toEqual([0, 0]);
        },
      ),
    );
  });
});
