import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '@hawser/config';
import { TestAuthority } from '@hawser/testkit/compliance';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loginNeeds } from './login-needs.ts';

let directory = '';
const at = (name: string): string => join(directory, name);
beforeAll(() => {
  using authority = new TestAuthority();
  directory = mkdtempSync(join(tmpdir(), 'hawser-needs-'));
  writeFileSync(at('ca.crt'), authority.cert);
  for (const name of ['server', 'client']) {
    const { cert, key } = authority.issue(name);
    writeFileSync(at(`${name}.crt`), cert);
    writeFileSync(at(`${name}.key`), key);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

it('says what clients of each listener bring along', () => {
  const tls = { cert: 'server.crt', key: 'server.key' };
  const chain = [{ passwords: { file: 'passwd' } }];
  const listeners = [
    { url: 'mqtt://127.0.0.1:1' },
    { url: 'mqtts://127.0.0.1:2', tls },
    { url: 'mqtts://127.0.0.1:3', tls: { ...tls, ca: 'ca.crt' } },
    { url: 'mqtts://127.0.0.1:4', tls: { ...tls, ca: 'ca.crt', verify: 'optional' } },
    { url: 'mqtt://127.0.0.1:5', authentication: { chain } },
    { url: 'mqtt://127.0.0.1:6', authentication: { chain, anonymous: true } },
  ];
  writeFileSync(at('hawser.yaml'), JSON.stringify({ listeners }));
  const loaded = loadConfiguration({ file: at('hawser.yaml') });
  const ca = at('ca.crt');
  expect(listeners.map((_, place) => loginNeeds(loaded, place))).toEqual([
    { ca: undefined, certificate: undefined, user: false },
    { ca: undefined, certificate: undefined, user: false },
    { ca, certificate: { cert: at('client.crt'), key: at('client.key') }, user: false },
    { ca, certificate: undefined, user: false },
    { ca: undefined, certificate: undefined, user: true },
    { ca: undefined, certificate: undefined, user: false },
  ]);
});
