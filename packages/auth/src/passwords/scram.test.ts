import type { AuthenticationDecision } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { enhanced, login, NEVER } from '../testing/requests.ts';
import { ScramClient } from '../testing/scram-client.ts';
import { parseHash } from './hash.ts';
import type { Users } from './password-file.ts';
import { SCRAM_SHA_256, scram } from './scram-authenticator.ts';
import { hashScram } from './scram-credentials.ts';

const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
const bytes = (data: string): Uint8Array => new TextEncoder().encode(data);

function usersWith(name: string, hash: string): () => Users {
  const parsed = parseHash(hash);
  const users: Users = new Map(parsed === undefined ? [] : [[name, parsed]]);
  return () => users;
}

const users = usersWith('user', hashScram('pencil', 4096, Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')));

async function begin(link: ReturnType<typeof scram>, first: string): Promise<AuthenticationDecision | undefined> {
  return await link(enhanced(SCRAM_SHA_256, first), NEVER);
}

async function run(link: ReturnType<typeof scram>, client: ScramClient, change = (final: string): string => final) {
  const challenge = await begin(link, client.first());
  if (challenge?.kind !== 'continue') return challenge;
  return await challenge.next(bytes(change(client.final(text(challenge.authenticationData)))), NEVER);
}

describe('SCRAM-SHA-256', () => {
  it('speaks the example of RFC 7677', async () => {
    const link = scram({ users, nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    const challenge = await begin(link, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    if (challenge?.kind !== 'continue') throw new Error('no challenge');
    expect(text(challenge.authenticationData)).toBe(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    const final =
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
    const decision = await challenge.next(bytes(final), NEVER);
    if (decision.kind !== 'allow') throw new Error('refused');
    expect(decision.username).toBe('user');
    expect(text(decision.authenticationData)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  });

  it('lets in who knows the password and proves to know it', async () => {
    const client = new ScramClient('user', 'pencil');
    const decision = await run(scram({ users }), client);
    if (decision?.kind !== 'allow') throw new Error('refused');
    expect(client.accepts(text(decision.authenticationData))).toBe(true);
  });

  it('goes through the whole exchange with a wrong password and an unknown user, and answers the same', async () => {
    const link = scram({ users });
    const wrong = await run(link, new ScramClient('user', 'pen'));
    expect(wrong).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    expect(await run(link, new ScramClient('nobody', 'pencil'))).toBe(wrong);
  });

  it('gives an unknown user the same salt each time', async () => {
    const link = scram({ users, nonce: () => 'x' });
    const first = new ScramClient('nobody', 'x').first();
    const [one, other] = [await begin(link, first), await begin(link, first)];
    if (one?.kind !== 'continue' || other?.kind !== 'continue') throw new Error('no challenge');
    expect(text(one.authenticationData)).toBe(text(other.authenticationData));
  });

  it('gives an unknown user the same salt after a restart and when the file has changed, with or without a secret', async () => {
    const first = new ScramClient('nobody', 'x').first();
    const salt = async (options: Omit<Parameters<typeof scram>[0], 'nonce'>): Promise<string> => {
      const challenge = await begin(scram({ ...options, nonce: () => 'x' }), first);
      if (challenge?.kind !== 'continue') throw new Error('no challenge');
      return text(challenge.authenticationData);
    };
    const later = new Map([...users(), ['zoe', parseHash(hashScram('x', 4096))]]) as Users;
    expect(await salt({ users })).toBe(await salt({ users }));
    expect(await salt({ users: () => later })).toBe(await salt({ users }));
    const secret = new Uint8Array(32).fill(7);
    expect(await salt({ users: () => later, secret })).toBe(await salt({ users, secret }));
    expect(await salt({ users, secret })).not.toBe(await salt({ users }));
    // And as many iterations as the users have, or it would be no disguise.
    expect(await salt({ users })).toMatch(/,i=4096$/);
  });

  it('looks at no proof of another user when somebody authenticates again', async () => {
    const link = scram({ users });
    const client = new ScramClient('user', 'pencil');
    const request = enhanced(SCRAM_SHA_256, client.first());
    const as = (username: string) => ({ ...request, again: true, client: { ...request.client, username } });
    expect(await link(as('mallory'), NEVER)).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    expect(await link(as('user'), NEVER)).toMatchObject({ kind: 'continue' });
  });

  it.each([
    'p=tls-unique,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    'n,a=admin,n=user,r=rOprNGfwEbeRWgbNEkqO',
    'n,,n=us=er,r=rOprNGfwEbeRWgbNEkqO',
    'n,,n=user,r=short',
    'n,,m=ext,n=user,r=rOprNGfwEbeRWgbNEkqO',
    '',
    'rubbish',
  ])('refuses the first message %j', async (first) => {
    expect(await begin(scram({ users }), first)).toMatchObject({ kind: 'deny', reasonCode: 0x87 });
  });

  it.each([
    ['another nonce', (final: string) => final.replace(/r=[^,]+/, 'r=rOprNGfwEbeRWgbNEkqOother')],
    ['another channel binding', (final: string) => final.replace('c=biws', 'c=eSws')],
    ['no proof', (final: string) => final.replace(/,p=.*/, '')],
    ['a short proof', (final: string) => final.replace(/p=.*/, 'p=AAAA')],
    ['nothing', () => ''],
  ])('refuses a final message with %s', async (_, change) => {
    expect(await run(scram({ users }), new ScramClient('user', 'pencil'), change)).toMatchObject({ kind: 'deny' });
  });

  it('leaves other methods to others', () => {
    expect(scram({ users })(enhanced('SCRAM-SHA-1', 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), NEVER)).toBeUndefined();
    expect(scram({ users })(login('user', 'pencil'), NEVER)).toBeUndefined();
  });
});
