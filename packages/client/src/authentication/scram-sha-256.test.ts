import { describe, expect, it } from 'vitest';
import { Exchange, ScramError } from './scram-sha-256.ts';

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

  it('encodes = and , in user names', () => {
    expect(new Exchange({ username: 'a=b,c', password: '' }, 'n').first).toBe('n,,n=a=3Db=2Cc,r=n');
  });
});
