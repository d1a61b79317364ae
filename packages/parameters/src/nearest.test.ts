import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest, parameters } from './index.ts';

const names = parameters.map(({ name }) => name);

describe('nearest', () => {
  it.each([
    ['keepalive', 'keepAlive'],
    ['keep-alive', 'keepAlive'],
    ['clientid', 'clientId'],
    ['usrename', 'username'],
    ['recieveMaximum', 'receiveMaximum'],
    ['will.delay', 'will.delayInterval'],
    ['zzzzzz', undefined],
    ['', undefined],
  ])('takes %j for %j', (given, meant) => {
    expect(nearest(given, names)).toBe(meant);
  });

  it('finds a name for every name with one letter left out', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names.filter((name) => name.length > 6)), fc.nat(), (name, at) => {
        const slip = at % name.length;
        expect(nearest(name.slice(0, slip) + name.slice(slip + 1), names)).toBeDefined();
      }),
    );
  });
});
