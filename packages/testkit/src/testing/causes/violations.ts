import type { Packet, ProtocolVersion } from '@hawser/codec';
import { hex, publishPacket, type Scenario, type Scenarios, subscribePacket } from './stage.ts';

/** A connected client sends these bytes. */
const sends = (bytes: string, version: ProtocolVersion = 5): Scenario => ({
  run: async (stage) => stage.sendBytes(await stage.join(version), hex(bytes)),
});

const unsubscribePacket = (...topicFilters: string[]): Packet => ({
  type: 'unsubscribe',
  packetIdentifier: 1,
  properties: undefined,
  topicFilters,
});

/** What a client sends that is no MQTT, may not come there, or is over a bound of one packet. */
export const VIOLATIONS: Scenarios = {
  'reserved-packet-type': sends('00 00'),
  'reserved-flags': sends('c1 00'),
  'wrong-direction': sends('20 03 00 00 00'),
  'invalid-qos': sends('36 02 00 00'),
  'dup-with-qos-0': sends('38 04 00 01 61 00'),
  'invalid-length': sends('30 ff ff ff ff'),
  'non-minimal-length': sends('c0 80 00'),
  truncated: sends('30 01 00'),
  'trailing-bytes': sends('c0 01 00'),
  'packet-identifier-zero': sends('32 06 00 01 61 00 00 00'),
  'invalid-utf8': sends('30 04 00 01 80 00'),
  'null-in-string': sends('30 04 00 01 00 00'),
  'surrogate-in-string': sends('30 06 00 03 ed a0 80 00'),
  'topic-name-missing': sends('30 03 00 00 00'),
  'topic-name-invalid': sends('30 04 00 01 23 00'),
  'unknown-property': sends('30 06 00 01 61 02 7f 00'),
  'property-not-allowed': sends('30 09 00 01 61 05 11 00 00 00 01'),
  'property-out-of-range': sends('30 06 00 01 61 02 01 02'),
  'duplicate-property': sends('30 08 00 01 61 04 01 00 01 00'),
  'topic-alias-invalid': sends('30 07 00 01 61 03 23 00 00'),
  'topic-alias-unknown': sends('30 06 00 00 03 23 00 05'),
  'response-topic-invalid': sends('30 08 00 01 61 04 08 00 01 23'),
  'subscription-identifier-from-client': sends('30 06 00 01 61 02 0b 01'),
  'reason-code-not-allowed': sends('40 03 00 01 01'),
  'no-topic-filters': sends('82 03 00 01 00'),
  'invalid-subscription-options': sends('82 06 00 01 00 01 61 04', 4),
  'reserved-bits': sends('82 07 00 01 00 00 01 61 40'),
  'invalid-retain-handling': sends('82 07 00 01 00 00 01 61 30'),
  'no-local-on-shared-subscription': sends('82 10 00 01 00 00 0a 24 73 68 61 72 65 2f 67 2f 74 04'),
  'topic-filter-invalid': sends('82 08 00 01 00 00 02 23 23 00'),
  'protocol-error': {
    run: async (stage) =>
      stage.send(await stage.join(), {
        type: 'disconnect',
        reasonCode: 0,
        properties: { sessionExpiryInterval: 5 },
      }),
  },
  'receive-maximum-exceeded': {
    settings: { 'limits.receiveMaximum': 1 },
    run: async (stage) => stage.send(await stage.join(), publishPacket('t', 2, 1), publishPacket('t', 2, 2)),
  },
  'packet-too-large': {
    settings: { 'limits.maximumPacketSize': 1024 },
    run: async (stage) => stage.send(await stage.join(), publishPacket('t', 0, 0, { payload: new Uint8Array(2000) })),
  },
  'too-many-user-properties': {
    settings: { 'limits.userProperties': 0 },
    run: async (stage) =>
      stage.send(await stage.join(), publishPacket('t', 0, 0, { properties: { userProperties: [['a', 'b']] } })),
  },
  'too-many-topic-filters': {
    settings: { 'limits.filters': 1 },
    run: async (stage) => stage.send(await stage.join(), unsubscribePacket('a', 'b')),
  },
  'topic-filter-too-deep': {
    settings: { 'limits.topicLevels': 2 },
    run: async (stage) => stage.send(await stage.join(), unsubscribePacket('a/b/c')),
  },
  'topic-name-too-deep': {
    settings: { 'limits.topicLevels': 2 },
    run: async (stage) => stage.send(await stage.join(), publishPacket('a/b/c', 0, 0)),
  },
  'topic-name-too-long': {
    settings: { 'limits.topicBytes': 4 },
    run: async (stage) => stage.send(await stage.join(), publishPacket('abcde', 0, 0)),
  },
};

/** A subscription that the SUBACK refuses. */
export const SUBSCRIBE_REFUSALS: Scenarios = {
  'not-authorized': {
    options: { authorize: () => 'deny' },
    run: async (stage) => stage.send(await stage.join(), subscribePacket('t')),
  },
  'topic-filter-invalid': {
    settings: { 'limits.topicLevels': 2 },
    run: async (stage) => stage.send(await stage.join(), subscribePacket('a/b/c')),
  },
  'quota-exceeded': {
    settings: { 'limits.subscriptions': 1 },
    run: async (stage) => {
      const peer = await stage.join();
      await stage.send(peer, subscribePacket('a'), subscribePacket('b'));
    },
  },
};
