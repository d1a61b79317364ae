import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, ConnectError, type ConnectOptions, connect } from '@hawser/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../packages/testkit/src/test-certificates.ts';
import { HAWSER } from './support/broker-process.ts';
import { RunningProgram } from './support/processes.ts';

// One mosquitto.conf, read by Mosquitto itself and, imported, by Hawser: the same clients get in, and the same messages reach them.

const folder = mkdtempSync(join(tmpdir(), 'hawser-import-'));
const authority = new TestAuthority();
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  for (const [user, flags] of [
    ['alice', ['-c', '-b']],
    ['bob', ['-b']],
  ] as const)
    execFileSync('mosquitto_passwd', [...flags, file('passwords'), user, `${user}-secret`]);
  writeFileSync(
    file('acl'),
    [
      'topic read open/read',
      'topic open/both',
      'pattern write up/%c/x',
      'pattern deny up/eve/#',
      'user alice',
      'topic readwrite home/#',
      'topic deny home/secret',
      'topic write out/alice',
      'user bob',
      'topic read home/+',
      'pattern readwrite own/%u/#',
    ].join('\n'),
  );
  writeFileSync(file('ca.pem'), authority.cert);
  const { cert, key } = authority.issue('localhost');
  writeFileSync(file('server.pem'), cert);
  writeFileSync(file('server.key'), key);
});
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Identity = Pick<ConnectOptions, 'clientId' | 'username' | 'password' | 'tls'>;

const IDENTITIES: Readonly<Record<string, Identity>> = {
  nobody: { clientId: 'n1' },
  alice: { clientId: 'a1', username: 'alice', password: 'alice-secret' },
  'alice with a wrong password': { clientId: 'a2', username: 'alice', password: 'bob-secret' },
  'alice without a password': { clientId: 'a3', username: 'alice' },
  bob: { clientId: 'eve', username: 'bob', password: 'bob-secret' },
  'a user that is in no file': { clientId: 'm1', username: 'mallory', password: 'x' },
};

const TOPICS = [
  ...['open/read', 'open/both', 'up/a1/x', 'up/eve/x', 'up/n1/x', 'home/x', 'home/x/y', 'home/secret', 'out/alice'],
  ...['own/alice/t', 'own/bob/t', '$SYS/broker/x', 'elsewhere'],
];

/** Listeners are `PORT` in order; files are those of the folder. */
const CONFIGURATIONS: Readonly<Record<string, readonly string[]>> = {
  'a listener alone lets nobody in': ['listener PORT 127.0.0.1'],
  allow_anonymous: ['listener PORT 127.0.0.1', 'allow_anonymous true'],
  'bind_address before port': ['bind_address 127.0.0.1', 'port PORT', 'allow_anonymous true'],
  password_file: ['listener PORT 127.0.0.1', 'password_file passwords'],
  'password_file and allow_anonymous': ['listener PORT 127.0.0.1', 'password_file passwords', 'allow_anonymous 1'],
  acl_file: ['listener PORT 127.0.0.1', 'password_file passwords', 'allow_anonymous true', 'acl_file acl'],
  use_username_as_clientid: [
    'listener PORT 127.0.0.1',
    'use_username_as_clientid true',
    'password_file passwords',
    'allow_anonymous true',
    'acl_file acl',
  ],
  per_listener_settings: [
    'per_listener_settings true',
    'listener PORT 127.0.0.1',
    'allow_anonymous true',
    'acl_file acl',
    'password_file passwords',
    'listener PORT 127.0.0.1',
    'password_file passwords',
  ],
};

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface Rendered {
  readonly path: string;
  readonly ports: readonly number[];
}

let rendered = 0;
async function render(lines: readonly string[]): Promise<Rendered> {
  const ports = await freePorts(lines.filter((line) => line.includes('PORT')).length);
  const left = [...ports];
  const text = lines
    .map((line) => line.replace(/PORT/, () => String(left.shift())))
    .map((line) => line.replace(/^(password_file|acl_file|cafile|certfile|keyfile) /, `$1 ${folder}/`));
  const path = file(`${++rendered}.conf`);
  writeFileSync(path, `${text.join('\n')}\n`);
  return { path, ports };
}

/** Who gets in where, and who gets what from whom: a line each, sorted. */
async function behaviour(schemeOf: string, ports: readonly number[], identities: typeof IDENTITIES): Promise<string[]> {
  /** Mosquitto sends a message once for each subscription that overlaps: that is compared elsewhere. */
  const seen = new Set<string>();
  const clients: { readonly name: string; readonly client: Client }[] = [];
  for (const [at, port] of ports.entries()) {
    for (const [who, identity] of Object.entries(identities)) {
      const name = `${who} at ${at}`;
      try {
        const options = { ...identity, clientId: at === 0 ? identity.clientId : `${identity.clientId}-${at}` };
        const client = await connect(`${schemeOf}://127.0.0.1:${port}`, {
          protocolVersion: 4,
          reconnect: false,
          ...options,
        });
        clients.push({ name, client });
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
      }
    }
  }
  for (const { name, client } of clients) {
    seen.add(`${name} is in`);
    client.on('message', ({ topic, payload }) => {
      const from = new TextDecoder().decode(payload);
      // What a broker says of itself is not compared.
      if (TOPICS.includes(topic) && clients.some((other) => other.name === from))
        seen.add(`${name} gets ${topic} from ${from}`);
    });
    // Each of these is granted there, however little of it may be received.
    for (const filter of ['#', '$SYS/#', ...TOPICS]) await client.subscribe(filter, { qos: 1 }).catch(() => {});
  }
  for (const { name, client } of clients)
    await Promise.all(TOPICS.map((topic) => client.publish(topic, name, { qos: 1 }).catch(() => {})));
  // Behind what was sent to it before comes the answer to this.
  for (const { client } of clients) await client.subscribe('elsewhere', { qos: 1 }).catch(() => {});
  await Promise.all(clients.map(({ client }) => client.disconnect()));
  return [...seen].sort();
}

async function ofMosquitto(lines: readonly string[], scheme: string, identities: typeof IDENTITIES): Promise<string[]> {
  const { path, ports } = await render(lines);
  writeFileSync(path, `user root\n${readFileSync(path, 'utf8')}`);
  await using mosquitto = new RunningProgram('/usr/sbin/mosquitto', ['-c', path]);
  await mosquitto.waitFor(/running/, 'stderr');
  return await behaviour(scheme, ports, identities);
}

async function ofHawser(lines: readonly string[], scheme: string, identities: typeof IDENTITIES): Promise<string[]> {
  const { path, ports } = await render(lines);
  const yaml = `${path}.yaml`;
  execFileSync(process.execPath, [HAWSER, 'import', path, '-o', yaml], { stdio: 'pipe' });
  await using hawser = new RunningProgram(process.execPath, [HAWSER, 'broker', '-c', yaml, '--no-console']);
  await hawser.waitFor(/^ready$/m);
  return await behaviour(scheme, ports, identities);
}

describe('an imported configuration', () => {
  it.each(Object.entries(CONFIGURATIONS))('%s: the same clients, the same messages', async (_name, lines) => {
    const theirs = await ofMosquitto(lines, 'mqtt', IDENTITIES);
    expect(await ofHawser(lines, 'mqtt', IDENTITIES)).toEqual(theirs);
  });

  it('a name that nobody checks is no name: Mosquitto gives its user the rights, here everybody has those of a client without one', async () => {
    const lines = ['listener PORT 127.0.0.1', 'allow_anonymous true', 'acl_file acl'];
    const { nobody = {} } = IDENTITIES;
    const theirs = await ofMosquitto(lines, 'mqtt', { nobody, other: { clientId: 'n2' } });
    expect(await ofHawser(lines, 'mqtt', { nobody, other: { clientId: 'n2', username: 'alice' } })).toEqual(theirs);
  });

  it.each([
    ['certificates of clients', ['require_certificate true # as they say']],
    ['the CN as user name', ['require_certificate 1', 'use_identity_as_username true', 'acl_file acl']],
    ['no certificates', ['password_file passwords']],
  ])('TLS with %s: the same clients, the same messages', async (_name, more) => {
    const tls = ['listener PORT 127.0.0.1', 'cafile ca.pem', 'certfile server.pem', 'keyfile server.key', ...more];
    const trust = { ca: authority.cert };
    using others = new TestAuthority();
    const identities = {
      'without a certificate': { clientId: 'n1', tls: trust },
      alice: { clientId: 'a1', tls: { ...trust, ...authority.issue('alice') } },
      'alice of another CA': { clientId: 'a2', tls: { ...trust, ...others.issue('alice') } },
      'bob with a password': { clientId: 'b1', username: 'bob', password: 'bob-secret', tls: trust },
    };
    const theirs = await ofMosquitto(['allow_anonymous true', ...tls], 'mqtts', identities);
    expect(await ofHawser(['allow_anonymous true', ...tls], 'mqtts', identities)).toEqual(theirs);
  });
});
