import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPromise } from '@hawser/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { login, NEVER } from '../testing/requests.ts';
import { WatchedFile } from '../watched-file.ts';
import { type Argon2Cost, hashPassword, type PasswordHash, parseHash } from './hash.ts';
import { changePassword } from './passwd.ts';
import { passwords } from './password-authenticator.ts';
import { editPasswordFile, PasswordFileError, parsePasswordFile, type Users } from './password-file.ts';
import { hashScram } from './scram-credentials.ts';

const CHEAP: Argon2Cost = { memory: 64, passes: 1, parallelism: 1 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const matches = async (hash: string, password: string): Promise<boolean | undefined> =>
  await parseHash(hash)?.matches(bytes(password));

// Written by mosquitto_passwd 2.0.
const OF_MOSQUITTO: readonly (readonly [string, string])[] = [
  [
    '$7$101$W60qdmd0eMYcY3j+$OhRPPxF5TQl9asHAFUaL7MV8gg85FKlxlLdZVN3hEPzDQh96ZOIzswOL+JQ5aouZSzgGVFCkiUkntQjFPo3GNw==',
    'wonder',
  ],
  [
    '$6$46o+10LMAcLcf7yW$FEzp9Kc5SVTNH7U3coNVwhzW06nKu/v8g3+VMETZlJMo8sa7yLzvg5yZC4x7v2vvAaV5Kqedpy4kSBAiGPobdg==',
    'build',
  ],
];

describe('hashes of passwords', () => {
  it.each(OF_MOSQUITTO)('reads what Mosquitto wrote: %s', async (hash, password) => {
    expect(await matches(hash, password)).toBe(true);
    expect(await matches(hash, `${password}!`)).toBe(false);
  });

  it('makes argon2id with a salt of its own each time', async () => {
    const [one, other] = [hashPassword('pässword', CHEAP), hashPassword('pässword', CHEAP)];
    expect(one).not.toBe(other);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    expect(await matches(one, 'pässword')).toBe(true);
    expect(await matches(one, 'password')).toBe(false);
  });

  it('checks a password in clear against what is kept for SCRAM', async () => {
    const hash = hashScram('pencil', 4096);
    expect(await matches(hash, 'pencil')).toBe(true);
    expect(await matches(hash, 'pen')).toBe(false);
  });

  it.each([
    '',
    'plain',
    '$5$abc$def',
    '$6$$',
    '$7$0$c2FsdA==$AAAA',
    '$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA',
    'SCRAM-SHA-256$1:c2FsdA==$AA==:AA==',
  ])('takes %j for no hash', (hash) => {
    expect(parseHash(hash)).toBeUndefined();
  });
});

describe('a password file', () => {
  it('has users, comments and empty lines', () => {
    const users = parsePasswordFile(`# ours\n\nalice:${OF_MOSQUITTO[0]?.[0]}\r\nbob:${OF_MOSQUITTO[1]?.[0]}\n`);
    expect([...users.keys()]).toEqual(['alice', 'bob']);
  });

  it.each([
    ['alice', 1],
    ['# x\n:hash', 2],
    ['alice:', 1],
    [`a:${hashPassword('x', CHEAP)}\na:${hashPassword('x', CHEAP)}`, 2],
    ['alice:secret', 1],
  ])('says which line is wrong: %j', (text, line) => {
    expect(() => parsePasswordFile(text)).toThrow(PasswordFileError);
    expect(() => parsePasswordFile(text)).toThrow(`line ${line}`);
  });

  it('never shows in an error what may be a password', () => {
    expect(() => parsePasswordFile('alice:hunter2')).toThrow(/^(?!.*hunter2)/);
  });

  it('is edited without losing comments or order', () => {
    const text = '# ours\nalice:x\nbob:y\n';
    expect(editPasswordFile(text, 'alice', 'z')).toBe('# ours\nalice:z\nbob:y\n');
    expect(editPasswordFile(text, 'carol', 'z')).toBe('# ours\nalice:x\nbob:y\ncarol:z\n');
    expect(editPasswordFile(text, 'bob', undefined)).toBe('# ours\nalice:x\n');
    expect(editPasswordFile('', 'a', 'b')).toBe('a:b\n');
  });
});

describe('passwords on disk', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-auth-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('hawser passwd adds, changes and removes, in a file nobody else may read', async () => {
    const file = join(directory, 'passwd');
    expect(changePassword({ file, user: 'alice', password: 'one', kind: 'scram' })).toBe('added');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(changePassword({ file, user: 'alice', password: 'two', kind: 'scram' })).toBe('changed');
    const users = parsePasswordFile(readFileSync(file, 'utf8'));
    expect(await users.get('alice')?.matches(bytes('two'))).toBe(true);
    expect(changePassword({ file, user: 'alice', password: undefined })).toBe('removed');
    expect(readFileSync(file, 'utf8')).toBe('');
    expect(() => changePassword({ file, user: 'alice', password: undefined })).toThrow('no user alice');
    expect(() => changePassword({ file, user: 'a:b', password: 'x' })).toThrow(RangeError);
    expect(() => changePassword({ file, user: 'a', password: '' })).toThrow(RangeError);
  });

  it('a file that has changed is read again, and one that is no good is told once and left', () => {
    const path = join(directory, 'passwd');
    const faults: string[] = [];
    let now = 0;
    writeFileSync(path, `alice:${hashPassword('x', CHEAP)}\n`);
    const file = new WatchedFile(path, {
      parse: parsePasswordFile,
      onFault: (text) => faults.push(text),
      now: () => now,
    });
    writeFileSync(path, `bob:${hashPassword('x', CHEAP)}\n# longer\n`);
    expect([...file.value.keys()]).toEqual(['alice']);
    now = 1000;
    expect([...file.value.keys()]).toEqual(['bob']);
    writeFileSync(path, 'rubbish\n');
    now = 2000;
    expect([...file.value.keys()]).toEqual(['bob']);
    now = 3000;
    expect([...file.value.keys()]).toEqual(['bob']);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('line 1');
  });
});

/** Counts what was checked. */
function countingUsers(): { users: Users; checks: string[] } {
  const checks: string[] = [];
  const hash = (name: string): PasswordHash => ({
    text: `$argon2id$v=19$m=64,t=1,p=1$${name}$x`,
    kind: 'argon2id',
    matches: async (password) => {
      checks.push(name);
      return new TextDecoder().decode(password) === name;
    },
  });
  return {
    users: new Map([
      ['alice', hash('alice')],
      ['bob', hash('bob')],
    ]),
    checks,
  };
}

describe('logins with passwords', () => {
  it('lets in who knows the password, and gives one answer to all others', async () => {
    const { users } = countingUsers();
    const link = passwords({ users: () => users });
    expect(await link(login('alice', 'alice'), NEVER)).toEqual({ kind: 'allow', username: 'alice' });
    const wrongPassword = await link(login('alice', 'bob'), NEVER);
    expect(wrongPassword).toMatchObject({ kind: 'deny', reasonCode: 0x86 });
    expect(await link(login('mallory', 'x'), NEVER)).toBe(wrongPassword);
    expect(await link(login('alice', undefined), NEVER)).toBe(wrongPassword);
    expect(link(login(undefined, undefined), NEVER)).toBeUndefined();
  });

  it('works as hard for a user that does not exist, and its hash matching is no way in', async () => {
    const { users, checks } = countingUsers();
    const link = passwords({ users: () => users });
    expect(await link(login('mallory', 'alice'), NEVER)).toMatchObject({ kind: 'deny' });
    expect(checks).toHaveLength(1);
  });

  it('pays for every kind of hash that the file has when a login is wrong, whoever it is for', async () => {
    const checks: string[] = [];
    const hash = (name: string, text: string): PasswordHash => ({
      text,
      kind: 'argon2id',
      matches: async (password) => {
        checks.push(text.split('$')[1] ?? '');
        return new TextDecoder().decode(password) === name;
      },
    });
    const users: Users = new Map([
      ['old', hash('old', '$6$salt$hash')],
      ['older', hash('older', '$6$other$hash')],
      ['new', hash('new', '$argon2id$v=19$m=64,t=1,p=1$salt$hash')],
      ['scram', hash('scram', 'SCRAM-SHA-256$4096:salt$StoredKey:ServerKey')],
    ]);
    const link = passwords({ users: () => users });
    const answers: unknown[] = [];
    const costs: string[] = [];
    for (const user of ['old', 'older', 'new', 'scram', 'nobody']) {
      checks.length = 0;
      answers.push(await link(login(user, 'wrong'), NEVER));
      costs.push(checks.toSorted().join());
    }
    expect(new Set(costs)).toEqual(new Set(['4096:salt,6,argon2id']));
    expect(new Set(answers).size).toBe(1);
    checks.length = 0;
    expect(await link(login('old', 'old'), NEVER)).toMatchObject({ kind: 'allow' });
    expect(checks).toEqual(['6']);
    expect(await link(login('nobody', 'new'), NEVER)).toMatchObject({ kind: 'deny' });
  });

  it('are shared out by address: one that fills the queue turns itself away, not others', async () => {
    const { users } = countingUsers();
    const link = passwords({ users: () => users, checksAtOnce: 1, maximumWaiting: 8 });
    const flood = Array.from({ length: 20 }, (_, i) =>
      link(login('alice', `wrong ${i}`, { remoteAddress: '203.0.113.9' }), NEVER),
    );
    const honest = await link(login('bob', 'bob', { remoteAddress: '198.51.100.1' }), NEVER);
    expect(honest).toMatchObject({ kind: 'allow' });
    const codes = (await Promise.all(flood)).map((answer) => (answer?.kind === 'deny' ? answer.reasonCode : 0));
    expect(codes.filter((code) => code === 0x89)).toHaveLength(12);
  });

  it('checks a right login once, a wrong one each time, and forgets when the hash changes', async () => {
    let { users, checks } = countingUsers();
    const link = passwords({ users: () => users });
    for (let i = 0; i < 3; i++) await link(login('alice', 'alice'), NEVER);
    expect(checks).toHaveLength(1);
    for (let i = 0; i < 3; i++) await link(login('alice', 'wrong'), NEVER);
    expect(checks).toHaveLength(4);
    const bob = users.get('bob');
    users = new Map(bob === undefined ? [] : [['alice', bob]]);
    expect(await link(login('alice', 'alice'), NEVER)).toMatchObject({ kind: 'deny' });
    checks = [];
  });

  it('turns away with 0x89 when too many wait', async () => {
    const { users } = countingUsers();
    const link = passwords({ users: () => users, checksAtOnce: 1, maximumWaiting: 1 });
    const answers = [1, 2, 3].map((i) => link(login('alice', `wrong ${i}`), NEVER));
    expect(answers.map((answer) => answer !== undefined && isPromise(answer))).toEqual([true, true, false]);
    expect(answers[2]).toMatchObject({ kind: 'deny', reasonCode: 0x89 });
    await Promise.all(answers);
  });

  it.each([
    ['right', 'alice', 'alice', 'allow'],
    ['wrong', 'alice', 'wrong', 'deny'],
    ['of nobody', 'mallory', 'x', 'deny'],
  ])('that are %s and under way at once are checked once', async (_name, user, password, kind) => {
    const { users, checks } = countingUsers();
    const link = passwords({ users: () => users, checksAtOnce: 1, maximumWaiting: 1 });
    const answers = Array.from({ length: 1000 }, () => link(login(user, password), NEVER));
    const kinds = new Set((await Promise.all(answers)).map((answer) => answer?.kind));
    expect([...kinds]).toEqual([kind]);
    expect(checks).toHaveLength(1);
  });

  it('shares nothing between users, passwords and hashes', async () => {
    const { users, checks } = countingUsers();
    const other = countingUsers();
    let current = users;
    const link = passwords({ users: () => current, remembered: 0 });
    const first = [login('alice', 'alice'), login('alice', 'bob'), login('bob', 'alice'), login('bob', 'bob')];
    const answers = first.map((request) => link(request, NEVER));
    const changed = other.users.get('bob');
    if (changed !== undefined) current = new Map([['alice', { ...changed, text: 'another hash' }]]);
    answers.push(link(login('alice', 'alice'), NEVER));
    expect((await Promise.all(answers)).map((answer) => answer?.kind)).toEqual([
      'allow',
      'deny',
      'deny',
      'allow',
      'deny',
    ]);
    expect(checks).toHaveLength(4);
    expect(other.checks).toHaveLength(1);
  });

  it('turns away with 0x89 when too many share a check, and takes as many again when it is done', async () => {
    const { users } = countingUsers();
    const link = passwords({ users: () => users, maximumSharing: 2, remembered: 0 });
    for (let round = 0; round < 2; round++) {
      const answers = Array.from({ length: 4 }, () => link(login('alice', 'alice'), NEVER));
      const codes = (await Promise.all(answers)).map((answer) => (answer?.kind === 'deny' ? answer.reasonCode : 0));
      expect(codes).toEqual([0, 0, 0, 0x89]);
    }
  });

  it('is checked as long as one of those who share it waits', async () => {
    const { users, checks } = countingUsers();
    const link = passwords({ users: () => users, checksAtOnce: 1 });
    const gone = new AbortController();
    const before = link(login('bob', 'bob'), NEVER);
    const answers = [link(login('alice', 'alice'), gone.signal), link(login('alice', 'alice'), NEVER)];
    const nobody = [link(login('alice', 'x'), gone.signal), link(login('alice', 'x'), gone.signal)];
    gone.abort();
    await before;
    expect((await Promise.all(answers)).map((answer) => answer?.kind)).toEqual(['allow', 'allow']);
    await Promise.all(nobody);
    expect(checks).toEqual(['bob', 'alice']);
  });

  it('a check that fails fails for all who share it, and is begun again for the next', async () => {
    let failing = true;
    const { users } = countingUsers();
    const alice = users.get('alice');
    if (alice === undefined) throw new Error('no alice');
    const matches = (password: Uint8Array) =>
      failing ? Promise.reject(new Error('out of memory')) : alice.matches(password);
    const link = passwords({ users: () => new Map([['alice', { ...alice, matches }]]) });
    const answers = [1, 2].map(() => Promise.resolve(link(login('alice', 'alice'), NEVER)));
    const settled = await Promise.allSettled(answers);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failing = false;
    expect(await link(login('alice', 'alice'), NEVER)).toMatchObject({ kind: 'allow' });
  });

  it('a wrong user takes as long as a wrong password (real argon2id, order of magnitude)', async () => {
    const hash = parseHash(hashPassword('right'));
    if (hash === undefined) throw new Error('unreadable');
    const users: Users = new Map([['alice', hash]]);
    const link = passwords({ users: () => users });
    const time = async (user: string): Promise<number> => {
      const taken: number[] = [];
      for (let i = 0; i < 5; i++) {
        const before = performance.now();
        await link(login(user, `wrong ${i}`), NEVER);
        taken.push(performance.now() - before);
      }
      return taken.sort((a, b) => a - b)[2] ?? 0;
    };
    await time('alice');
    const ratio = (await time('nobody')) / (await time('alice'));
    expect(ratio).toBeGreaterThan(0.33);
    expect(ratio).toBeLessThan(3);
  });
});
