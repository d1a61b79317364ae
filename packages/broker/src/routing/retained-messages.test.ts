import { encodeUtf8 } from '@hawser/codec';
import { FakeClock } from '@hawser/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { Message } from '../messages/message.ts';
import { createDriverNode, type DriverNode } from '../node/driver-node.ts';
import { TURN_WORK } from '../node/turn-budget.ts';
import type { StoreOperation } from '../stores/store.ts';
import { RetainedMessages } from './retained-messages.ts';

let clock: FakeClock;
let node: DriverNode;
let written: StoreOperation[];
let retained: RetainedMessages;

beforeEach(() => {
  clock = new FakeClock();
  node = createDriverNode(clock);
  written = [];
  retained = new RetainedMessages({
    settings: { 'limits.retainedMessages': 10_000, 'limits.retainedBytes': 100_000_000 },
    driverNode: node,
    journal: { append: (operation) => written.push(operation) },
    toWall: (ms) => ms,
    fromWall: (ms) => ms,
  });
});

function messageOf(name: string, text: string, expiresInMs = Number.POSITIVE_INFINITY): Message {
  const topic = { name, bytes: encodeUtf8(name) };
  const times = { receivedAtMs: clock.now(), expiresAtMs: clock.now() + expiresInMs };
  const payload = encodeUtf8(text);
  return new Message({ topic, payload, qos: 1, retain: true, properties: undefined, publisher: 'p', ...times }, true);
}

function topics(filter = '#'): string[] {
  const found = retained.matching(filter, clock.now());
  return [...found].flatMap((message) => message?.topic.name ?? []).sort();
}

describe('retained messages', () => {
  test('the last of each topic is kept; an empty one takes it away', () => {
    retained.set(messageOf('a', '1'));
    retained.set(messageOf('b', '1'));
    retained.set(messageOf('a', '2'));
    expect(topics()).toEqual(['a', 'b']);
    expect(retained.get('a')?.payload).toEqual(encodeUtf8('2'));
    retained.set(messageOf('a', ''));
    expect(topics()).toEqual(['b']);
    expect(written.map(({ kind }) => kind)).toEqual(['putRetained', 'putRetained', 'putRetained', 'deleteRetained']);
    retained.delete('b');
    expect(retained.bytes).toBe(0);
  });

  test('what has expired leaves though nobody subscribes, from the store too, and makes room', async () => {
    retained.set(messageOf('soon', 'x', 1000));
    retained.set(messageOf('later', 'x', 60_000));
    retained.set(messageOf('never', 'x'));
    await clock.advance(999);
    expect(retained.count).toBe(3);
    await clock.advance(2);
    expect(topics()).toEqual(['later', 'never']);
    expect(written.at(-1)).toEqual({ kind: 'deleteRetained', topic: 'soon' });
    await clock.advance(60_000);
    expect(topics()).toEqual(['never']);
    expect(retained.bytes).toBeGreaterThan(0);
    retained.delete('never');
    expect(retained.bytes).toBe(0);
  });

  test('a message in the place of another has its own end', async () => {
    retained.set(messageOf('longer', 'x', 1000));
    retained.set(messageOf('longer', 'x', 5000));
    retained.set(messageOf('shorter', 'x', 5000));
    retained.set(messageOf('shorter', 'x', 1000));
    retained.set(messageOf('endless', 'x', 1000));
    retained.set(messageOf('endless', 'x'));
    await clock.advance(1001);
    expect(topics()).toEqual(['endless', 'longer']);
    await clock.advance(4000);
    expect(topics()).toEqual(['endless']);
  });

  test('what a store has kept past its end leaves after a restart', async () => {
    const old = messageOf('old', 'x', 1000);
    await clock.advance(5000);
    retained.restore(old);
    expect(retained.count).toBe(1);
    await clock.advance(1);
    expect(retained.count).toBe(0);
    expect(written).toEqual([{ kind: 'deleteRetained', topic: 'old' }]);
  });

  test('thousands that expire at once are taken out over several turns', async () => {
    for (let i = 0; i < 10_000; i++) retained.set(messageOf(`t/${i}`, 'x', 1000));
    await clock.advance(1100);
    expect(retained.count).toBe(0);
    expect(node.turn.mostWork).toBeLessThan(TURN_WORK);
  });

  test('its bounds are held against what a message takes, its topic and itself', () => {
    const long = 'x'.repeat(60_000);
    let number = 0;
    while (retained.hasRoom(`${number}${long}`, long.length + 10)) retained.set(messageOf(`${number++}${long}`, 'x'));
    expect(number).toBeGreaterThan(100);
    expect(number * 3 * long.length).toBeLessThan(100_000_000);
    expect(retained.hasRoom(`0${long}`, long.length + 10)).toBe(true);
  });
});
