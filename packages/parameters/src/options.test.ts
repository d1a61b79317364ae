import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { longFlagOf } from './flags.ts';
import { findParameter, type OptionContext, type Parameter, parseText, validateOptions } from './index.ts';

const node: OptionContext = { platform: 'node' };
const browser: OptionContext = { platform: 'browser' };

function codes(options: object, context = node): string[] {
  return validateOptions(options, context).map(({ code, option, severity }) => `${severity} ${option} ${code}`);
}

function messages(options: object, context = node): string[] {
  return validateOptions(options, context).map(({ message }) => message);
}

describe('validateOptions', () => {
  it('has nothing to say about good options', () => {
    const options = {
      url: 'mqtt://localhost',
      clientId: 'pump-7',
      username: 'u',
      password: new Uint8Array([1]),
      keepAlive: 300,
      cleanStart: false,
      sessionExpiryInterval: 0xffffffff,
      will: { topic: 'gone/pump-7', payload: '', qos: 1, userProperties: [['a', 'b']], delayInterval: 5 },
      tls: { ca: ['x', new Uint8Array(2)], alpn: ['mqtt'] },
      reconnect: { initial: true },
      authentication: { method: 'SCRAM-SHA-256', start: () => undefined },
      userProperties: undefined,
    };
    expect(validateOptions(options, node)).toEqual([]);
    expect(validateOptions({ reconnect: false }, node)).toEqual([]);
  });

  it('names the nearest option for a misspelt one', () => {
    expect(messages({ keepalive: 1 })).toEqual(['keepalive: unknown option; did you mean keepAlive?']);
    expect(messages({ sesionExpiryInterval: 1 })[0]).toContain('did you mean sessionExpiryInterval?');
    expect(messages({ clean: true })[0]).toContain('did you mean cleanStart?');
    expect(messages({ will: { topic: 'a', payloud: 'x' } })[0]).toContain('did you mean will.payload?');
    expect(messages({ singal: 1 })[0]).toContain('did you mean signal?');
    expect(messages({ stroe: 1 })[0]).toContain('did you mean store?');
    expect(messages({ server: [] })[0]).toContain('did you mean servers?');
    expect(messages({ somethingElse: 1 })).toEqual(['somethingElse: unknown option']);
    expect(messages({ toString: 1 })).toEqual(['toString: unknown option']);
  });

  it('knows what other clients call it, in a group and out of one', () => {
    expect(messages({ will: { topic: 'a', willDelayInterval: 1 } })[0]).toContain('did you mean will.delayInterval?');
    expect(messages({ reconnectPeriod: 0 })).toEqual(['reconnectPeriod: unknown option; write reconnect: false']);
    expect(messages({ reconnectPeriod: 5000 })[0]).toContain('write reconnect.delay, in seconds');
    expect(messages({ tls: { pfx: 'x' } })[0]).toContain('give PEM as tls.cert and tls.key');
    expect(messages({ ca: 'x' })[0]).toContain('did you mean tls.ca?');
    expect(messages({ properties: {} })).toEqual(['properties: unknown option; did you mean its members?']);
  });

  it('never turns a meaning round', () => {
    expect(messages({ tls: { rejectUnauthorized: false } })).toEqual([
      'tls.rejectUnauthorized: unknown option; write tls.insecure: true',
    ]);
    expect(messages({ rejectUnauthorized: true })[0]).toContain('checked anyway: leave it out');
  });

  it('takes User Properties as pairs or by their names, and bytes of any kind and realm', () => {
    const foreign = runInNewContext('new Uint8Array([1, 2]).buffer');
    const good = [{}, { a: 'b', c: ['d', 'e'] }, [['a', 'b']]];
    for (const userProperties of good) expect(messages({ userProperties })).toEqual([]);
    for (const password of [foreign, new DataView(foreign), new Uint16Array(2)])
      expect(messages({ password })).toEqual([]);
    expect(messages({ will: { topic: 'a', payload: new Blob(['x']) } })).toEqual([
      'will.payload: takes text or bytes, 0 to 65,535 bytes, not a Blob',
    ]);
    expect(codes({ password: new Uint16Array(40_000) })).toEqual(['error password out-of-range']);
    expect(codes({ userProperties: { a: 'x\0' } })).toEqual(['error userProperties bad-text']);
  });

  it('asks whether milliseconds were meant', () => {
    expect(messages({ keepAlive: 60_000 })).toEqual(['keepAlive: 60,000 seconds; did you mean 60?']);
    expect(codes({ keepAlive: 60_000 })).toEqual(['warning keepAlive probably-milliseconds']);
    expect(messages({ keepAlive: 120_000 })[0]).toContain('did you mean 120?');
    expect(messages({ connectTimeout: 30_000 })[0]).toBe(
      'connectTimeout: takes a number of seconds, 0.001 to 3,600, not 30,000; did you mean 30?',
    );
    expect(codes({ connectTimeout: 3601 })).toEqual(['error connectTimeout out-of-range']);
    expect(messages({ reconnect: { delay: 1000 } })).toEqual(['reconnect.delay: 1,000 seconds; did you mean 1?']);
    expect(codes({ connectTimeout: 3000 })).toEqual(['warning connectTimeout probably-milliseconds']);
    expect(codes({ reconnect: { delay: 60, delayMax: 3000 }, keepAlive: 1000 })).toEqual([]);
  });

  it('says what was given and what is taken', () => {
    expect(messages({ keepAlive: '60' })).toEqual([
      "keepAlive: takes a whole number of seconds, 0 to 65,535, not '60'",
    ]);
    expect(messages({ keepAlive: 1.5 })).toEqual(['keepAlive: takes a whole number of seconds, 0 to 65,535, not 1.5']);
    expect(messages({ protocolVersion: 6 })).toEqual(["protocolVersion: takes one of 3, 4, 5, 'auto', not 6"]);
    expect(messages({ userProperties: { a: 1 } })).toEqual([
      "userProperties: takes pairs: [['name', 'value'], ...] or { name: 'value' }, not an object",
    ]);
    expect(messages({ cleanStart: 'no' })).toEqual(["cleanStart: takes true or false, not 'no'"]);
    expect(messages({ clientId: 'é'.repeat(40_000) })).toEqual([
      'clientId: takes text, 0 to 65,535 bytes, not 80,000 bytes',
    ]);
    expect(messages({ receiveMaximum: 0 })).toEqual([
      'receiveMaximum: takes a whole number of messages, 1 to 65,535, not 0',
    ]);
    expect(messages({ will: 'gone' })).toEqual(['will: takes an object of options']);
    expect(messages({ reconnect: null })).toEqual(['reconnect: takes true or false or an object of options, not null']);
    expect(messages({ password: 4711 })).toEqual([
      'password: takes text or bytes or a function, 0 to 65,535 bytes, not the given value',
    ]);
  });

  it('calls an option as its caller does', () => {
    const label = (option: string) => longFlagOf(findParameter(option) as Parameter);
    expect(messages({ keepAlive: -1 }, { ...node, label })).toEqual([
      '--keep-alive: takes a whole number of seconds, 0 to 65,535, not -1',
    ]);
  });

  it('never repeats a secret', () => {
    expect(JSON.stringify(validateOptions({ username: 'u', password: 4711 }, node))).not.toContain('4711');
    expect(JSON.stringify(validateOptions({ tls: { passphrase: 4711 } }, node))).not.toContain('4711');
  });

  it('refuses text that MQTT cannot carry', () => {
    expect(codes({ clientId: 'a\0b' })).toEqual(['error clientId bad-text']);
    expect(codes({ username: '\ud800' })).toEqual(['error username bad-text']);
    expect(codes({ userProperties: [['a', '\0']] })).toEqual(['error userProperties bad-text']);
    expect(codes({ username: 'u', password: '\0' })).toEqual([]);
  });

  it('refuses options that the version does not have, unless the version is still open', () => {
    const options = { clientId: 'a', sessionExpiryInterval: 60 };
    expect(codes(options, { ...node, version: 4 })).toEqual(['error sessionExpiryInterval option-not-in-this-version']);
    expect(codes({ ...options, protocolVersion: 4 })).toEqual([
      'error sessionExpiryInterval option-not-in-this-version',
    ]);
    expect(codes({ ...options, protocolVersion: 'auto' })).toEqual([]);
    expect(messages({ will: { topic: 'a', delayInterval: 1 }, protocolVersion: 4 })).toEqual([
      'will.delayInterval: only MQTT 5.0 has it, not MQTT 3.1.1',
    ]);
  });

  it('refuses client certificates in a browser', () => {
    expect(codes({ tls: { cert: 'x', ca: 'y' } }, browser)).toEqual([
      'error tls.cert mutual-tls-in-browser',
      'error tls.ca option-not-on-this-platform',
    ]);
  });

  it('looks at options together', () => {
    expect(codes({ url: 'mqtt://a', port: 1 })).toEqual(['error port conflicting-options']);
    expect(codes({ will: { payload: 'x' } })).toEqual(['error will.topic missing-option']);
    expect(codes({ will: {} })).toEqual(['error will.topic missing-option']);
    expect(codes({ will: { topic: 'a/+' } })).toEqual(['error will.topic wildcard-in-topic']);
    expect(codes({ authentication: { start() {} } })).toEqual(['error authentication.method missing-option']);
    expect(codes({ password: 'x', protocolVersion: 4 })).toEqual(['error username missing-option']);
    expect(codes({ password: '', protocolVersion: 4 })).toEqual([]);
    expect(codes({ password: 'x' })).toEqual([]);
    expect(codes({ clientId: '', cleanStart: false, protocolVersion: 4 })).toEqual([
      'error clientId client-id-required',
    ]);
    expect(codes({ clientId: 'x'.repeat(24), protocolVersion: 3 })).toEqual(['warning clientId client-id-too-long']);
    expect(codes({ cleanStart: false })).toEqual([
      'warning clientId session-without-client-id',
      'warning sessionExpiryInterval session-without-expiry',
    ]);
  });
});

describe('parseText', () => {
  it.each([
    ['keepAlive', '60', 60],
    ['keepAlive', '65,535', 65_535],
    ['keepAlive', 'soon', 'soon'],
    ['connectTimeout', '0.5', 0.5],
    ['protocolVersion', '311', 4],
    ['protocolVersion', 'mqttv5', 5],
    ['protocolVersion', '31', 3],
    ['protocolVersion', 'auto', 'auto'],
    ['protocolVersion', '6', '6'],
    ['will.qos', '2', 2],
    ['will.retain', 'yes', true],
    ['userProperties', 'a=b=c', [['a', 'b=c']]],
    ['userProperties', 'a', 'a'],
    ['clientId', '1', '1'],
  ])('reads %s from %j', (name, text, value) => {
    const parameter = findParameter(name);
    expect(parameter && parseText(parameter, text)).toEqual(value);
  });
});
