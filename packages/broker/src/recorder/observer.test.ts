import { expect, test } from 'vitest';
import { type Observer, tellBoth } from './observer.ts';

const LOSS = { clientId: 'a', cause: 'expired', topic: 't', qos: 1, count: 1, at: 0 } as const;
const END = { clientId: 'a', cause: 'cleared', queued: 0, at: 0 } as const;

test('the recorder is told first, then the observer; lost messages go to the observer alone', () => {
  const told: string[] = [];
  const named = (name: string): Observer => ({
    onSessionEnded: () => told.push(`${name} ended`),
    onLost: () => told.push(`${name} lost`),
    onWarning: (code) => told.push(`${name} ${code}`),
  });
  const both = tellBoth(named('recorder'), named('observer'));
  both.onSessionEnded?.(END);
  both.onLost?.(LOSS);
  both.onWarning?.('store-fault', '');
  expect(told).toEqual([
    ...['recorder ended', 'observer ended'],
    'observer lost',
    ...['recorder store-fault', 'observer store-fault'],
  ]);
});

test('nothing is told of an event that only an absent observer would want', () => {
  expect(tellBoth({}, undefined).onLost).toBeUndefined();
  expect(tellBoth({}, { onWarning: () => {} }).onLost).toBeUndefined();
});

test('an observer that throws is told of it, and a second fault of it is passed over', () => {
  const warnings: string[] = [];
  const observer: Observer = {
    onSessionEnded: () => {
      throw new Error('out of order');
    },
    onWarning: (code, text) => {
      warnings.push(`${code}: ${text.split('\n')[0]}`);
      throw new Error('again');
    },
  };
  const both = tellBoth({}, observer);
  expect(() => both.onSessionEnded?.(END)).not.toThrow();
  expect(warnings).toEqual(['observer-failed: an observer threw in onSessionEnded: Error: out of order']);
});
