import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['hawser-source', 'node'] };
const ssr = { resolve };
/** Modules keep no state (house rule 7): files of unit tests share them, instead of loading them anew for each. */
const ofUnits = { testTimeout: 30_000, isolate: false };
/** Of the codec's `imports`, what a page loads. */
const ofPages = { conditions: ['hawser-source', 'browser'] };

export default defineConfig({
  test: {
    maxConcurrency: 24,
    projects: [
      { resolve, ssr, test: { ...ofUnits, name: 'unit', include: ['packages/*/src/**/*.test.ts'] } },
      {
        resolve: ofPages,
        ssr: { resolve: ofPages },
        test: { ...ofUnits, name: 'unit-page', include: ['packages/codec/src/**/*.test.ts'] },
      },
      {
        resolve,
        ssr,
        test: { name: 'e2e', include: ['e2e/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'conformance',
          include: ['conformance/**/*.test.ts'],
          testTimeout: 30_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
