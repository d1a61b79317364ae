import { describe, expect, it } from 'vitest';
import { optionsOf } from './connect-with.ts';
import type { ClientOptions } from './options.ts';

describe('what connect was called with', () => {
  const more: ClientOptions = { keepAlive: 7 };

  it.each<[string, string | URL | ClientOptions, ClientOptions]>([
    ['text', 'mqtts://far', { url: 'mqtts://far', keepAlive: 7 }],
    ['a URL', new URL('mqtts://far/'), { url: 'mqtts://far/', keepAlive: 7 }],
    ['options', { url: 'mqtts://far' }, { url: 'mqtts://far', keepAlive: 7 }],
  ])('may be %s, with options behind it', (_name, first, expected) => {
    expect(optionsOf(first, more)).toEqual(expected);
  });

  it('is never taken for nothing: a function is an address that is wrong', () => {
    const first = (() => 'mqtt://far') as unknown as string;
    expect(optionsOf(first, more)).toEqual({ url: first, keepAlive: 7 });
  });
});
