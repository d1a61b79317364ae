import { describe } from 'vitest';
import { field, framed, joined, utf8 } from './harness/bytes.ts';
import { filter, publish, subscribe } from './harness/packets.ts';
import { suite } from './harness/statement.ts';

const statement = suite();

const MALFORMED = 0x81;
const PROTOCOL = 0x82;

/** Bytes that a connected client must not send, in 5.0 and below, and the Reason Code that 5.0 is told. */
function refuses(tags: string, words: string, reasonCode: number, five: Uint8Array | string, three = five): void {
  statement(tags, words, async ({ connect, version }) => {
    const peer = await connect();
    peer.send(version === 5 ? five : three);
    await peer.expectDisconnected(reasonCode);
  });
}

const id = '00 01';
const noProperties = '00';
const topic = field('a/b');

describe('fixed header', () => {
  for (const [name, firstByte] of [
    ['PUBACK', 0x40],
    ['PUBREC', 0x50],
    ['PUBCOMP', 0x70],
  ] as const) {
    for (const flags of [1, 2, 4, 8]) {
      refuses(
        'MQTT31 MQTT311-2.2.2-1 MQTT311-2.2.2-2 MQTT5-2.1.3-1',
        `${name} with the reserved bits ${flags} is refused`,
        MALFORMED,
        framed(firstByte | flags, id),
      );
    }
  }
  for (const flags of [0, 1, 3, 6, 10]) {
    const tag31 = flags === 0 || flags === 1 || flags === 6 ? 'MQTT31 ' : '';
    refuses(
      `${tag31}MQTT311-3.6.1-1 MQTT5-3.6.1-1`,
      `PUBREL with the flags ${flags} is refused`,
      MALFORMED,
      framed(0x60 | flags, id),
    );
    refuses(
      `${tag31}MQTT311-3.8.1-1 MQTT5-3.8.1-1`,
      `SUBSCRIBE with the flags ${flags} is refused`,
      MALFORMED,
      framed(0x80 | flags, id, noProperties, topic, '00'),
      framed(0x80 | flags, id, topic, '00'),
    );
    refuses(
      `${tag31}MQTT311-3.10.1-1 MQTT5-3.10.1-1`,
      `UNSUBSCRIBE with the flags ${flags} is refused`,
      MALFORMED,
      framed(0xa0 | flags, id, noProperties, topic),
      framed(0xa0 | flags, id, topic),
    );
  }
  for (const flags of [1, 2, 4, 8, 15]) {
    refuses(
      'MQTT31 MQTT311-2.2.2-2 MQTT5-2.1.3-1',
      `PINGREQ with the reserved bits ${flags} is refused`,
      MALFORMED,
      framed(0xc0 | flags),
    );
    refuses(
      'MQTT31 MQTT311-3.14.1-1 MQTT5-3.14.1-1',
      `DISCONNECT with the reserved bits ${flags} is refused`,
      MALFORMED,
      framed(0xe0 | flags),
    );
    refuses(
      'MQTT5-3.15.1-1',
      `AUTH with the reserved bits ${flags} is refused`,
      MALFORMED,
      framed(0xf0 | flags, '18 00'),
    );
  }
  refuses('MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1', 'PINGREQ with a body is refused', MALFORMED, 'c0 01 00');
  refuses(
    'MQTT31 MQTT311-3.3.1-4 MQTT5-3.3.1-4',
    'PUBLISH with QoS 3 is refused',
    MALFORMED,
    framed(0x36, topic, id, noProperties),
  );
  refuses(
    'MQTT31 MQTT311-3.3.1-2 MQTT5-3.3.1-2',
    'PUBLISH with DUP at QoS 0 is refused',
    MALFORMED,
    framed(0x38, topic, noProperties, utf8('x')),
  );
  refuses('MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1', 'packet type 0 is refused', PROTOCOL, '00 00');
  refuses('MQTT31 MQTT311-4.8.0-1', 'packet type 15 does not exist before 5.0', MALFORMED, 'f0 00');
  refuses(
    'MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1',
    'a Remaining Length of five bytes is refused',
    MALFORMED,
    '30 ff ff ff ff 01',
  );
  refuses(
    'MQTT5-1.5.5-1 MQTT5',
    'a Property Length that is longer than it need be is refused',
    MALFORMED,
    framed(0x30, topic, '80 00', utf8('x')),
  );

  for (const [name, bytes] of [
    ['CONNACK', '20 02 00 00'],
    ['SUBACK', framed(0x90, id, '00 00')],
    ['UNSUBACK', framed(0xb0, id, '00 00')],
    ['PINGRESP', 'd0 00'],
  ] as const) {
    refuses('MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1', `${name} from a client is refused`, PROTOCOL, bytes);
  }
});

describe('strings', () => {
  /** A string that is no UTF-8 as MQTT wants it, wherever one may stand. */
  function refusesString(tags: string, words: string, hex: string): void {
    const string = field(joined(hex));
    const all = `MQTT31 ${tags}`;
    refuses(
      `${all} MQTT311-3.3.2-1 MQTT5-3.3.2-1`,
      `${words}: a Topic Name`,
      MALFORMED,
      framed(0x30, string, noProperties),
      framed(0x30, string),
    );
    refuses(
      `${all} MQTT311-3.8.3-1 MQTT5-3.8.3-1`,
      `${words}: a Topic Filter`,
      MALFORMED,
      framed(0x82, id, noProperties, string, '00'),
      framed(0x82, id, string, '00'),
    );
    refuses(
      `${all} MQTT311-3.10.3-1 MQTT5-3.10.3-1`,
      `${words}: a Topic Filter of UNSUBSCRIBE`,
      MALFORMED,
      framed(0xa2, id, noProperties, string),
      framed(0xa2, id, string),
    );
    const five = tags
      .split(' ')
      .filter((tag) => tag.startsWith('MQTT5'))
      .join(' ');
    const withProperty = (property: Uint8Array): Uint8Array =>
      framed(0x30, topic, property.length, property, utf8('x'));
    refuses(
      `${five} MQTT5-1.5.7-1`,
      `${words}: the name of a User Property`,
      MALFORMED,
      withProperty(joined('26', string, field('v'))),
    );
    refuses(
      `${five} MQTT5-1.5.7-1`,
      `${words}: the value of a User Property`,
      MALFORMED,
      withProperty(joined('26', field('n'), string)),
    );
    refuses(`${five} MQTT5-3.3.2-19`, `${words}: a Content Type`, MALFORMED, withProperty(joined('03', string)));
    refuses(`${five} MQTT5-3.3.2-13`, `${words}: a Response Topic`, MALFORMED, withProperty(joined('08', string)));
  }

  refusesString(
    'MQTT311-1.5.3-2 MQTT5-1.5.4-2 MQTT311-4.7.3-2 MQTT5-4.7.3-2',
    'U+0000 in a string is refused',
    '61 00 62',
  );
  refusesString('MQTT311-1.5.3-1 MQTT5-1.5.4-1', 'a surrogate in a string is refused', '61 ed a0 80');
  refusesString('MQTT311-1.5.3-1 MQTT5-1.5.4-1', 'half of a character in a string is refused', '61 c3');
  refusesString('MQTT311-1.5.3-1 MQTT5-1.5.4-1', 'a character in too many bytes is refused', 'c0 af');
  refusesString('MQTT311-1.5.3-1 MQTT5-1.5.4-1', 'a character beyond Unicode is refused', 'f4 90 80 80');

  statement('MQTT31 MQTT311-1.5.3-3 MQTT5-1.5.4-3', 'U+FEFF in a topic is kept', async (run) => {
    const peer = await run.connect();
    const topicName = run.topic('\uFEFFa\uFEFF');
    await run.subscribe(peer, topicName);
    peer.send(publish(topicName, 'x'));
    await peer.expect('publish', { topic: topicName });
    peer.send(publish(run.topic('a'), 'y'));
    await peer.expectNothing();
  });

  statement('MQTT31 MQTT311 MQTT5', 'control characters and non-characters in strings are accepted', async (run) => {
    const peer = await run.connect();
    const topicName = run.topic('\u0001\u007f\uffff\u{1ffff}');
    await run.subscribe(peer, topicName);
    peer.send(publish(topicName, 'x'));
    await peer.expect('publish', { topic: topicName });
  });

  statement('MQTT31 MQTT311-4.7.3-3 MQTT5-4.7.3-3', 'a topic of 65,535 bytes is carried', async (run) => {
    const peer = await run.connect();
    const prefix = run.topic('');
    const topicName = prefix + 'x'.repeat(65_535 - prefix.length);
    await run.subscribe(peer, topicName);
    peer.send(publish(topicName, 'x'));
    await peer.expect('publish', { topic: topicName });
  });
});

describe('PUBLISH', () => {
  refuses(
    'MQTT31 MQTT311-4.7.3-1 MQTT5-4.7.3-1',
    'PUBLISH without a topic is refused',
    PROTOCOL,
    framed(0x30, '00 00', noProperties),
    framed(0x30, '00 00'),
  );
  for (const name of ['a/+', 'a/#', '+', '#', 'a+b']) {
    refuses(
      'MQTT31 MQTT311-3.3.2-2 MQTT311-4.7.1-1 MQTT5-3.3.2-2 MQTT5-4.7.0-1',
      `PUBLISH to ${name} is refused`,
      MALFORMED,
      framed(0x30, field(name), noProperties),
      framed(0x30, field(name)),
    );
  }
  refuses(
    'MQTT31 MQTT311-2.3.1-1 MQTT5-2.2.1-3',
    'PUBLISH with Packet Identifier 0 is refused',
    PROTOCOL,
    framed(0x32, topic, '00 00', noProperties),
    framed(0x32, topic, '00 00'),
  );
  refuses(
    'MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1',
    'PUBLISH that ends in its topic is refused',
    MALFORMED,
    framed(0x30, '00 05 61 62'),
  );
  refuses(
    'MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1',
    'PUBLISH that ends in its Packet Identifier is refused',
    MALFORMED,
    framed(0x32, topic, '00'),
  );
  const withProperties = (...property: (string | Uint8Array)[]): Uint8Array => {
    const properties = joined(...property);
    return framed(0x30, topic, properties.length, properties, utf8('x'));
  };
  refuses('MQTT5-3.3.4-6', 'a Subscription Identifier from a client is refused', PROTOCOL, withProperties('0b 01'));
  for (const name of ['a/+', 'a/#', '#']) {
    refuses('MQTT5-3.3.2-14', `a Response Topic ${name} is refused`, PROTOCOL, withProperties('08', field(name)));
  }
  refuses('MQTT5', 'Payload Format Indicator 2 is refused', PROTOCOL, withProperties('01 02'));
  refuses('MQTT5', 'a property twice is refused', PROTOCOL, withProperties('01 01 01 01'));
  refuses('MQTT5', 'a property of another packet is refused', MALFORMED, withProperties('21 00 01'));
  refuses('MQTT5', 'a property that does not exist is refused', MALFORMED, withProperties('7f 01'));
  refuses('MQTT5', 'properties longer than the packet are refused', MALFORMED, framed(0x30, topic, '7f 01'));
  refuses('MQTT5-2.2.2-1', 'PUBLISH without a Property Length is refused', MALFORMED, framed(0x30, topic));
});

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  refuses(
    'MQTT31 MQTT311-3.8.3-3 MQTT5-3.8.3-2',
    'SUBSCRIBE without a Topic Filter is refused',
    PROTOCOL,
    framed(0x82, id, noProperties),
    framed(0x82, id),
  );
  refuses(
    'MQTT31 MQTT311-3.10.3-2 MQTT5-3.10.3-2',
    'UNSUBSCRIBE without a Topic Filter is refused',
    PROTOCOL,
    framed(0xa2, id, noProperties),
    framed(0xa2, id),
  );
  refuses(
    'MQTT31 MQTT311-2.3.1-1 MQTT5-2.2.1-3',
    'SUBSCRIBE with Packet Identifier 0 is refused',
    MALFORMED,
    framed(0x82, '00 00', noProperties, topic, '00'),
    framed(0x82, '00 00', topic, '00'),
  );
  refuses(
    'MQTT31 MQTT311-2.3.1-1 MQTT5-2.2.1-3',
    'UNSUBSCRIBE with Packet Identifier 0 is refused',
    MALFORMED,
    framed(0xa2, '00 00', noProperties, topic),
    framed(0xa2, '00 00', topic),
  );
  refuses(
    'MQTT31 MQTT311-4.7.3-1 MQTT5-4.7.3-1',
    'an empty Topic Filter is refused',
    MALFORMED,
    framed(0x82, id, noProperties, '00 00 00'),
    framed(0x82, id, '00 00 00'),
  );
  for (const name of ['a/#/b', '#a', 'a#', 'a/b#', '##']) {
    refuses(
      'MQTT31 MQTT311-4.7.1-2 MQTT5-4.7.1-1',
      `the Topic Filter ${name} is refused`,
      MALFORMED,
      framed(0x82, id, noProperties, field(name), '00'),
      framed(0x82, id, field(name), '00'),
    );
  }
  for (const name of ['a+', '+a', 'a/b+/c', '++']) {
    refuses(
      'MQTT31 MQTT311-4.7.1-3 MQTT5-4.7.1-2',
      `the Topic Filter ${name} is refused`,
      MALFORMED,
      framed(0x82, id, noProperties, field(name), '00'),
      framed(0x82, id, field(name), '00'),
    );
  }
  for (const name of ['$share//a', '$share/']) {
    const filterBytes = field(name);
    refuses(
      'MQTT31 MQTT311 MQTT5-4.8.2-1',
      `the Topic Filter ${name} without a ShareName is refused`,
      MALFORMED,
      framed(0x82, id, noProperties, filterBytes, '00'),
      framed(0x82, id, filterBytes, '00'),
    );
  }
  for (const name of ['$share/g', '$share/g/', '$share/g+/a', '$share/#/a', '$share/+/a']) {
    const filterBytes = field(name);
    refuses(
      'MQTT31 MQTT311 MQTT5-4.8.2-2',
      `the Topic Filter ${name} is refused`,
      MALFORMED,
      framed(0x82, id, noProperties, filterBytes, '00'),
      framed(0x82, id, filterBytes, '00'),
    );
  }
  refuses(
    'MQTT5-3.8.3-4',
    'No Local on a Shared Subscription is refused',
    PROTOCOL,
    framed(0x82, id, noProperties, field('$share/g/a'), '04'),
  );
  refuses('MQTT5', 'Retain Handling 3 is refused', PROTOCOL, framed(0x82, id, noProperties, topic, '30'));
  for (const options of ['40', '80', 'c0']) {
    refuses(
      'MQTT5-3.8.3-5',
      `the reserved option bits ${options} are refused`,
      MALFORMED,
      framed(0x82, id, noProperties, topic, options),
    );
  }
  refuses('MQTT5', 'a subscription with QoS 3 is refused', PROTOCOL, framed(0x82, id, noProperties, topic, '03'));
  for (const options of ['03', '04', '10', '80']) {
    refuses('MQTT311', `the options ${options} are refused`, MALFORMED, framed(0x82, id, topic, options));
  }
  refuses('MQTT31', 'a subscription with QoS 3 is refused', MALFORMED, framed(0x82, id, topic, '03'));
  refuses('MQTT5', 'Subscription Identifier 0 is refused', PROTOCOL, framed(0x82, id, '02 0b 00', topic, '00'));
  refuses(
    'MQTT5',
    'two Subscription Identifiers in one SUBSCRIBE are refused',
    PROTOCOL,
    framed(0x82, id, '04 0b 01 0b 02', topic, '00'),
  );
  refuses(
    'MQTT31 MQTT311 MQTT5',
    'SUBSCRIBE without options is refused',
    MALFORMED,
    framed(0x82, id, noProperties, topic),
    framed(0x82, id, topic),
  );
});

describe('acknowledgements', () => {
  for (const [name, firstByte] of [
    ['PUBACK', 0x40],
    ['PUBREC', 0x50],
    ['PUBREL', 0x62],
    ['PUBCOMP', 0x70],
  ] as const) {
    refuses(
      'MQTT31 MQTT311-2.3.1-1 MQTT5-2.2.1-3',
      `${name} with Packet Identifier 0 is refused`,
      PROTOCOL,
      framed(firstByte, '00 00'),
    );
    refuses(
      'MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1',
      `${name} that is cut off is refused`,
      MALFORMED,
      framed(firstByte, '00'),
    );
    refuses('MQTT31 MQTT311-4.8.0-1', `${name} that is too long is refused`, MALFORMED, framed(firstByte, '00 01 00'));
    refuses(
      'MQTT5-4.13.1-1',
      `${name} with bytes behind its properties is refused`,
      MALFORMED,
      framed(firstByte, '00 01 00 00 00'),
    );
  }
  for (const reasonCode of ['01', '04', '8d', 'ff']) {
    refuses(
      'MQTT5-3.4.2-1',
      `PUBACK with the Reason Code ${reasonCode} is refused`,
      PROTOCOL,
      framed(0x40, id, reasonCode),
    );
    refuses(
      'MQTT5-3.5.2-1',
      `PUBREC with the Reason Code ${reasonCode} is refused`,
      PROTOCOL,
      framed(0x50, id, reasonCode),
    );
    refuses(
      'MQTT5-3.6.2-1',
      `PUBREL with the Reason Code ${reasonCode} is refused`,
      PROTOCOL,
      framed(0x62, id, reasonCode),
    );
    refuses(
      'MQTT5-3.7.2-1',
      `PUBCOMP with the Reason Code ${reasonCode} is refused`,
      PROTOCOL,
      framed(0x70, id, reasonCode),
    );
  }
  for (const reasonCode of ['01', '8d', '8e', 'ff']) {
    refuses(
      'MQTT5-3.14.2-1',
      `DISCONNECT with the Reason Code ${reasonCode} is refused`,
      PROTOCOL,
      framed(0xe0, reasonCode),
    );
  }
  refuses(
    'MQTT5-4.13.1-1',
    'DISCONNECT with bytes behind its properties is refused',
    MALFORMED,
    framed(0xe0, '00 00 00'),
  );
  refuses('MQTT311-4.8.0-1 MQTT31', 'DISCONNECT with a body is refused', MALFORMED, framed(0xe0, '00'));
  refuses('MQTT5-3.15.2-1', 'AUTH with the Reason Code 01 is refused', PROTOCOL, framed(0xf0, '01 00'));
});

statement('MQTT31 MQTT311-4.8.0-1 MQTT5-4.13.1-1', 'nothing is handled after a malformed packet', async (run) => {
  const watcher = await run.connect();
  await run.subscribe(watcher, run.topic('t'));
  const peer = await run.connect();
  peer.send('c1 00', publish(run.topic('t'), 'late'), subscribe(1, [filter('a')]));
  await peer.expectDisconnected(MALFORMED);
  await watcher.expectNothing();
});

statement('MQTT5-4.13.2-1', 'the refusal brings words for a person', async ({ connect }) => {
  const peer = await connect();
  peer.send('c1 00');
  const { properties } = await peer.expect('disconnect');
  if (!/PINGREQ/.test(properties?.reasonString ?? '')) throw new Error(`no words: ${properties?.reasonString}`);
  await peer.expectClosed();
});

statement(
  'MQTT31 MQTT311-3.12.4-1 MQTT5-3.12.4-1',
  'PINGREQ is answered with PINGRESP, to the byte',
  async ({ connect }) => {
    const peer = await connect();
    peer.send('c0 00');
    await peer.expectBytes('d0 00');
  },
);

statement(
  'MQTT311-7.1.1-1 MQTT5-4.2.0-1 MQTT311-7.0.0-2',
  'TCP and WebSocket carry the same, with nothing that is not specified',
  async (run) => {
    const peer = await run.connect();
    await run.subscribe(peer, run.topic('a'), 2);
    await run.publish(await run.connect(), run.topic('a'), 'x', { qos: 2 });
    await peer.expect('publish', { text: 'x' });
  },
);
