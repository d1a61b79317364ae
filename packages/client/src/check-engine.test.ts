import { expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { checkEngine } from './check-engine.ts';
import { UsageError } from './errors.ts';

it('an engine that is too old is named, with those that are not', () => {
  expect(() => checkEngine()).not.toThrow();
  const withResolvers = (): void => {};
  for (const old of [
    { Promise: {}, Map },
    { Promise: { withResolvers }, Map: {} },
  ]) {
    expect(() => checkEngine(old)).toThrowError(UsageError);
    expect(() => checkEngine(old)).toThrowError('needs Node 22, Chromium 119, Firefox 121, Safari 17.4 or newer');
  }
});

it('a bundler for React Native is told that nothing runs there; one for a Worker gets what a page gets', async () => {
  const { '.': conditions } = manifest.exports;
  const resolve = (wanted: readonly string[]): unknown =>
    Object.entries(conditions).find(([name]) => wanted.includes(name))?.[1];
  expect(resolve(['require', 'react-native', 'default'])).toMatchObject({ default: './dist/react-native.js' });
  expect(resolve(['workerd', 'worker', 'browser', 'import', 'default'])).toMatchObject({
    default: './dist/page/index.js',
  });
  expect(resolve(['node', 'import', 'default'])).toBe('./dist/index.js');
  await expect(import('./react-native.ts')).rejects.toThrow('does not run in React Native');
});
