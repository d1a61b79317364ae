import { describe, expect } from 'vitest';
import { field, framed, joined, utf8 } from './harness/bytes.ts';
import { connectPacket, filter, publish, subscribe } from './harness/packets.ts';
import type { Peer } from './harness/peer.ts';
import { type Run, suite } from './harness/statement.ts';

const statement = suite();

const header = { 3: joined(field('MQIsdp'), 3), 4: joined(field('MQTT'), 4), 5: joined(field('MQTT'), 5) } as const;
const noProperties = { 3: '', 4: '', 5: '00' } as const;

interface Parts {
  readonly flags: number;
  readonly properties?: string | Uint8Array;
  readonly payload?: readonly (Uint8Array | string)[];
  readonly firstByte?: number;
  readonly head?: Uint8Array;
}

/** A CONNECT to the byte; the Client Identifier comes first in the payload. */
function connectBytes(run: Run, { flags, properties, payload = [], firstByte = 0x10, head }: Parts): Uint8Array {
  const withLength = (bytes: Uint8Array): Uint8Array => joined(bytes.length, bytes);
  const list = run.version !== 5 ? '' : properties === undefined ? '00' : withLength(joined(properties));
  return framed(firstByte, head ?? header[run.version], flags, '00 3c', list, field(run.id('c')), ...payload);
}

/** The CONNECT is refused: in 5.0 with a CONNACK and this Reason Code, in 3.x by the end, or a CONNACK with the code given. */
async function expectRefused(peer: Peer, reasonCode: number, returnCode?: number): Promise<void> {
  const said = peer.version === 5 ? reasonCode : returnCode;
  if (said !== undefined) await peer.expect('connack', { reasonCode: said, sessionPresent: false });
  await peer.expectClosed();
}

function refuses(tags: string, words: string, reasonCode: number, parts: (run: Run) => Parts): void {
  statement(tags, words, async (run) => {
    const peer = await run.open();
    peer.send(connectBytes(run, parts(run)));
    await expectRefused(peer, reasonCode);
  });
}

const MALFORMED = 0x81;
const PROTOCOL = 0x82;

describe('the first packet', () => {
  statement(
    'MQTT31 MQTT311-3.1.0-1 MQTT5-3.1.0-1',
    'anything but CONNECT at first is refused in silence',
    async (run) => {
      for (const bytes of ['c0 00', 'e0 00', framed(0x30, field('a'), noProperties[run.version]), '20 02 00 00']) {
        const peer = await run.open();
        peer.send(bytes);
        await peer.expectClosed();
      }
    },
  );

  statement('MQTT5-3.1.0-1 MQTT5-4.12.0-7', 'AUTH before CONNECT is refused', async ({ open }) => {
    const peer = await open();
    peer.send('f0 02 18 00');
    await peer.expectClosed();
  });

  statement(
    'MQTT31 MQTT311-3.1.0-2 MQTT5-3.1.0-2 MQTT5-3.2.0-2',
    'a second CONNECT ends the connection',
    async (run) => {
      const peer = await run.connect();
      peer.send(connectPacket(run.version, { clientId: run.id('again') }));
      await peer.expectDisconnected(PROTOCOL);
    },
  );

  statement('MQTT31 MQTT311-3.2.0-1 MQTT5-3.2.0-1', 'CONNACK comes first, whatever was sent at once', async (run) => {
    const peer = await run.open();
    const topic = run.topic('t');
    const { version } = run;
    peer.send(
      connectPacket(version, { clientId: run.id('c') }),
      subscribe(1, [filter(topic)]),
      publish(topic, 'x'),
      'c0 00',
    );
    await peer.expect('connack', { reasonCode: 0 });
    await peer.expect('suback');
    await peer.expect('publish', { text: 'x' });
    await peer.expect('pingresp');
  });

  statement('MQTT31 MQTT311 MQTT5', 'a CONNECT in single bytes is read', async (run) => {
    const peer = await run.open();
    for (const byte of connectBytes(run, { flags: 2 })) peer.send(Uint8Array.of(byte));
    await peer.expect('connack', { reasonCode: 0 });
  });
});

describe('protocol name and version', () => {
  statement('MQTT311-3.1.2-1', 'an unknown Protocol Name is closed without an answer', async (run) => {
    for (const name of ['MQTX', 'mqtt', 'MQTTT', '']) {
      const peer = await run.open();
      peer.send(connectBytes(run, { flags: 2, head: joined(field(name), 4) }));
      await peer.expectClosed();
    }
  });

  statement('MQTT5-3.1.2-1', 'an unknown Protocol Name is closed', async (run) => {
    const peer = await run.open();
    peer.send(connectBytes(run, { flags: 2, head: joined(field('MQTX'), 5) }));
    await peer.expectClosed();
  });

  statement(
    'MQTT31 MQTT311-3.1.2-2 MQTT311-3.2.2-4 MQTT311-3.2.2-5',
    'an unknown level below 5 gets the CONNACK of 3.x with 0x01',
    async (run) => {
      for (const head of [
        joined(field('MQTT'), 3),
        joined(field('MQTT'), 1),
        joined(field('MQTT'), 0),
        joined(field('MQIsdp'), 4),
        joined(field('MQIsdp'), 2),
      ]) {
        const peer = await run.open();
        peer.send(connectBytes(run, { flags: 2, head }));
        await peer.expectBytes('20 02 00 01');
        await peer.expectClosed();
      }
    },
  );

  statement(
    'MQTT5-3.1.2-2 MQTT5-3.2.2-6 MQTT5-3.2.2-7',
    'a level above 5 gets the CONNACK of 5.0 with 0x84',
    async (run) => {
      for (const level of [6, 7, 100]) {
        const peer = await run.open();
        peer.send(connectBytes(run, { flags: 2, head: joined(field('MQTT'), level) }));
        await peer.expect('connack', { reasonCode: 0x84, sessionPresent: false });
        await peer.expectClosed();
      }
    },
  );
});

describe('what CONNECT must look like', () => {
  refuses('MQTT311-3.1.2-3 MQTT311-3.2.2-6 MQTT5-3.1.2-3', 'the reserved Connect Flag is refused', MALFORMED, () => ({
    flags: 3,
  }));
  refuses('MQTT31 MQTT311-3.1.2-14 MQTT5-3.1.2-12', 'Will QoS 3 is refused', MALFORMED, ({ version }) => ({
    flags: 0x1e,
    payload: [noProperties[version], field('w'), field('x')],
  }));
  refuses('MQTT311-3.1.2-13 MQTT311-3.1.2-11 MQTT5-3.1.2-11', 'Will QoS without a Will is refused', MALFORMED, () => ({
    flags: 0x0a,
  }));
  refuses(
    'MQTT311-3.1.2-15 MQTT311-3.1.2-11 MQTT5-3.1.2-13',
    'Will Retain without a Will is refused',
    MALFORMED,
    () => ({ flags: 0x22 }),
  );
  refuses('MQTT31 MQTT311-3.1.2-9 MQTT5-3.1.2-9', 'a Will Flag without a Will is refused', MALFORMED, () => ({
    flags: 0x06,
  }));
  refuses('MQTT31 MQTT311-3.1.2-9 MQTT5-3.1.2-9', 'a Will without a payload is refused', MALFORMED, ({ version }) => ({
    flags: 0x06,
    payload: [noProperties[version], field('w')],
  }));
  refuses('MQTT31 MQTT311-4.7.3-1 MQTT5-4.7.3-1', 'an empty Will Topic is refused', MALFORMED, ({ version }) => ({
    flags: 0x06,
    payload: [noProperties[version], field(''), field('x')],
  }));
  refuses(
    'MQTT31 MQTT311-4.7.1-1 MQTT5-4.7.0-1',
    'a Will Topic with a wildcard is refused',
    MALFORMED,
    ({ version }) => ({
      flags: 0x06,
      payload: [noProperties[version], field('a/#'), field('x')],
    }),
  );
  refuses(
    'MQTT31 MQTT311-3.1.3-10 MQTT5-3.1.3-11',
    'a Will Topic that is no UTF-8 is refused',
    MALFORMED,
    ({ version }) => ({
      flags: 0x06,
      payload: [noProperties[version], field(joined('c3 28')), field('x')],
    }),
  );
  refuses(
    'MQTT31 MQTT311-3.1.2-11 MQTT311-3.1.4-1 MQTT5-3.1.4-1',
    'a Will without a Will Flag is refused',
    MALFORMED,
    ({ version }) => ({
      flags: 0x02,
      payload: [noProperties[version], field('w'), field('x')],
    }),
  );
  refuses('MQTT31 MQTT311-3.1.2-18 MQTT5-3.1.2-16', 'a User Name without its flag is refused', MALFORMED, () => ({
    flags: 0x02,
    payload: [field('user')],
  }));
  refuses('MQTT311-3.1.2-19 MQTT5-3.1.2-17', 'a User Name Flag without a User Name is refused', MALFORMED, () => ({
    flags: 0x82,
  }));
  refuses('MQTT31 MQTT311-3.1.2-20 MQTT5-3.1.2-18', 'a Password without its flag is refused', MALFORMED, () => ({
    flags: 0x82,
    payload: [field('user'), field('password')],
  }));
  refuses('MQTT311-3.1.2-21 MQTT5-3.1.2-19', 'a Password Flag without a Password is refused', MALFORMED, () => ({
    flags: 0xc2,
    payload: [field('user')],
  }));
  refuses('MQTT31 MQTT311-3.1.2-22', 'a Password without a User Name is refused', MALFORMED, () => ({
    flags: 0x42,
    payload: [field('secret')],
  }));
  refuses('MQTT31 MQTT311-3.1.3-11 MQTT5-3.1.3-12', 'a User Name that is no UTF-8 is refused', MALFORMED, () => ({
    flags: 0x82,
    payload: [field(joined('ff'))],
  }));
  refuses('MQTT31 MQTT311-3.1.4-1 MQTT5-3.1.4-1', 'bytes behind the payload are refused', MALFORMED, () => ({
    flags: 2,
    payload: ['00'],
  }));
  statement('MQTT31 MQTT311-3.1.3-4 MQTT5-3.1.3-4', 'a Client Identifier that is no UTF-8 is refused', async (run) => {
    const peer = await run.open();
    peer.send(framed(0x10, header[run.version], 2, '00 3c', noProperties[run.version], field(joined('61 ff'))));
    await expectRefused(peer, MALFORMED);
  });
  statement('MQTT31 MQTT311-3.1.3-3 MQTT5-3.1.3-3', 'a CONNECT without a Client Identifier is refused', async (run) => {
    const peer = await run.open();
    peer.send(framed(0x10, header[run.version], 2, '00 3c', noProperties[run.version]));
    await expectRefused(peer, MALFORMED);
  });
  for (const [words, properties, reasonCode] of [
    ['Receive Maximum 0', '21 00 00', PROTOCOL],
    ['Maximum Packet Size 0', '27 00 00 00 00', PROTOCOL],
    ['Request Problem Information 2', '17 02', PROTOCOL],
    ['Request Response Information 2', '19 02', PROTOCOL],
    ['Session Expiry Interval twice', '11 00 00 00 01 11 00 00 00 01', PROTOCOL],
    ['a property of PUBLISH', '01 01', MALFORMED],
    ['a property that does not exist', '7e 01', MALFORMED],
    ['a property that is cut off', '11 00 00', MALFORMED],
  ] as const) {
    refuses('MQTT5-3.1.4-1', `${words} is refused`, reasonCode, () => ({ flags: 2, properties }));
  }
  refuses('MQTT5-3.1.4-1', 'Authentication Data without a method is refused', PROTOCOL, () => ({
    flags: 2,
    properties: '16 00 01 61',
  }));
  refuses('MQTT5-3.1.4-1', 'Will Delay Interval twice is refused', PROTOCOL, () => ({
    flags: 6,
    payload: ['0a 18 00 00 00 01 18 00 00 00 01', field('w'), field('x')],
  }));
  refuses('MQTT5', 'Payload Format Indicator 2 of a Will is refused', PROTOCOL, () => ({
    flags: 6,
    payload: ['02 01 02', field('w'), field('x')],
  }));
  statement('MQTT311-2.2.2-2 MQTT5-2.1.3-1', 'other flags in the first byte end the connection', async (run) => {
    const peer = await run.open();
    peer.send(connectBytes(run, { flags: 2, firstByte: 0x1f }));
    if (run.version === 5) await peer.expect('connack', { reasonCode: 0x81 });
    await peer.expectClosed();
  });
  statement('MQTT31', 'the flags in the first byte are not used: any are taken', async (run) => {
    for (const firstByte of [0x11, 0x16, 0x18, 0x1f]) {
      const peer = await run.open();
      peer.send(connectBytes(run, { flags: 2, firstByte }));
      await peer.expect('connack', { reasonCode: 0 });
    }
  });

  statement('MQTT311-3.1.3-1 MQTT5-3.1.3-1 MQTT31', 'the payload is read in its order', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('will'));
    const peer = await run.open();
    const payload = [
      noProperties[run.version],
      field(run.topic('will')),
      field('last words'),
      field('user'),
      field('secret'),
    ];
    peer.send(connectBytes(run, { flags: 0xc6, payload }));
    await peer.expect('connack', { reasonCode: 0 });
    await peer.cut();
    await watcher.expect('publish', { text: 'last words' });
  });
  statement('MQTT5', 'a Password without a User Name is accepted', async (run) => {
    const peer = await run.open();
    peer.send(connectBytes(run, { flags: 0x42, payload: [field('secret')] }));
    await peer.expect('connack', { reasonCode: 0 });
  });
});

describe('what 3.1 leaves open', () => {
  statement('MQTT31', 'credentials that are announced and not there, and the unused flag, are borne', async (run) => {
    for (const flags of [0x82, 0xc2, 0x03]) {
      const peer = await run.open();
      peer.send(connectBytes(run, { flags }));
      await peer.expectBytes('20 02 00 00');
    }
  });
});

describe('Client Identifier', () => {
  statement('MQTT31 MQTT311-3.1.3-5 MQTT5-3.1.3-5', '1 to 23 letters and digits are accepted', async (run) => {
    for (const clientId of ['0', 'abcdefghijklmnopqrstuvw', 'xyzABCDEFGHIJKLMNOPQRST', 'UVWXYZ0123456789']) {
      const peer = await run.open();
      peer.send(connectPacket(run.version, { clientId }));
      const answer = await peer.next();
      // Another run may have taken it over meanwhile; being accepted is what counts.
      expect(answer).toMatchObject({ type: 'connack', reasonCode: 0 });
    }
  });
  statement('MQTT311-3.1.3-4 MQTT5-3.1.3-4', 'any UTF-8, and long ones, are accepted', async (run) => {
    await run.connect({ clientId: run.id(' $#+/ü 锚 🚢') });
    await run.connect({ clientId: run.id('x'.repeat(60_000)) });
  });
  statement('MQTT31', 'more than 23 characters are refused with 2', async (run) => {
    const peer = await run.open();
    peer.send(connectPacket(3, { clientId: 'x'.repeat(24) }));
    await peer.expectBytes('20 02 00 02');
    await peer.expectClosed();
  });
  statement('MQTT31', 'an empty one is refused with 2', async (run) => {
    for (const cleanStart of [true, false]) {
      const peer = await run.open();
      peer.send(connectPacket(3, { clientId: '', cleanStart }));
      await peer.expectBytes('20 02 00 02');
      await peer.expectClosed();
    }
  });
  statement(
    'MQTT311-3.1.3-8 MQTT311-3.1.3-9 MQTT311-3.1.3-7',
    'an empty one with Clean Session 0 is refused with 2',
    async (run) => {
      const peer = await run.open();
      peer.send(connectPacket(4, { clientId: '', cleanStart: false }));
      await peer.expectBytes('20 02 00 02');
      await peer.expectClosed();
    },
  );
  statement('MQTT311-3.1.3-6', 'an empty one with Clean Session 1 gets one of its own', async (run) => {
    const one = await run.connect({ clientId: '' });
    const two = await run.connect({ clientId: '' });
    await one.expectNothing();
    await two.expectNothing();
  });
  statement(
    'MQTT5-3.1.3-6 MQTT5-3.1.3-7 MQTT5-3.2.2-16',
    'an empty one is assigned and told, and it works',
    async (run) => {
      for (const cleanStart of [true, false]) {
        const peer = await run.connect({ clientId: '', cleanStart, properties: { sessionExpiryInterval: 30 } });
        const assigned = peer.connack?.properties?.assignedClientIdentifier;
        expect(assigned).toMatch(/^.+$/);
        const other = await run.connect({ clientId: '' });
        expect(other.connack?.properties?.assignedClientIdentifier).not.toBe(assigned);
        await peer.disconnect();
        const again = await run.connect({ clientId: assigned ?? '', cleanStart: false });
        expect(again.connack).toMatchObject({ sessionPresent: true });
        expect(again.connack?.properties?.assignedClientIdentifier).toBeUndefined();
      }
    },
  );
});

describe('CONNACK and Session Present', () => {
  statement('MQTT31 MQTT311-3.1.4-4 MQTT311-3.2.2-1', 'CONNACK of a new session, to the byte', async (run) => {
    const peer = await run.open();
    peer.send(connectPacket(run.version, { clientId: run.id('c') }));
    await peer.expectBytes('20 02 00 00');
  });

  statement(
    'MQTT5-3.2.2-1 MQTT5-3.2.2-8 MQTT5-3.2.2-2',
    'CONNACK has no reserved flags and the code 0',
    async (run) => {
      const { connack } = await run.connect();
      expect(connack?.bytes[0]).toBe(0x20);
      expect([...(connack?.bytes.subarray(2, 4) ?? [])]).toEqual([0, 0]);
    },
  );

  statement(
    'MQTT311-3.1.2-6 MQTT311-3.1.4-3 MQTT311-3.2.2-1 MQTT5-3.1.2-4 MQTT5-3.1.4-4 MQTT5-3.2.2-2',
    'Clean Start 1 discards the session: Session Present 0, its subscriptions are gone',
    async (run) => {
      const fields = kept(run, 'c');
      const first = await run.connect(fields);
      await run.subscribe(first, run.topic('t'), 1);
      await first.disconnect();
      const second = await run.connect({ ...fields, cleanStart: true });
      expect(second.connack?.sessionPresent).toBe(false);
      await run.publish(second, run.topic('t'), 'x', { qos: 1 });
      await second.expectNothing();
    },
  );

  statement('MQTT31', 'a clean session discards the one before', async (run) => {
    const first = await run.connect({ ...kept(run, 'c') });
    await run.subscribe(first, run.topic('t'), 1);
    await first.disconnect();
    const second = await run.connect({ clientId: run.id('c') });
    await run.publish(second, run.topic('t'), 'x', { qos: 1 });
    await second.expectNothing();
  });

  statement(
    'MQTT311-3.1.2-4 MQTT311-3.2.2-2 MQTT311-3.1.3-2 MQTT5-3.1.2-5 MQTT5-3.2.2-3 MQTT5-3.1.3-2 MQTT5-3.1.2-23',
    'Clean Start 0 resumes the session of the Client Identifier: Session Present 1',
    async (run) => {
      const fields = kept(run, 'c');
      const first = await run.connect(fields);
      expect(first.connack?.sessionPresent).toBe(false);
      await run.subscribe(first, run.topic('t'), 1);
      await first.disconnect();
      const other = await run.connect(kept(run, 'other'));
      expect(other.connack?.sessionPresent).toBe(false);
      await run.publish(other, run.topic('t'), 'x', { qos: 1 });
      const second = await run.connect(fields);
      expect(second.connack?.sessionPresent).toBe(true);
      await second.expect('publish', { text: 'x' });
    },
  );

  statement(
    'MQTT311-3.2.2-2 MQTT5-3.2.2-3',
    'Session Present is 1 for a session without subscriptions',
    async (run) => {
      await (await run.connect(kept(run, 'c'))).disconnect();
      const second = await run.connect(kept(run, 'c'));
      expect(second.connack?.sessionPresent).toBe(true);
    },
  );

  statement('MQTT31', 'there is no Session Present in 3.1', async (run) => {
    await (await run.connect(kept(run, 'c'))).disconnect();
    const second = await run.open();
    second.send(connectPacket(3, kept(run, 'c')));
    await second.expectBytes('20 02 00 00');
  });

  statement(
    'MQTT311-3.2.2-3 MQTT5-3.1.2-6 MQTT5-3.2.2-3',
    'Clean Start 0 without a session makes one: Session Present 0',
    async (run) => {
      const peer = await run.connect(kept(run, 'c'));
      expect(peer.connack?.sessionPresent).toBe(false);
      await peer.expectNothing();
    },
  );

  statement('MQTT311-3.1.2-6', 'a session with Clean Session 1 ends with its connection', async (run) => {
    await (await run.connect({ clientId: run.id('c') })).disconnect();
    const second = await run.connect(kept(run, 'c'));
    expect(second.connack?.sessionPresent).toBe(false);
  });

  statement('MQTT5-4.1.0-2', 'a session with Session Expiry Interval 0 ends with its connection', async (run) => {
    await (await run.connect({ clientId: run.id('c'), cleanStart: false })).cut();
    const second = await run.connect({ clientId: run.id('c'), cleanStart: false });
    expect(second.connack?.sessionPresent).toBe(false);
  });

  statement('MQTT311-3.1.4-5 MQTT5-3.1.4-6 MQTT31', 'what follows a refused CONNECT is not handled', async (run) => {
    const watcher = await run.connect();
    await run.subscribe(watcher, run.topic('t'));
    const peer = await run.open();
    peer.send(connectBytes(run, { flags: 2, payload: ['00'] }), publish(run.topic('t'), 'x'));
    await expectRefused(peer, MALFORMED);
    await watcher.expectNothing();
  });

  statement('MQTT5-3.1.2-28', 'no Response Information where none is configured or asked for', async ({ connect }) => {
    const peer = await connect({ properties: { requestResponseInformation: true } });
    expect(peer.connack?.properties?.responseInformation).toBeUndefined();
    const other = await connect({ properties: { requestResponseInformation: false } });
    expect(other.connack?.properties?.responseInformation).toBeUndefined();
  });

  statement('MQTT5-4.12.0-1', 'an authentication method that is not known is refused with 0x8C', async (run) => {
    const peer = await run.open();
    peer.send(
      connectPacket(5, {
        clientId: run.id('c'),
        properties: { authenticationMethod: 'X-NONE', authenticationData: utf8('x') },
      }),
    );
    await expectRefused(peer, 0x8c);
  });

  statement(
    'MQTT5-4.12.0-6 MQTT5-4.12.0-7',
    'AUTH from a client whose CONNECT had no method is refused',
    async (run) => {
      const peer = await run.connect();
      expect(peer.connack?.properties?.authenticationMethod).toBeUndefined();
      peer.send({ type: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'X' } });
      await peer.expectDisconnected(PROTOCOL);
    },
  );

  statement('MQTT31 MQTT311 MQTT5', 'credentials are ignored where nobody checks them', async (run) => {
    await run.connect({ username: 'anybody', password: utf8('anything') });
  });
});

describe('takeover', () => {
  statement(
    'MQTT31 MQTT311-3.1.4-2 MQTT5-3.1.4-3',
    'a second connection with the Client Identifier cuts off the first, with 0x8E in 5.0',
    async (run) => {
      const first = await run.connect({ clientId: run.id('c') });
      const second = await run.connect({ clientId: run.id('c') });
      await first.expectDisconnected(0x8e);
      await second.expectNothing();
    },
  );
  statement(
    'MQTT31 MQTT311-3.1.2-8 MQTT5-3.1.2-8',
    'takeover publishes the Will of the connection before',
    async (run) => {
      const watcher = await run.connect();
      await run.subscribe(watcher, run.topic('will'));
      for (const cleanStart of [true, false]) {
        const first = await run.connect({
          clientId: run.id('c'),
          will: { topic: run.topic('will'), payload: `clean ${cleanStart}` },
        });
        const second = await run.connect({ clientId: run.id('c'), cleanStart });
        await first.expectDisconnected(0x8e);
        await watcher.expect('publish', { text: `clean ${cleanStart}` });
        await second.disconnect();
      }
    },
  );
  statement(
    'MQTT311-3.1.2-4 MQTT5-3.1.2-5 MQTT31',
    'the session goes over to the second connection with its messages',
    async (run) => {
      const first = await run.connect(kept(run, 'c'));
      await run.subscribe(first, run.topic('t'), 1);
      const second = await run.connect(kept(run, 'c'));
      await first.expectDisconnected(0x8e);
      await run.publish(second, run.topic('t'), 'x', { qos: 0 }).catch(() => {});
      const third = await run.connect(kept(run, 'c'));
      if (run.version > 3) expect(third.connack?.sessionPresent).toBe(true);
    },
  );
});

function kept(run: Run, name: string) {
  return {
    clientId: run.id(name),
    cleanStart: false,
    properties: run.version === 5 ? { sessionExpiryInterval: 300 } : undefined,
  };
}
