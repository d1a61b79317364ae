import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../load.ts';
import { importMosquitto } from './import-mosquitto.ts';
import { CONF_OPTIONS } from './options.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-import-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => join(directory, name);

function imported(text: string) {
  const path = at('mosquitto.conf');
  writeFileSync(path, text);
  const { yaml, notes } = importMosquitto(path);
  writeFileSync(at('hawser.yaml'), yaml);
  // What is written can be read.
  loadConfiguration({ file: at('hawser.yaml') });
  return {
    configuration: parse(yaml) as Record<string, unknown>,
    notes: notes.map((note) => note.replaceAll(`${directory}/`, '')),
  };
}

const NOBODY = { authentication: { anonymous: false }, authorization: { default: 'deny' } };

describe('hawser import mosquitto.conf', () => {
  it('takes listeners, TLS, users, persistence and limits over', () => {
    writeFileSync(at('acl'), 'user alice\ntopic read news/#\ntopic deny news/secret\npattern write up/%c/#\n');
    const { configuration, notes } = imported(
      [
        '# comment',
        'persistence true',
        'persistence_location data',
        'allow_anonymous false',
        'password_file passwd',
        'acl_file acl',
        'max_queued_messages 500',
        'max_inflight_messages 0',
        'persistent_client_expiration 2d',
        'log_type all',
        'listener 1883',
        'listener 8883 127.0.0.1',
        'cafile ca.pem',
        'certfile cert.pem',
        'keyfile key.pem',
        'require_certificate true',
        'use_identity_as_username true',
        'listener 9001 ::1',
        'protocol websockets',
        'auto_id_prefix x-',
      ].join('\n'),
    );
    const passwords = { anonymous: false, chain: [{ passwords: { file: at('passwd') } }] };
    expect(configuration).toEqual({
      listeners: [
        { url: 'mqtt://*:1883', authentication: passwords },
        {
          url: 'mqtts://127.0.0.1:8883',
          tls: { verify: 'required', ca: [at('ca.pem')], cert: at('cert.pem'), key: at('key.pem') },
          authentication: { anonymous: false, chain: [{ certificate: { name: 'cn' } }] },
        },
        { url: 'ws://[::1]:9001/mqtt', authentication: passwords },
      ],
      authorization: {
        default: 'deny',
        wider: 'filter',
        rules: [
          { deny: 'all', topics: 'news/secret', users: 'alice' },
          { allow: 'subscribe', topics: 'news/#', users: 'alice' },
          { allow: 'publish', topics: 'up/%c/#' },
        ],
      },
      data: at('data'),
      queue: { messages: 500 },
      sessions: { expiry3: 172_800 },
    });
    expect(notes).toEqual([
      'mosquitto.conf:2: persistence: data; mosquitto.db itself is not read: sessions and retained messages begin anew',
      'mosquitto.conf:8: max_inflight_messages: without a bound there; here the default of limits.inflight3 is in force',
      'mosquitto.conf:19: protocol: ws or wss in listeners[].url; WebSockets are taken at the path /mqtt only',
      'mosquitto.conf:20: auto_id_prefix: assigned Client Identifiers have no prefix',
    ]);
  });

  it('an empty one listens on loopback and takes everybody, as Mosquitto does', () => {
    expect(imported('').configuration).toEqual({
      listeners: [{ url: 'mqtt://127.0.0.1:1883' }],
      data: 'memory',
      authentication: { anonymous: true },
      authorization: { default: 'allow' },
    });
  });

  it('a listener without allow_anonymous lets nobody in', () => {
    expect(imported('listener 1883\n').configuration).toMatchObject({ authentication: { anonymous: false } });
  });

  it('keeps what is per listener per listener, the ACL too', () => {
    writeFileSync(at('acl'), 'topic read open/#\n');
    const { configuration } = imported(
      'per_listener_settings true\nlistener 1883\nallow_anonymous true\nacl_file acl\nlistener 1884\npassword_file p\n',
    );
    expect(configuration).toMatchObject({
      listeners: [
        {
          authentication: { anonymous: true },
          authorization: { default: 'deny', rules: [{ allow: 'subscribe', topics: 'open/#', anonymous: true }] },
        },
        { authentication: { anonymous: false, chain: [{}] }, authorization: { default: 'allow' } },
      ],
    });
  });

  it('opens one default listener, whatever the order of bind_address and port', () => {
    for (const text of ['bind_address 10.0.0.1\nport 1884\n', 'port 1884\nbind_address 10.0.0.1\n'])
      expect(imported(text).configuration).toMatchObject({ listeners: [{ url: 'mqtt://10.0.0.1:1884' }] });
  });

  it('reads a flag as Mosquitto does: the first word, 1 as true', () => {
    for (const value of ['true', '1', 'true # comment', '1 # comment'])
      expect(
        imported(`listener 8883\ncertfile c\nkeyfile k\ncafile a\nrequire_certificate ${value}\n`).configuration,
      ).toMatchObject({ listeners: [{ tls: { verify: 'required' } }] });
  });

  it.each([
    ['require_certificate yes', 'require_certificate takes true or false'],
    ['listener 0', 'listener 0 takes the path of a socket'],
    ['listener 70000', 'listener takes a port from 1 to 65535'],
    ['max_queued_messages many', 'max_queued_messages takes a whole number'],
    ['password_file', 'password_file has no value'],
    ['tls_version ssl3', 'tls_version takes tlsv1.2 or tlsv1.3'],
    ['persistent_client_expiration 2', 'persistent_client_expiration takes a number and one of h, d, w, m, y'],
    ['socket_domain ipx', 'socket_domain takes ipv4 or ipv6'],
    ['accept_protocol_versions 6', 'accept_protocol_versions takes 3, 4 and 5, with commas between them'],
    ['include_dir nowhere', 'cannot be read'],
  ])('refuses "%s", which Mosquitto refuses too, with file and line', (line, text) => {
    expect(() => imported(`# one\n${line}\n`)).toThrow(at('mosquitto.conf:2: '));
    expect(() => imported(`# one\n${line}\n`)).toThrow(text);
  });

  it('the options of a listener that is not opened go to no other listener', () => {
    const { configuration, notes } = imported(
      'listener 1883 127.0.0.1\nlistener 0 /run/m.sock\nallow_anonymous true\nprotocol websockets\nmax_connections 5\n',
    );
    expect(configuration).toMatchObject({ listeners: [{ url: 'mqtt://127.0.0.1:1883' }] });
    expect(notes.join('\n')).toContain('mosquitto.conf:2: listener 0: a socket of the file system; ');
  });

  it.each([
    ['psk_hint x', 'psk_hint'],
    ['mount_point tenant/', 'mount_point'],
    ['bind_interface eth1', 'bind_interface'],
    ['tls_engine pkcs11', 'tls_engine'],
    ['proxy_protocol_v2_require_tls true', 'proxy_protocol_v2_require_tls'],
  ])('a listener with "%s" is not opened, and nothing else is in its place', (line, name) => {
    const { configuration, notes } = imported(`listener 1884\nallow_anonymous true\n${line}\n`);
    expect(configuration).toEqual({ listeners: [{ url: 'mqtt://127.0.0.1:1883' }], data: 'memory', ...NOBODY });
    expect(notes.join('\n')).toContain(`mosquitto.conf:3: ${name}: nothing here keeps out what that kept out`);
  });

  it.each(['auth_plugin', 'plugin', 'plugin_load', 'plugin_use', 'global_plugin'])(
    'where %s decided, nobody is let in, and no option of it is shown',
    (name) => {
      const { configuration, notes } = imported(
        `listener 1883\nallow_anonymous true\n${name} /usr/lib/x.so\nauth_opt_pg_password hunter2\nplugin_opt_config_file /x.json\n`,
      );
      expect(configuration).toMatchObject({ listeners: [{ url: 'mqtt://*:1883' }], ...NOBODY });
      expect(notes.join('\n')).toContain(`mosquitto.conf:3: ${name}: plugins are not loaded: nobody is let in`);
      expect(notes.join('\n')).not.toMatch(/hunter2|x\.json/);
    },
  );

  it('clientid_prefixes kept clients out: nobody is let in', () => {
    const { configuration, notes } = imported('listener 1883\nallow_anonymous true\nclientid_prefixes safe-\n');
    expect(configuration).toMatchObject(NOBODY);
    expect(notes.join('\n')).toContain('mosquitto.conf:3: clientid_prefixes: ');
  });

  it('listener_allow_anonymous false wins over allow_anonymous true', () => {
    const { configuration } = imported(
      'allow_anonymous true\nlistener 1883\nlistener_allow_anonymous false\nlistener 1884 127.0.0.1\n',
    );
    expect(configuration).toMatchObject({
      listeners: [{ authentication: { anonymous: false } }, { authentication: { anonymous: true } }],
    });
  });

  it('use_username_as_clientid: only its user has a Client Identifier, %c is the user, nobody comes without a name', () => {
    writeFileSync(at('acl'), 'pattern readwrite own/%c/#\n');
    const { configuration } = imported(
      'allow_anonymous true\nacl_file acl\nlistener 1883\nuse_username_as_clientid true\npassword_file p\n',
    );
    expect(configuration).toMatchObject({
      listeners: [{ clientIds: 'same-principal' }],
      authentication: { anonymous: false },
      authorization: { rules: [{ allow: 'all', topics: 'own/%u/#' }] },
    });
  });

  it('an ACL file that cannot be read permits nothing, and the note says so', () => {
    const { configuration, notes } = imported('listener 1883\nallow_anonymous true\nacl_file missing\n');
    expect(configuration).toMatchObject({ authorization: { default: 'deny', rules: [] } });
    expect(notes.join('\n')).toMatch(/^missing: cannot be read \(ENOENT.*\): nothing is permitted until/m);
  });

  it('lines of an ACL file: those in front of the first user are for clients without a name, patterns come last', () => {
    writeFileSync(
      at('acl'),
      [
        'topic open',
        'pattern deny %u/x',
        'user a b',
        'topic write w/+',
        'topic deny w/x',
        'nonsense',
        'pattern read %u/#',
      ].join('\n'),
    );
    const { configuration, notes } = imported('listener 1883\nacl_file acl\n');
    expect(configuration.authorization).toEqual({
      default: 'deny',
      wider: 'filter',
      rules: [
        { deny: 'all', topics: 'w/x', users: 'a b' },
        { allow: 'all', topics: 'open', anonymous: true },
        { allow: 'publish', topics: 'w/+', users: 'a b' },
        { deny: 'all', topics: '%u/x' },
        { allow: 'subscribe', topics: '%u/#' },
      ],
    });
    expect(notes).toEqual(['acl:6: this line is not understood, and left out']);
  });

  it('reads the files of include_dir where it stands: capitals first, each from the default listener on', () => {
    mkdirSync(at('conf.d'));
    writeFileSync(at('conf.d/b.conf'), 'max_queued_messages 7\nport 1999\n');
    writeFileSync(at('conf.d/B.conf'), 'max_queued_messages 6\n');
    writeFileSync(at('conf.d/ignored.txt'), 'no_option x\n');
    const { configuration, notes } = imported('listener 1883 127.0.0.1\ninclude_dir conf.d\nmax_connections 9\n');
    expect(configuration).toMatchObject({
      listeners: [{ url: 'mqtt://*:1999' }, { url: 'mqtt://127.0.0.1:1883' }],
      queue: { messages: 7 },
    });
    expect(notes.join('\n')).toContain('mosquitto.conf:3: max_connections');
    writeFileSync(at('conf.d/z.conf'), '\nmax_queued_messages x\n');
    expect(() => imported('include_dir conf.d\n')).toThrow(at('conf.d/z.conf:2: '));
  });

  it('passwords of bridges are in no note; each bridge has one', () => {
    const { notes } = imported(
      'connection far\naddress far.example:1883\nremote_password hunter2\ntopic # both 2\nlocal_password hunter3\nbridge_psk AB\n',
    );
    expect(notes).toEqual([
      'mosquitto.conf:1: connection far to far.example:1883: bridges are set up at the other broker, whose connection is taken here',
    ]);
  });

  it('an option that nobody knows is told by its name, without its value', () => {
    expect(imported('secret_thing hunter2\n').notes).toEqual([
      'mosquitto.conf:1: secret_thing: no option of Mosquitto that is known here; see whether it kept somebody out',
    ]);
  });

  it('max_connections of all listeners is the sum; of some it is no bound of the broker', () => {
    const some = imported('listener 1883\nmax_connections 5\nlistener 1884\n').configuration;
    expect(some).not.toHaveProperty('limits');
    const all = imported('listener 1883\nmax_connections 5\nlistener 1884\nmax_connections 6\n').configuration;
    expect(all).toMatchObject({ limits: { connections: 11 } });
  });
});

/** An option in a file that says nothing else: what it makes, or what is said of it. */
const SAMPLES: Readonly<Record<string, readonly [value: string, made: object | string]>> = {
  accept_protocol_versions: ['3,5', { listeners: [{ versions: [3, 5] }] }],
  acl_file: ['missing', { authorization: { wider: 'filter' } }],
  allow_anonymous: ['true', { authentication: { anonymous: true } }],
  allow_duplicate_messages: ['false', { subscriptions: { overlapping: 'merge' } }],
  allow_zero_length_clientid: ['false', 'an empty Client Identifier is taken here'],
  bind_address: ['10.1.1.1', { listeners: [{ url: 'mqtt://10.1.1.1:1883' }] }],
  global_max_clients: ['70', { sessions: { max: 70 } }],
  global_max_connections: ['60', { limits: { connections: 60 } }],
  listener: ['1885 ::1', { listeners: [{ url: 'mqtt://[::1]:1885' }] }],
  max_inflight_bytes: ['9000', { limits: { inflightBytes: 9000 } }],
  max_inflight_messages: ['9', { limits: { inflight3: 9 } }],
  max_keepalive: ['90', { limits: { keepAliveMax: 90 } }],
  max_packet_size: ['9000', { limits: { maximumPacketSize: 9000 } }],
  max_qos: ['0', { authorization: { rules: [{ deny: 'publish', topics: ['#', '$SYS/#'], qos: [1, 2] }] } }],
  max_queued_bytes: ['900', { queue: { bytes: 900 } }],
  max_queued_messages: ['90', { queue: { messages: 90 } }],
  max_topic_alias: ['0', { limits: { topicAliasMaximum: 0 } }],
  max_topic_alias_broker: ['5', { limits: { outboundAliases: 5 } }],
  message_size_limit: ['9000', { limits: { maximumPacketSize: 10_024 } }],
  persistent_client_expiration: ['1w', { sessions: { expiry3: 604_800 } }],
  persistence: ['true', { data: '' }],
  port: ['1886', { listeners: [{ url: 'mqtt://*:1886' }] }],
  queue_qos0_messages: ['1', { queue: { qos0: true } }],
  retain_available: ['false', { limits: { retainedMessages: 0 } }],
  socket_domain: ['ipv6', { listeners: [{ url: 'mqtt://127.0.0.1:1883' }] }],
  sys_interval: ['0', { sys: { interval: 0 } }],
  upgrade_outgoing_qos: ['true', 'a message never gets a higher QoS'],
  websockets_origin: ['https://a.example', { websocket: { origins: 'https://a.example' } }],
};

describe('the table of options', () => {
  it.each(Object.entries(SAMPLES))('%s %j', (name, [value, made]) => {
    const { configuration, notes } = imported(`${name} ${value}\n`);
    if (typeof made === 'string') expect(notes.join('\n')).toContain(made);
    else if ('data' in made) expect(configuration.data).toBe(directory);
    else expect(configuration).toMatchObject(made);
  });

  const silent = Object.entries(CONF_OPTIONS).filter(([, { carried }]) => carried === 'nothing to carry over');
  it.each(silent)('%s has nothing to carry over: no note, no difference', (name) => {
    const { configuration, notes } = imported(`${name} x\n`);
    expect(configuration).toEqual(imported('').configuration);
    expect(notes).toEqual([]);
  });

  it.each(Object.entries(CONF_OPTIONS))('%s says what it is here in words', (_name, { words }) => {
    expect(words).toMatch(/^\S.*\S$/);
  });

  it('is the table of docs/import-mosquitto.md', () => {
    const rows = Object.entries(CONF_OPTIONS)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([name, { carried, words, since21 }]) => `| \`${name}\`${since21 ? ' (2.1)' : ''} | ${carried} | ${words} |`,
      );
    const page = readFileSync(new URL('../../../../docs/import-mosquitto.md', import.meta.url), 'utf8');
    expect(page.split('\n').filter((line) => line.startsWith('| `') && !line.includes('_opt_*'))).toEqual(rows);
  });
});
