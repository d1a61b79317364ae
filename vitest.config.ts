import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['hawser-source', 'node'] };
const ssr = { resolve };
/** Of the codec's `imports`, what a page loads. */
const ofPages = { conditions: ['hawser-source', 'browser'] };

export default defineConfig({
  test: {
    maxConcurrency: 24,
    projects: [
      { resolve, ssr, test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 30_000 } },
      {
        resolve: ofPages,
        ssr: { resolve: ofPages },
        test: { name: 'unit-page', include: ['packages/codec/src/**/*.test.ts'], testTimeout: 30_000 },
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
