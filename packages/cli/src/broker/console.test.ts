import { expect, it } from 'vitest';
import { shownToken } from './console.ts';

it('shows the token of a broker without a data directory on a terminal, and never to a pipe', () => {
  expect(shownToken('secret', true)).toBe('secret');
  expect(shownToken('secret', false)).not.toContain('secret');
});
