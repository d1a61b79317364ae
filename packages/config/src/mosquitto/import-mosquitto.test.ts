import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../load.ts';
import { importMosquitto } from './import-mosquitto.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hawser-import-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function imported(text: string) {
  const path = join(directory, 'mosquitto.conf');
  writeFileSync(path, text);
  const { yaml, notes } = importMosquitto(path);
  const made = join(directory, 'hawser.yaml');
  writeFileSync(made, yaml);
  // What is written can be read.
  loadConfiguration({ file: made });
  return { configuration: parse(yaml) as Record<string, unknown>, notes };
}

describe('hawser import mosquitto.conf', () => {
  it('takes listeners, TLS, users, persistence and limits over', () => {
    writeFileSync(
      join(directory, 'acl'),
      'user alice\ntopic read news/#\ntopic deny news/secret\npattern write up/%c/#\n',
    );
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
        'bridge_attempt_unsubscribe true',
      ].join('\n'),
    );
    const at = (name: string) => join(directory, name);
    expect(configuration).toEqual({
      listeners: [
        { url: 'mqtt://0.0.0.0:1883' },
        {
          url: 'mqtts://127.0.0.1:8883',
          tls: { verify: 'required', ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') },
          authentication: {
            anonymous: false,
            chain: [{ certificate: { name: 'cn' } }, { passwords: { file: at('passwd') } }],
          },
        },
        { url: 'ws://[::1]:9001/mqtt' },
      ],
      data: at('data'),
      authentication: { anonymous: false, chain: [{ passwords: { file: at('passwd') } }] },
      authorization: {
        rules: [
          { deny: 'all', topics: 'news/secret', users: 'alice' },
          { allow: 'subscribe', topics: 'news/#', users: 'alice' },
          { allow: 'publish', topics: 'up/%c/#' },
        ],
      },
      queue: { messages: 500 },
      sessions: { expiry3: 172_800 },
    });
    expect(notes).toEqual([
      'line 8: max_inflight_messages 0: no bound; the default of limits.inflight3 is in force',
      'line 20: bridge_attempt_unsubscribe true: nothing here is like it',
      'line 18: WebSockets are taken at the path /mqtt only',
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

  it('keeps what is per listener per listener', () => {
    const { configuration } = imported(
      'per_listener_settings true\nlistener 1883\nallow_anonymous true\nlistener 1884\npassword_file p\n',
    );
    expect(configuration).toMatchObject({
      listeners: [{ authentication: { anonymous: true } }, { authentication: { anonymous: false, chain: [{}] } }],
    });
  });
});
