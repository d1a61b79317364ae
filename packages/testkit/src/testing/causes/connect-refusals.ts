import { ALLOW_CONNECT, BAD_CREDENTIALS, type BrokerOptions } from '@hawser/broker';
import { encodeUtf8 } from '@hawser/codec';
import { connectBytes, connectPacket, hex, type Scenario, type Scenarios, type Stage } from './stage.ts';

const join = (stage: Stage) => stage.join().then(() => {});
const refusedBy = (options: BrokerOptions): Scenario => ({ options, run: join });
/** An Authenticator may refuse with any Reason Code that a CONNACK can have. */
const deniedWith = (reasonCode: number): Scenario =>
  refusedBy({ authenticate: () => ({ kind: 'deny', reasonCode, reason: 'the policy says no' }) });
/** The first bytes of a connection. */
const bytesFirst = (bytes: Uint8Array): Scenario => ({
  at: 'address',
  run: (stage) => stage.sendBytes(stage.attach(), bytes),
});
/** An exchange of AUTH packets that has begun. */
const CONTINUE: BrokerOptions = {
  authenticate: () => ({ kind: 'continue', authenticationData: undefined, next: () => ALLOW_CONNECT }),
};
const withMethod = { properties: { authenticationMethod: 'METHOD' } };
const another = { clientId: 'another' };

/** Who is not let in, from the first byte to the CONNACK. */
export const CONNECT_REFUSALS: Scenarios = {
  'not-a-connect': bytesFirst(encodeUtf8('GET / HTTP/1.1\r\n')),
  'not-mqtt': bytesFirst(connectBytes(4, (bytes) => bytes.set(encodeUtf8('NOPE'), 4))),
  'unsupported-protocol-version': bytesFirst(
    connectBytes(4, (bytes) => {
      bytes[8] = 6;
    }),
  ),
  'invalid-connect-flags': bytesFirst(
    connectBytes(4, (bytes) => {
      bytes[9] = 0x18;
    }),
  ),
  'authentication-data-without-method': bytesFirst(
    hex('10 13 00 04 4d 51 54 54 05 02 00 00 04 16 00 01 61 00 02 69 74'),
  ),
  'connect-never-sent': {
    at: 'address',
    run: async (stage) => {
      stage.attach();
      await stage.clock.advance(11_000);
    },
  },
  'too-many-half-open': {
    at: 'address',
    settings: { 'limits.halfOpen': 1 },
    run: (stage) => {
      stage.attach();
      stage.attach();
    },
  },
  'connection-rate-exceeded': {
    at: 'address',
    settings: { 'limits.connectRate': 1 },
    run: (stage) => {
      for (let i = 0; i < 3; i++) stage.attach();
    },
  },
  'client-identifier-not-valid': { settings: { 'limits.clientIdBytes': 1 }, run: join },
  'bad-user-name-or-password': refusedBy({ authenticate: () => BAD_CREDENTIALS }),
  'not-authorized': {
    options: { authorize: () => 'deny' },
    run: async (stage) => {
      const will = { topic: 't', payload: new Uint8Array(0), qos: 0 as const, retain: false, properties: undefined };
      await stage.join(5, { will });
    },
  },
  'server-unavailable': refusedBy({
    authenticate: () => {
      throw new Error('the directory is away');
    },
  }),
  'server-busy': {
    settings: { 'limits.connections': 1 },
    run: async (stage) => {
      await stage.join(5, another);
      await stage.join();
    },
  },
  'too-many-open-files': {
    options: { openFiles: 65 },
    run: async (stage) => {
      await stage.join(5, another);
      await stage.join();
    },
  },
  'quota-exceeded': {
    settings: { 'sessions.max': 1 },
    run: async (stage) => {
      await stage.join(5, another);
      await stage.join();
    },
  },
  banned: {
    run: async (stage) => {
      stage.broker.bans.add('client:it', 'an operator said so');
      await stage.join();
    },
  },
  'bad-authentication-method': { run: (stage) => stage.join(5, withMethod).then(() => {}) },
  'connect-timeout': {
    options: CONTINUE,
    run: async (stage) => {
      await stage.join(5, withMethod);
      await stage.clock.advance(11_000);
    },
  },
  'authentication-method-missing': {
    options: CONTINUE,
    run: async (stage) => stage.sendBytes(await stage.join(5, withMethod), hex('f0 02 18 00')),
  },
  'not-connected': {
    options: CONTINUE,
    run: async (stage) => stage.sendBytes(await stage.join(5, withMethod), hex('30 04 00 01 61 00')),
  },
  'second-connect': {
    run: async (stage) => stage.send(await stage.join(), connectPacket(5)),
  },
  'unspecified-error': deniedWith(0x80),
  'malformed-packet': deniedWith(0x81),
  'implementation-specific-error': deniedWith(0x83),
  'retain-not-supported': deniedWith(0x9a),
  'qos-not-supported': deniedWith(0x9b),
  'use-another-server': deniedWith(0x9c),
  'server-moved': deniedWith(0x9d),
};
