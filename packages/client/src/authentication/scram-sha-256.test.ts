import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { Exchange, ScramError, type ScramOptions, scramSha256 } from './scram-sha-256.ts';

const NONCE = 'rOprNGfwEbeRWgbNEkqO';
const SERVER_FIRST = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

describe('SCRAM-SHA-256', () => {
  it('is that of RFC 7677, section 3', async () => {
    const exchange = new Exchange({ username: 'user', password: 'pencil' }, NONCE);
    expect(exchange.first).toBe(`n,,n=user,r=${NONCE}`);
    expect(await exchange.answer(SERVER_FIRST)).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    exchange.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  it('finds out a server that does not know the password', async () => {
    const exchange = new Exchange({ username: 'user', password: 'pen' }, NONCE);
    await exchange.answer(SERVER_FIRST);
    expect(() => exchange.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toThrowError(
      expect.objectContaining({ code: 'server-signature-wrong' }),
    );
  });

  it.each([
    ['another nonce', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['its own nonce only', `r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ['few iterations', `r=${NONCE}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1`],
    ['too many iterations', `r=${NONCE}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999`],
    ['no salt', `r=${NONCE}x,i=4096`],
    ['a salt that is none', `r=${NONCE}x,s=%%%,i=4096`],
  ])('refuses a first message with %s', async (_what, message) => {
    const exchange = new Exchange({ username: 'user', password: 'pencil' }, NONCE);
    await expect(exchange.answer(message)).rejects.toBeInstanceOf(ScramError);
  });

  it.each<[string, unknown, RegExp]>([
    ['is misspelt', { username: 'a', passwrod: 'b' }, /'passwrod' is no option; did you mean 'password'\?/],
    [
      'is unknown',
      { username: 'a', password: 'b', colour: 1 },
      /'colour' is no option: username, password, minimumIterations are/,
    ],
    ['is missing', { password: 'b' }, /username must be text, not undefined/],
    ['is no text', { username: 'a', password: 7 }, /password must be text, or a function that gives it, not number/],
    [
      'is no number',
      { username: 'a', password: '', minimumIterations: '8000' },
      /minimumIterations must be .* not '8000'/,
    ],
    ['is out of range', { username: 'a', password: '', minimumIterations: 10_000_001 }, /minimumIterations must be/],
    ['is not there at all', undefined, /username must be text/],
  ])('names an option that %s', (_what, options, words) => {
    expect(() => scramSha256(options as ScramOptions)).toThrowError(words);
    expect(() => scramSha256(options as ScramOptions)).toThrowError(UsageError);
  });

  it('says that a password function gave no text', async () => {
    const exchange = new Exchange({ username: 'user', password: () => undefined as unknown as string }, NONCE);
    await expect(exchange.answer(SERVER_FIRST)).rejects.toThrowError(/the password function gave undefined, not text/);
  });

  describe('of two clients at once', () => {
    const [one, other] = [new AbortController().signal, new AbortController().signal];
    const scram = scramSha256({ username: 'user', password: 'pencil' });
    const begin = (signal: AbortSignal): string => String(scram.start?.(signal)).replace(/.*r=/, '');
    const goOn = async (nonce: string, signal: AbortSignal): Promise<unknown> =>
      scram.continue?.(bytes(`r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`), signal);
    const words = /each client needs one of its own/;

    it('tells the one that was overtaken, before its answer', async () => {
      const [first, second] = [begin(one), begin(other)];
      await expect(goOn(first, one)).rejects.toThrowError(words);
      await goOn(second, other);
    });

    it('tells the one that was overtaken after it', async () => {
      await goOn(begin(one), one);
      const second = begin(other);
      await expect(async () => scram.finish?.(bytes('v=x'))).rejects.toMatchObject({
        code: 'server-signature-wrong',
        message: expect.stringMatching(words),
      });
      await goOn(second, other);
      await expect(async () => scram.finish?.(bytes('v=x'))).rejects.toMatchObject({
        code: 'server-signature-wrong',
        message: expect.stringMatching(words),
      });
    });

    it('accuses the server alone when it was alone', async () => {
      const alone = scramSha256({ username: 'user', password: 'pencil' });
      const nonce = String(alone.start?.(one)).replace(/.*r=/, '');
      await alone.continue?.(bytes(`r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`), one);
      await expect(async () => alone.finish?.(bytes('v=x'))).rejects.toThrowError(
        /^the server did not prove that it knows the password$/,
      );
    });
  });

  it('encodes = and , in user names', () => {
    expect(new Exchange({ username: 'a=b,c', password: '' }, 'n').first).toBe('n,,n=a=3Db=2Cc,r=n');
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
