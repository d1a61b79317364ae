import { describe, expect, it } from 'vitest';
import { createClientWith, optionsOf } from './connect-with.ts';
import type { ClientOptions } from './options.ts';
import type { Platform } from './platform.ts';

it('a program gets the methods of a Client, and nothing of the parts behind it', async () => {
  const platform: Platform = {
    name: 'node',
    clock: { now: () => 0, wallNow: () => 0, setTimer: () => () => {}, defer: queueMicrotask },
    random: () => 0,
    generateClientId: () => 'generated',
    dial: () => new Promise(() => {}),
  };
  const client = createClientWith(platform, { url: 'mqtt://far' });
  const attributes = ['clientId', 'closed', 'dropped', 'negotiated', 'pending', 'state'];
  const methods = [
    'disconnect',
    'messages',
    'onMessage',
    'publish',
    'reauthenticate',
    'request',
    'subscribe',
    'unsubscribe',
  ];
  const events = ['off', 'on', 'once', 'reportError'];
  expect(Reflect.ownKeys(client).sort((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual(
    [...attributes, ...methods, ...events, Symbol.asyncDispose].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
  );
  expect(client.clientId).toBe('generated');
  await client.disconnect();
  expect(client.state).toBe('closed');
});

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
