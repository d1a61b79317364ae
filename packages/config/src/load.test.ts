import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTINGS } from '@hawser/broker';
import { TestAuthority } from '@hawser/testkit/compliance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { variableOf } from './assignments.ts';
import { checkConfiguration } from './check.ts';
import { explainConfiguration } from './explain.ts';
import { type ConfigurationSources, loadConfiguration } from './load.ts';
import { ConfigurationError } from './problems.ts';
import { compareConfigurations } from './reload.ts';
import { configurationJsonSchema } from './schema/json-schema.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

let written = 0;
function file(text: string): string {
  const path = join(directory, `${++written}.yaml`);
  writeFileSync(path, text);
  return path;
}

function problems(sources: ConfigurationSources): string {
  try {
    loadConfiguration(sources);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.replaceAll(directory, '');
    throw error;
  }
  return 'none';
}

const failing = (text: string): string => problems({ file: file(text) }).replaceAll(/^\/\d+\.yaml/gm, 'f');

describe('a configuration', () => {
  it('is complete without a file', () => {
    const configuration = loadConfiguration();
    expect(configuration.listeners.map(({ url }) => url)).toContain('mqtt://127.0.0.1:1883');
    expect(configuration.settings['limits.connections']).toBe(SETTINGS['limits.connections'].default);
    expect(configuration.authentication).toEqual({ chain: [] });
  });

  it('takes flags over environment over file over defaults', () => {
    const path = file('limits: {connections: 1, halfOpen: 1, handshakes: 1}\n');
    const configuration = loadConfiguration({
      file: path,
      environment: { HAWSER_LIMITS_HALF_OPEN: '2', HAWSER_LIMITS_HANDSHAKES: '2', PATH: '/bin' },
      flags: { set: ['limits.handshakes=3'], data: 'memory', listen: ['mqtt://127.0.0.1:0'], console: false },
    });
    const { settings } = configuration;
    expect([settings['limits.connections'], settings['limits.halfOpen'], settings['limits.handshakes']]).toEqual([
      1, 2, 3,
    ]);
    expect([configuration.data.directory, configuration.console, configuration.listeners.length]).toEqual([
      'memory',
      false,
      1,
    ]);
    expect(configuration.sourceOf(['limits', 'connections'])).toBe(`${path}:1`);
    expect(configuration.sourceOf(['limits', 'halfOpen'])).toBe('HAWSER_LIMITS_HALF_OPEN');
    expect(configuration.sourceOf(['limits', 'handshakes'])).toBe('--set limits.handshakes=3');
    expect(configuration.sourceOf(['limits', 'topicLevels'])).toBe('default');
    expect(configuration.sourceOf(['data', 'directory'])).toBe('--data');
  });

  it('has settings nested or with dots, and listeners as URLs or maps', () => {
    const text =
      'limits.connections: 5\nlimits:\n  halfOpen: 6\nlisteners:\n  - mqtt://0.0.0.0:1883\n  - url: ws://0.0.0.0:80\n    versions: [5]\n';
    const { settings, listeners } = loadConfiguration({ file: file(text) });
    expect([settings['limits.connections'], settings['limits.halfOpen']]).toEqual([5, 6]);
    expect(listeners).toMatchObject([{ url: 'mqtt://0.0.0.0:1883', clientIds: 'takeover' }, { versions: [5] }]);
  });

  it('has paths relative to the file, in flags and variables to the working directory', () => {
    const text = JSON.stringify({
      data: { directory: 'd', backups: '../b' },
      tls: { cert: 'c', key: '/k', certificates: [{ cert: 'c2', key: 'k2', passphrase: { file: 'p' } }] },
      listeners: [
        { url: 'mqtts://*:1', tls: { cert: 'c', key: 'k', ca: ['a', 'b'], crl: 'r', passphrase: { env: 'X' } } },
        { url: 'mqtt://*:2', authentication: { chain: [{ passwords: { file: 'u' } }] } },
      ],
      console: { users: 'cu', passwordFile: 'cp', tls: { cert: 'c', key: 'k' } },
      authentication: {
        chain: [
          { jwt: { jwks: 'https://x.example/jwks' } },
          { jwt: { jwks: 'j' } },
          { jwt: { publicKey: 'pk' } },
          { jwt: { secret: { file: 's' } } },
        ],
      },
      authorization: {
        rules: [{ allow: 'all', topics: 'file', users: ['cert'] }],
        http: { url: 'http://127.0.0.1/', headers: { A: { file: 'h' }, B: 'text' } },
      },
    });
    const at = (name: string): string => join(directory, name);
    expect(loadConfiguration({ file: file(text) }).effective).toMatchObject({
      data: { directory: at('d'), backups: join(directory, '../b') },
      tls: {
        cert: at('c'),
        key: '/k',
        certificates: [{ cert: at('c2'), key: at('k2'), passphrase: { file: at('p') } }],
      },
      listeners: [
        { tls: { cert: at('c'), key: at('k'), ca: [at('a'), at('b')], crl: at('r'), passphrase: { env: 'X' } } },
        { authentication: { chain: [{ passwords: { file: at('u') } }] } },
      ],
      console: { users: at('cu'), passwordFile: at('cp'), tls: { cert: at('c'), key: at('k') } },
      authentication: {
        chain: [
          { jwt: { jwks: 'https://x.example/jwks' } },
          { jwt: { jwks: at('j') } },
          { jwt: { publicKey: at('pk') } },
          { jwt: { secret: { file: at('s') } } },
        ],
      },
      authorization: {
        rules: [{ topics: 'file', users: ['cert'] }],
        http: { headers: { A: { file: at('h') }, B: 'text' } },
      },
    });
    const flags = { data: 'd', set: ['console.users=cu'] };
    expect(
      loadConfiguration({ flags, environment: { HAWSER_TLS_CERT: 'c', HAWSER_TLS_KEY: 'k' } }).effective,
    ).toMatchObject({
      data: { directory: 'd' },
      console: { users: 'cu' },
      tls: { cert: 'c' },
    });
    expect(loadConfiguration({ file: file('data: memory\n') }).data.directory).toBe('memory');
  });

  it('takes lists from the environment', () => {
    const environment = {
      HAWSER_LISTENERS: 'mqtt://127.0.0.1:1, ws://127.0.0.1:2/mqtt',
      HAWSER_AUTHORIZATION_RULES: '[{allow: all, topics: "#"}]',
      HAWSER_AUTHENTICATION_ANONYMOUS: 'true',
    };
    const configuration = loadConfiguration({ environment });
    expect(configuration.listeners).toHaveLength(2);
    expect(configuration.authorization.rules).toEqual([{ allow: 'all', topics: '#' }]);
    expect(configuration.authentication.anonymous).toBe(true);
  });

  it('has a variable of its own for every setting', () => {
    const names = Object.keys(SETTINGS).map(variableOf);
    expect(new Set(names).size).toBe(names.length);
    expect(variableOf('limits.keepAliveMax')).toBe('HAWSER_LIMITS_KEEP_ALIVE_MAX');
  });
});

describe('what is wrong is said with its line', () => {
  it.each([
    ['limits:\n  conections: 5\n', "f:2: there is no key 'conections' in limits; did you mean connections?"],
    ['autentication: {}\n', "f:1: there is no key 'autentication'; did you mean authentication?"],
    ['halfOpen: 5\n', "f:1: there is no key 'halfOpen'; did you mean limits.halfOpen?"],
    ['limits: 5\n', "f:1: 'limits' is a group of settings: indent them below it"],
    [
      '\nlimits:\n\n  connections: many\n',
      'f:4: limits.connections cannot be "many": it takes 1 to 10000000 connections',
    ],
    ['queue.policy: drop\n', 'f:1: queue.policy cannot be "drop": it takes drop-oldest'],
    ['listeners:\n  - mqtt://127.0.0.1:1883\n  - mqqt://x\n', 'f:3: listeners[1].url'],
    [
      'listeners:\n  - url: mqtt://127.0.0.1:1883\n    version: [5]\n',
      "f:3: there is no key 'version' in listeners[0]; did you mean versions?",
    ],
    ['listeners: []\n', 'f:1: listeners must not be empty'],
    ['console: here\n', 'f:1: console.listen takes HOST:PORT'],
    ['tls:\n  cert: a.pem\n', 'f:1: tls.key is needed'],
    [
      'authentication:\n  chain:\n    - jwt: {issuer: us}\n',
      'f:3: authentication.chain[0].jwt needs exactly one of secret',
    ],
    ['authentication:\n  chain:\n    - {}\n', 'f:3: authentication.chain[0] needs exactly one of'],
    ['authentication:\n  chain:\n    - ldap: {}\n', "f:3: there is no key 'ldap'"],
    ['authorization:\n  rules:\n    - topics: "#"\n', 'f:3: authorization.rules[0] a rule has exactly one of'],
    ['authorization:\n  rules:\n    - {allow: all, topics: a/#/b}\n', "'a/#/b' is no Topic Filter"],
    ['authorization:\n  rules:\n    - {allow: read, topics: "#"}\n', 'authorization.rules[0].allow takes publish'],
    [
      'authorization:\n  rules:\n    - {allow: all, topics: "#", addresses: [everywhere]}\n',
      'takes addresses and networks',
    ],
    ['a: [\n', 'f:'],
    ['data: a\ndata: b\n', 'f:2:'],
    ['- a\n', 'f:1: a configuration is a map'],
    ['console:\n  user: x\n', "f:2: there is no key 'user' in console; did you mean users?"],
    ['console: { listen: 5 }\n', 'f:1: console.listen takes a text'],
    ['console: [a]\n', 'f:1: console takes HOST:PORT, such as 127.0.0.1:8080, or keys and values, or false'],
    [
      'listeners: [{ url: mqtt://127.0.0.1:1, forwardedFrom: loopback }]\n',
      'f:1: listeners[0].forwardedFrom is for ws and wss',
    ],
    ['limits.conections: 3\n', "there is no key 'limits.conections'; did you mean limits.connections?"],
    ['__proto__: {x: 1}\n', "there is no key '__proto__'"],
  ])('%j', (text, expected) => {
    expect(failing(text)).toContain(expected);
  });

  it('all of it at once', () => {
    expect(failing('limits:\n  connections: 0\n  halfOpen: 0\nqueue.messages: -1\n').split('\n')).toHaveLength(3);
  });

  it('also for the environment and for flags', () => {
    expect(problems({ environment: { HAWSER_LIMITS_CONECTIONS: '1' } })).toContain(
      'did you mean HAWSER_LIMITS_CONNECTIONS?',
    );
    expect(problems({ environment: { HAWSER_LIMITS_CONNECTIONS: 'x' } })).toMatch(
      /^HAWSER_LIMITS_CONNECTIONS: limits.connections cannot/,
    );
    expect(problems({ flags: { set: ['limits.conections=1'] } })).toContain('did you mean limits.connections?');
    expect(problems({ flags: { set: ['limits'] } })).toContain('takes key=value');
    expect(problems({ flags: { set: ['limits.connections=x'] } })).toMatch(/^--set limits.connections=x: /);
    expect(problems({ environment: { HAWSER_PASSWORD: 'x', HAWSER_URL: 'y' } })).toBe('none');
    expect(problems({ file: join(directory, 'none.yaml') })).toContain('there is no such file');
  });
});

describe('the configuration in force', () => {
  it('shows every value with its source and hides secrets', () => {
    const path = file(
      [
        'tls: {cert: a, key: b, passphrase: hunter2}',
        'authentication:',
        '  chain:',
        '    - jwt: {secret: hunter2hunter2hunter2hunter2hunter2}',
        '    - http: {url: "http://u:hunter2@127.0.0.1/", headers: {authorization: Bearer hunter2}}',
        '    - jwt: {secret: {env: TOKEN_SECRET}}',
      ].join('\n'),
    );
    const explained = explainConfiguration(
      loadConfiguration({ file: path, flags: { set: ['tls.passphrase=hunter2', 'data=memory'] } }),
    );
    const text = explained.map(({ key, value, source }) => `${key} ${value} ${source}`).join('\n');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('tls.passphrase *** --set tls.passphrase');
    expect(text).toContain(`authentication.chain[0].jwt.secret *** ${path}:4`);
    expect(text).toContain('{"env":"TOKEN_SECRET"}');
    expect(text).toContain('data.directory memory --set data=memory');
    for (const key of Object.keys(SETTINGS)) expect(text).toContain(`${key} `);
  });

  it('hides secrets in flags that are maps, where they are shown and where they are wrong', () => {
    const set = [
      'listeners=[{url: "mqtts://127.0.0.1:1", tls: {cert: a, key: b, passphrase: hunter2}}]',
      'console={tls: {cert: a, key: b, passphrase: hunter2}}',
      'authorization.http={url: "http://x/", headers: {authorization: hunter2}}',
    ];
    const explained = explainConfiguration(loadConfiguration({ flags: { set } }));
    expect(JSON.stringify(explained)).not.toContain('hunter2');
    expect(explained).toContainEqual({ key: 'console.tls.passphrase', value: '***', source: '--set console' });
    const wrong = problems({ flags: { set: ['authentication.chain=[{jwt: {secret: hunter2, algorithm: x}}]'] } });
    expect(wrong).toContain('did you mean algorithms?');
    expect(wrong).not.toContain('hunter2');
  });

  it('is compared with another one: what has changed and what needs a restart', () => {
    const load = (text: string) => loadConfiguration({ file: file(text) });
    const before = load('limits.keepAliveMax: 10\nlimits.topicLevels: 10\ntls: {cert: a, key: b, passphrase: one}\n');
    const after = load(
      'limits.keepAliveMax: 20\nlimits.topicLevels: 20\ntls: {cert: a, key: b, passphrase: two}\ndata: memory\n',
    );
    const changes = Object.fromEntries(compareConfigurations(before, after).map(({ key, ...rest }) => [key, rest]));
    expect(changes).toEqual({
      'limits.keepAliveMax': { from: '10', to: '20', needsRestart: false },
      'limits.topicLevels': { from: '10', to: '20', needsRestart: true },
      'tls.passphrase': { from: '***', to: '***', needsRestart: true },
      'data.directory': { from: './hawser-data', to: 'memory', needsRestart: true },
    });
    expect(compareConfigurations(after, after)).toEqual([]);
  });

  it('has a JSON Schema with a sentence for every setting', () => {
    const schema = configurationJsonSchema() as {
      properties: Record<string, { description?: string; properties?: object }>;
    };
    expect(Object.keys(schema.properties)).toContain('listeners');
    const limits = schema.properties.limits?.properties as Record<string, { description?: string }>;
    expect(limits.connections?.description).toContain('Connections in all');
    expect(JSON.stringify(schema)).toContain('additionalProperties');
  });
});

describe('the check of a configuration', () => {
  it('opens all files it names', () => {
    const missing = join(directory, 'nothing');
    const configuration = loadConfiguration({
      file: file(`authentication:\n  chain:\n    - passwords: {file: ${missing}}\ntls: {cert: ${missing}, key: b}\n`),
    });
    expect(() => checkConfiguration(configuration)).toThrow(/tls: .*nothing[\s\S]*authentication: ENOENT/);
  });

  it('warns of what is open', () => {
    const passwd = file('');
    const open = loadConfiguration({
      flags: { listen: ['mqtt://0.0.0.0:1883'], set: ['authentication.anonymous=true'] },
    });
    expect(checkConfiguration(open)).toEqual([expect.stringContaining('takes anonymous clients')]);
    const named = loadConfiguration({
      flags: { listen: ['mqtt://0.0.0.0:1883'], set: [`authentication.chain=[{passwords: {file: ${passwd}}}]`] },
    });
    expect(checkConfiguration(named)).toEqual([
      `nobody can log in at mqtt://0.0.0.0:1883: there is no user in ${passwd}; make one with "hawser passwd ${passwd} NAME"`,
      expect.stringContaining('in clear'),
      expect.stringContaining('no rule permits them anything'),
    ]);
  });

  it.each([
    ['anonymous: false', 'authentication.anonymous is false and authentication.chain is empty'],
    ['anonymous: loopback', undefined],
    ['chain: [{jwt: {secret: hunter2hunter2hunter2hunter2hunter2}}]', undefined],
  ])('says where nobody can log in: %s', (authentication, why) => {
    const text = `listeners: [mqtt://127.0.0.1:1]\nauthentication: {${authentication}}\nauthorization: {default: allow}\n`;
    const expected = why === undefined ? [] : [`nobody can log in at mqtt://127.0.0.1:1: ${why}`];
    expect(checkConfiguration(loadConfiguration({ file: file(text) }))).toEqual(expected);
  });

  it('warns of certificates that are over, not there yet, or end within 14 days', () => {
    using authority = new TestAuthority();
    const hours = (count: number): Date => new Date(Date.now() + count * 3_600_000);
    const listener = (from: number, until: number): object => {
      const { cert, key } = authority.issueWith({ commonName: 'a', from: hours(from), until: hours(until) });
      return { url: 'mqtts://127.0.0.1:1', tls: { cert: file(cert), key: file(key) } };
    };
    const listeners = [listener(-48, -24), listener(24, 48), listener(-24 * 60, 24 * 3), listener(-1, 24 * 60)];
    const configuration = loadConfiguration({ file: file(JSON.stringify({ listeners, console: false })) });
    expect(checkConfiguration(configuration)).toEqual([
      expect.stringContaining('has expired on'),
      expect.stringContaining('is not valid before'),
      expect.stringMatching(/ends on .*, in 2 days/),
    ]);
  });

  it.each(['required', 'optional'])('refuses verify: %s without a ca, which would trust every public CA', (verify) => {
    using authority = new TestAuthority();
    const { cert, key } = authority.issue('a');
    const tls = { cert: file(cert), key: file(key), verify };
    const configuration = loadConfiguration({ file: file(JSON.stringify({ tls })) });
    expect(() => checkConfiguration(configuration)).toThrow(
      `certificates of clients are ${verify}, but no CA is named`,
    );
  });
});
