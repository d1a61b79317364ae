import { describe, expect, it } from 'vitest';
import { checkOptions } from './check-options.ts';
import { UsageError } from './errors.ts';
import { composerOf } from './outgoing-message.ts';
import { subscriptionsOf } from './session/subscriptions.ts';

describe('checkOptions', () => {
  it('takes what is known, and what is not given', () => {
    expect(() => checkOptions('publish', { qos: 1, other: undefined }, ['qos'])).not.toThrow();
  });

  it.each([
    ['retian', 'retain'],
    ['Qos', 'qos'],
  ])('names what %s was meant to be', (wrong, meant) => {
    expect(() => checkOptions('publish', { [wrong]: 1 }, ['qos', 'retain'])).toThrow(
      new UsageError('unknown-option', `${wrong}: unknown option; did you mean ${meant}?`),
    );
  });

  it('says so of a name that is like none', () => {
    expect(() => checkOptions('publish', { colour: 1 }, ['qos'])).toThrow(
      new UsageError('unknown-option', 'colour: unknown option'),
    );
  });
});

describe('a misspelt name is an error', () => {
  const subscriptions = subscriptionsOf(() => 1, { warn: () => {} });
  const wrong = (name: string): never => ({ [name]: true }) as never;

  it.each<[string, string, () => unknown]>([
    ['publish', 'retain', () => composerOf(() => 0)('a', '', wrong('retian'), 5)],
    ['subscribe', 'noLocal', () => subscriptions.subscribe(['a'], wrong('nolocal'), undefined)],
    ['unsubscribe', 'signal', () => subscriptions.unsubscribe(['a'], wrong('singal'))],
  ])('of %s', async (_call, meant, act) => {
    await expect(async () => act()).rejects.toThrow(`did you mean ${meant}?`);
  });
});
