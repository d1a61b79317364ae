import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { DEFAULT_LISTENERS } from './default-listeners.ts';

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
    expect(readConfiguration({})).toEqual({
      listeners: DEFAULT_LISTENERS.map((url) => ({ url })),
      dataDirectory: resolve('hawser-data'),
      console: undefined,
      settings: {},
    });
  });

  it('takes flags over the file, and the file over defaults', () => {
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
sessions:
  expiryMax: 60
`);
    const file = readConfiguration({ config });
    expect(file).toEqual({
      listeners: [{ url: 'mqtt://[::1]:1884' }, { url: 'ws://localhost:9001/x', versions: [5, 4] }],
      dataDirectory: undefined,
      console: false,
      settings: {
        'limits.keepAliveMax': 300,
        'limits.receiveMaximum': 10,
        'queue.messages': 5,
        'queue.qos0': true,
        'queue.policy': 'refuse',
        'sessions.expiryMax': 60,
      },
    });
    const set = ['limits.keepAliveMax=20', 'queue.qos0=false', 'responseInformation=a=b'];
    const both = readConfiguration({
      config,
      listen: ['mqtt://127.0.0.1:1'],
      data: '/tmp/d',
      console: '127.0.0.1:8080',
      set,
    });
    expect(both).toMatchObject({
      listeners: [{ url: 'mqtt://127.0.0.1:1' }],
      dataDirectory: '/tmp/d',
      console: '127.0.0.1:8080',
      settings: { 'limits.keepAliveMax': 20, 'queue.qos0': false, responseInformation: 'a=b', 'queue.messages': 5 },
    });
  });

  it('takes an empty file, and one with comments only', () => {
    expect(readConfiguration({ config: write('') }).settings).toEqual({});
    expect(readConfiguration({ config: write('# nothing\n') }).settings).toEqual({});
  });

  it.each([
    [
      'limits:\n  keepalivemax: 3\n',
      ":2: there is no setting 'limits.keepalivemax'; did you mean limits.keepAliveMax?",
    ],
    ['\n\nlistners: []\n', ":3: there is no setting 'listners'; did you mean listeners?"],
    ['limits: 3\n', ":1: 'limits' is a group of settings"],
    ['queue.messages: many\n', ':1: queue.messages cannot be "many"'],
    ['queue.messages: -1\n', ':1: queue.messages cannot be -1: it takes 0 to'],
    ['queue.messages:\n', ':1: queue.messages cannot be'],
    ['queue.policy: drop\n', ':1: queue.policy cannot be "drop": it takes drop-oldest, drop-newest'],
    ['- a\n', ':1: a configuration is a map'],
    ['a: [1\n', ':2: '],
    ['data: memory\ndata: x\n', ':2: '],
    ['listeners: 5\n', ':1: listeners takes URLs'],
    ['listeners: []\n', ':1: listeners: at least one'],
    ['listeners:\n - url: mqtt://x\n   port: 3\n', ":3: a listener has no 'port'"],
    ['listeners:\n - url: mqtt://x\n   versions: [6]\n', ':3: versions are 3 (3.1)'],
    ['listeners:\n - versions: [5]\n', ':2: a listener needs a url'],
    ['data: 5\n', ":1: data takes a directory or 'memory'"],
  ])('%j is refused with its line', (text, words) => {
    const config = write(text);
    expect(() => readConfiguration({ config })).toThrow(`${config}${words}`);
  });

  it.each([
    [{ listen: ['mqtt://127.0.0.1:port'] }, 1, 'cannot listen: "port"'],
    [{ listen: ['http://x'] }, 1, 'is not a scheme of a listener'],
    [{ set: ['queue.mesages=1'] }, 1, "there is no setting 'queue.mesages'; did you mean queue.messages?"],
    [{ set: ['queue.messages=x'] }, 1, 'queue.messages cannot be "x"'],
    [{ set: ['queue.messages'] }, 64, '--set takes key=value, such as queue.messages=1000'],
    [{ set: ['=1'] }, 64, '--set takes key=value'],
    [{ console: 'x' }, 1, '--console takes HOST:PORT'],
    [{ data: '' }, 64, '--data needs a directory'],
    [{ config: '/does/not/exist' }, 1, 'cannot read the configuration /does/not/exist: there is no such file'],
    [{ config: '/tmp' }, 1, 'that is a directory'],
  ])('%j ends with exit code %i', (flags, exitCode, words) => {
    expect(() => readConfiguration(flags)).toThrow(
      expect.objectContaining({ exitCode, message: expect.stringContaining(words) }),
    );
  });
});
