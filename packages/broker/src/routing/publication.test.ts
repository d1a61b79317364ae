import { encodeUtf8, type PublishPacket } from '@hawser/codec';
import { expect, test } from 'vitest';
import { FramedPublication } from './publication.ts';

const BYTES = encodeUtf8('0123456789');

const packet: PublishPacket = {
  type: 'publish',
  topic: 't',
  payload: BYTES.subarray(4, 8),
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: undefined,
};

test('a QoS 0 PUBLISH brings its bytes along, as they are now', () => {
  const reader = { bytes: BYTES, start: 2, end: 8 };
  const { frame } = new FramedPublication().take(packet, reader, 4);
  reader.start = 8;
  expect(frame).toEqual({ bytes: BYTES, start: 2, end: 8, version: 4 });
});

test('one with a Topic Alias does not: the alias is of its connection alone', () => {
  const aliased = { ...packet, properties: { topicAlias: 1 } };
  expect(new FramedPublication().take(aliased, { bytes: BYTES, start: 2, end: 8 }, 5).frame).toBeUndefined();
});
