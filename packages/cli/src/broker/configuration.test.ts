import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULT_LISTENERS } from '@hawser/config';
import { describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';

const folder = mkdtempSync(join(tmpdir(), 'hawser-configuration-'));
let lastFile = 0;

function write(text: string): string {
  lastFile += 1;
  const path = join(folder, `c${lastFile}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe('readConfiguration', () => {
  it('has defaults', () => {
    const configuration = readConfiguration({}, {});
    expect(configuration.listeners).toEqual(DEFAULT_LISTENERS.map((url) => ({ url, clientIds: 'takeover' })));
    expect(configuration).toMatchObject({
      dataDirectory: resolve('hawser-data'),
      logLevel: 'warn',
      settings: { 'queue.messages': 1000 },
    });
    expect(configuration.console).toEqual({ hostNames: [] });
  });

  it('takes flags over the environment over the file over defaults', () => {
    const config = write(`
listeners:
  - mqtt://[::1]:1884
  - { url: ws://localhost:9001/x, versions: [5, 4] }
data: memory
console: false
limits:
  keepAliveMax: 300
  receiveMaximum: 10
queue.messages: 5
queue.qos0: true
queue: { policy: refuse }
`);
    const file = readConfiguration({ config }, { HAWSER_LIMITS_RECEIVE_MAXIMUM: '11' });
    expect(file).toMatchObject({
      listeners: [{ url: 'mqtt://[::1]:1884' }, { url: 'ws://localhost:9001/x', versions: [5, 4] }],
      dataDirectory: undefined,
      console: false,
      settings: {
        'limits.keepAliveMax': 300,
        'limits.receiveMaximum': 11,
        'queue.messages': 5,
        'queue.qos0': true,
        'queue.policy': 'refuse',
      },
    });
    const set = ['limits.keepAliveMax=20', 'queue.qos0=false', 'responseInformation=a=b'];
    const both = readConfiguration(
      { config, listen: ['mqtt://127.0.0.1:1'], data: '/tmp/d', console: '127.0.0.1:8080', set, logLevel: 'debug' },
      {},
    );
    expect(both).toMatchObject({
      listeners: [{ url: 'mqtt://127.0.0.1:1' }],
      dataDirectory: '/tmp/d',
      console: { listen: '127.0.0.1:8080' },
      logLevel: 'debug',
      settings: { 'limits.keepAliveMax': 20, 'queue.qos0': false, responseInformation: 'a=b', 'queue.messages': 5 },
    });
  });

  it('says what is wrong with its line', () => {
    const config = write('limits:\n  keepalivemx: 3\n');
    const words = `${config}:2: there is no key 'keepalivemx' in limits; did you mean keepAliveMax?`;
    expect(() => readConfiguration({ config }, {})).toThrow(words);
  });

  it.each([
    [{ listen: ['mqtt://127.0.0.1:port'] }, 1, '"port"'],
    [{ listen: ['http://x'] }, 1, 'is not a scheme of a listener'],
    [{ set: ['queue.mesages=1'] }, 1, "there is no setting 'queue.mesages'; did you mean queue.messages?"],
    [{ set: ['queue.messages=x'] }, 1, 'queue.messages cannot be "x"'],
    [{ set: ['queue.messages'] }, 64, '--set takes key=value'],
    [{ set: ['=1'] }, 64, '--set takes key=value'],
    [{ console: 'x' }, 1, '--console: console.listen takes HOST:PORT'],
    [{ data: '' }, 64, '--data needs a directory'],
    [{ config: '/does/not/exist' }, 1, 'cannot read the configuration /does/not/exist: there is no such file'],
    [{ config: '/tmp' }, 1, 'that is a directory'],
    [{ set: ['authentication.chain=[{passwords: {file: /does/not/exist}}]'] }, 1, 'authentication: ENOENT'],
  ])('%j ends with exit code %i', (flags, exitCode, words) => {
    expect(() => readConfiguration(flags, {})).toThrow(
      expect.objectContaining({ exitCode, message: expect.stringContaining(words) }),
    );
  });
});
