import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConsoleUsers } from './console-users.ts';
import { hashPassword } from './hash.ts';
import { changePassword } from './passwd.ts';

const HASH = hashPassword('right', { memory: 8, passes: 1, parallelism: 1 });
let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-users-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('users of the console', () => {
  it('have a role and a hash', async () => {
    const users = parseConsoleUsers(`# who\n\nvera:viewer:${HASH}\nanna:admin:${HASH}\r\n`);
    expect([...users].map(([name, { role }]) => [name, role])).toEqual([
      ['vera', 'viewer'],
      ['anna', 'admin'],
    ]);
    expect(await users.get('anna')?.matches(Buffer.from('right'))).toBe(true);
  });

  it.each([
    ['a user of MQTT', `vera:${HASH}`, /line 1: the role of vera has to be viewer, operator, admin/],
    ['another role', `vera:root:${HASH}`, /the role of vera/],
    ['a password in clear', 'vera:admin:secret', /line 1: the hash of vera is none that is known/],
    ['no hash', 'vera:admin:', /has no hash/],
    ['twice', `vera:admin:${HASH}\nvera:viewer:${HASH}`, /line 2: the user vera has a line already/],
    ['no user', 'admin', /line 1: a line is 'user:role:hash'/],
  ])('%s is refused, and what may be a password is not told', (_name, text, words) => {
    expect(() => parseConsoleUsers(text)).toThrow(words);
    expect(() => parseConsoleUsers(text)).not.toThrow(/secret/);
  });

  it('keep their role when their password changes, and can be given another', () => {
    const file = join(directory, 'users');
    const roles = () => [...parseConsoleUsers(readFileSync(file, 'utf8'))].map(([name, { role }]) => `${name} ${role}`);
    expect(changePassword({ file, user: 'vera', password: 'one', role: 'viewer' })).toBe('added');
    const before = readFileSync(file, 'utf8');
    expect(changePassword({ file, user: 'vera', password: 'two' })).toBe('changed');
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect(roles()).toEqual(['vera viewer']);
    changePassword({ file, user: 'vera', password: 'two', role: 'admin' });
    expect(roles()).toEqual(['vera admin']);
    expect(changePassword({ file, user: 'vera', password: undefined })).toBe('removed');
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});
