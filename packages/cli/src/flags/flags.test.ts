import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageParameters } from '@hawser/parameters';
import { messageTexts } from '@hawser/parameters/texts';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ConnectFlags } from './connect-flags.ts';
import { addParameterFlags, type GivenValues } from './parameter-flags.ts';
import { joinProperties, PropertyFlag } from './property-flag.ts';

function parse(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const command = new Command('x')
    .helpOption('--help')
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  const message: GivenValues = new Map();
  addParameterFlags(command, messageParameters(), messageTexts, message);
  const connection = new ConnectFlags(command);
  const properties = new PropertyFlag(command);
  command.action(() => {});
  command.parse(joinProperties(command, args), { from: 'user' });
  properties.apply(connection.given, message);
  return { message: Object.fromEntries(message), ...connection.options(environment) };
}

const optionsOf = (line: string, environment?: NodeJS.ProcessEnv) => parse(line.split(' '), environment).options;

describe('connection flags', () => {
  it.each([
    ['-h example.com -p 1884', { host: 'example.com', port: 1884 }],
    ['-L mqtts://x:1', { url: 'mqtts://x:1' }],
    ['--url ws://x', { url: 'ws://x' }],
    ['-u me -P secret -i id', { username: 'me', password: 'secret', clientId: 'id' }],
    ['--id id --pw secret -u me', { username: 'me', password: 'secret', clientId: 'id' }],
    ['-k 300 --keepalive 200', { keepAlive: 200 }],
    ['-c -i a -x 60', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 60 }],
    ['--no-clean -i a -x 60', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 60 }],
    ['--disable-clean-session -i a -x 60', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 60 }],
    ['-c -i a', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 0xffff_ffff }],
    ['-c -i a -x max', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 0xffff_ffff }],
    ['-i a -x -1', { clientId: 'a', sessionExpiryInterval: 0xffff_ffff }],
    ['-c -i a -x 0', { cleanStart: false, clientId: 'a', sessionExpiryInterval: 0 }],
    ['-c -i a -V 4', { cleanStart: false, clientId: 'a', protocolVersion: 4 }],
    ['-V 31', { protocolVersion: 3 }],
    ['-V mqttv311', { protocolVersion: 4 }],
    ['-V 5', { protocolVersion: 5 }],
    ['-V auto', { protocolVersion: 'auto' }],
    [
      '--will-topic w --will-payload gone --will-qos 1 --will-retain --will-delay 5',
      { will: { topic: 'w', payload: 'gone', qos: 1, retain: true, delayInterval: 5 } },
    ],
    [
      '--connect-user-property a=b --connect-user-property a=c=d',
      {
        userProperties: [
          ['a', 'b'],
          ['a', 'c=d'],
        ],
      },
    ],
    [
      '-D connect user-property a b -D connect session-expiry-interval 9 -i x',
      { userProperties: [['a', 'b']], sessionExpiryInterval: 9, clientId: 'x' },
    ],
    [
      '--will-topic w -D will will-delay-interval 4 -D will content-type text',
      { will: { topic: 'w', delayInterval: 4, contentType: 'text' } },
    ],
    ['--no-reconnect', { reconnect: false }],
    ['--reconnect-initial', { reconnect: { initial: true } }],
    ['--connect-timeout 0.5', { connectTimeout: 0.5 }],
    ['--insecure', { tls: { insecure: true }, transport: 'mqtts' }],
    ['--insecure -L wss://x', { tls: { insecure: true }, url: 'wss://x' }],
  ])('%s', (line, wanted) => {
    expect(optionsOf(line)).toEqual(wanted);
  });

  it('takes credentials from the environment and a file, the command line first', () => {
    const environment = { HAWSER_USERNAME: 'env-user', HAWSER_PASSWORD: 'env-secret' };
    expect(optionsOf('-k 1', environment)).toEqual({ keepAlive: 1, username: 'env-user', password: 'env-secret' });
    const file = join(mkdtempSync(join(tmpdir(), 'hawser-flags-')), 'password');
    writeFileSync(file, 'from-file\nsecond line\n');
    expect(optionsOf(`-u me --password-file ${file}`, environment)).toEqual({ username: 'me', password: 'from-file' });
  });

  it.each([
    ['-k soon', "--keep-alive: takes a whole number of seconds, 0 to 65,535, not 'soon'"],
    ['-p 70000', '--port: takes a whole number, 1 to 65,535, not 70,000'],
    ['-V 6', "--protocol-version: takes one of 3, 4, 5, 'auto', not '6'"],
    [
      '--connect-timeout 10000',
      '--connect-timeout: takes a number of seconds, 0.001 to 3,600, not 10,000; did you mean 10?',
    ],
    ['-x 5 -V 4', '--session-expiry-interval: only MQTT 5.0 has it, not MQTT 3.1.1'],
    ['--will-payload x', '--will-topic: missing option: --will-payload needs it'],
    ['--will-topic a/#', "--will-topic: wildcard in topic: 'a/#'"],
    ['-L mqtt://x -p 1', '--port: conflicting options: --url is given too'],
    ['--connect-user-property x', "--connect-user-property: 'x' is not name=value"],
    ['--password-file /does/not/exist', '--password-file: cannot read /does/not/exist: there is no such file'],
    ['--ca /does/not/exist', '--ca: cannot read /does/not/exist: there is no such file'],
    ['-P x --password-file y', '--password-file: given together with --password'],
    ['-D publish content-type', '-D takes three words'],
    ['-D publish user-property name', '-D publish user-property takes a name and a value'],
    ['-D publish colour red', "-D publish: there is no property 'colour'"],
    ['-D puback user-property a b', '-D puback: properties are taken for connect, publish, will'],
  ])('%s is refused', (line, words) => {
    expect(() => optionsOf(line)).toThrow(words);
  });

  it('warns with the names of flags', () => {
    expect(parse(['-c', '-x', '0']).warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('--client-id: session without client id'),
      expect.stringContaining('--session-expiry-interval: session without expiry'),
    ]);
  });

  it('takes the words of -D as they stand, and what belongs to another flag as its own', () => {
    const command = [
      '-D',
      'publish',
      'content-type',
      '-x',
      '-D',
      'publish',
      'user-property',
      '-D',
      '--',
      '-m',
      '-D',
      '-q',
      '1',
    ];
    expect(parse(command).message).toEqual({
      contentType: '-x',
      userProperties: [['-D', '--']],
      payload: '-D',
      qos: 1,
    });
  });
});

describe('message flags', () => {
  it('reads them all', () => {
    const line =
      '-t a/b -m hi -q 2 -r --message-expiry-interval 60 --content-type text --response-topic r --correlation-data c --user-property k=v -D publish user-property k w';
    expect(parse(line.split(' ')).message).toEqual({
      topic: 'a/b',
      payload: 'hi',
      qos: 2,
      retain: true,
      messageExpiryInterval: 60,
      contentType: 'text',
      responseTopic: 'r',
      correlationData: 'c',
      userProperties: [
        ['k', 'v'],
        ['k', 'w'],
      ],
    });
    expect(() => parse(['-q', '3'])).toThrow('--qos: ');
  });
});
