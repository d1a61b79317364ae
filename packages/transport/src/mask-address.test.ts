import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskAddress, maskAddresses } from './mask-address.ts';

describe('maskAddress', () => {
  it.each([
    ['mqtt://host:1883', 'mqtt://host:1883'],
    ['mqtt://user:secret@host:1883', 'mqtt://***@host:1883'],
    // A token stands in the user name's place at some services.
    ['mqtts://token@host', 'mqtts://***@host'],
    ['mqtt://user:S3cr#t@host', 'mqtt://***@host'],
    ['mqtt://user:S3c/r?t@host/x', 'mqtt://***@host/x'],
    ['wss://host/mqtt?token=abc&x=y', 'wss://host/mqtt?token=***&x=***'],
    ['wss://host/mqtt?abcdef', 'wss://host/mqtt?***'],
    ['wss://host:8084/mqtt?user=a@b.example', 'wss://host:8084/mqtt?user=***'],
    ['wss://u:p@host/mqtt?user=a@b.example', 'wss://***@host/mqtt?user=***'],
    ['wss://u:p?x=y@host/mqtt', 'wss://***@host/mqtt'],
    ['/mqtt/@me?token=abc', '/mqtt/@me?token=***'],
    ['user:secret@host', '***@host'],
    ['mqtt:/user:secret@host', '***@host'],
    ['', ''],
  ])('%s', (address, shown) => {
    expect(maskAddress(address)).toBe(shown);
  });

  it('lets no password through, whatever is in it', () => {
    const text = fc.string({ minLength: 1, maxLength: 12 }).filter((one) => !one.includes('@'));
    fc.assert(
      fc.property(text, text, fc.constantFrom('', 'mqtt://', 'wss://'), (before, after, scheme) => {
        expect(maskAddress(`${scheme}user:${before}SECRET${after}@host:1883/mqtt`)).not.toContain('SECRET');
      }),
    );
  });
});

it('masks every address in a text', () => {
  const text = 'tried ["mqtt://u:p@a", "https://b/x?key=1"], then http://c';
  expect(maskAddresses(text)).toBe('tried ["mqtt://***@a", "https://b/x?key=***"], then http://c');
});
