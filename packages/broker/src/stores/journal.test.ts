import { FakeClock, HeldStore } from '@hawser/testkit';
import { beforeEach, expect, test } from 'vitest';
import { createDriverNode } from '../node/driver-node.ts';
import { Journal } from './journal.ts';
import type { StoreOperation } from './store.ts';

const LOST: StoreOperation = { kind: 'deleteLost', session: 1 };

let clock: FakeClock;
let store: HeldStore;
let journal: Journal;
let faults: (Error | undefined)[];

beforeEach(async () => {
  clock = new FakeClock();
  store = new HeldStore();
  faults = [];
  journal = new Journal(store, clock, createDriverNode(clock).turn);
  journal.begin(await store.open(), (fault) => faults.push(fault));
});

test('without a store everything is committed, and nobody waits', async () => {
  const nothing = new Journal(undefined, clock, createDriverNode(clock).turn);
  expect(nothing.append(LOST)).toBe(0);
  expect(nothing.beginGroup()).toBe(false);
  await nothing.untilCommitted(0);
  await nothing.untilSafe(0);
});

test('numbers go on behind those that the store has seen', async () => {
  store.append({
    kind: 'putSession',
    session: { clientId: 'c', number: 7, protocolVersion: 5, expiryInterval: 1, createdAt: 1 },
  });
  store.append({ kind: 'deleteQueued', session: 7, sequence: 1 });
  store.commitAll();
  const next = store.crash();
  journal = new Journal(next, clock, createDriverNode(clock).turn);
  journal.begin(await next.open(), () => undefined);
  expect([journal.nextSessionNumber(), journal.nextSessionNumber()]).toEqual([8, 9]);
  expect(journal.nextSequence()).toBe(1);
});

test('what a group appends has one ticket; one within another is part of it', () => {
  const before = journal.append(LOST);
  let inner = 0;
  journal.group(() => {
    journal.append(LOST);
    journal.group(() => {
      inner = journal.append(LOST);
    });
    journal.append(LOST);
  });
  expect([inner, journal.last]).toEqual([before + 1, before + 1]);
  expect(journal.append(LOST)).toBe(before + 2);
});

test('a group ends when what it does throws', () => {
  expect(() =>
    journal.group(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(journal.beginGroup()).toBe(true);
  journal.endGroup();
});

test('those who wait are told in order when their ticket is on disk, and not before', async () => {
  const told: string[] = [];
  const first = journal.append(LOST);
  const second = journal.append(LOST);
  void journal.untilSafe(first).then(() => told.push('safe 1'));
  void journal.untilCommitted(second).then(() => told.push('committed 2'));
  journal.wait({ onCommitted: () => told.push('session') });
  store.commit(first);
  await clock.settle();
  expect(told.sort()).toEqual(['safe 1', 'session']);
  store.commit(second);
  await clock.settle();
  expect(told).toContain('committed 2');
});

test('a fault rejects who cannot wait, and holds up who can', async () => {
  const ticket = journal.append(LOST);
  const safe = journal.untilSafe(ticket);
  const committed = journal.untilCommitted(ticket);
  store.fail(new Error('full'));
  await expect(committed).rejects.toThrow('full');
  expect(faults).toHaveLength(1);
  store.heal();
  store.commitAll();
  await safe;
  expect(faults.at(-1)).toBeUndefined();
});
