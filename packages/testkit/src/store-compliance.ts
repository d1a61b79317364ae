import type {
  Store,
  StoreContents,
  StoredMessage,
  StoredQueueEntry,
  StoredSession,
  StoredSubscription,
  StoreOperation,
} from '@hawser/broker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomStoreHistory } from './store-history.ts';

/** A store under test, not open yet. `reopen` closes it and gives the next one, open on the same data. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and returns the one that follows it on the same data, not open yet. */
  reopen(): Promise<Store>;
  cleanup(): Promise<void>;
}

/** What every Store must do, whatever it is made of. Call it at the top level of a vitest file. */
export function describeStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a Store`, () => {
    let under: StoreUnderTest;
    let store: Store;

    beforeEach(async () => {
      under = await make();
      store = under.store;
    });

    afterEach(async () => {
      await under.cleanup();
    });

    async function reopen(): Promise<StoreContents> {
      store = await under.reopen();
      return counted(await store.open());
    }

    function append(...operations: readonly StoreOperation[]): number {
      let ticket = 0;
      for (const operation of operations) ticket = store.append(operation);
      return ticket;
    }

    describe('tickets', () => {
      it('is empty at first, its numbers start above zero', async () => {
        const contents = await store.open();
        expect(picture(contents)).toEqual(picture(emptyContents()));
        expect(store.committed).toBe(0);
        expect(store.fault).toBeUndefined();
      });

      it('gives tickets that only grow', async () => {
        await store.open();
        const first = append(putSession(1));
        const second = append(putInbound(1, 1));
        expect(first).toBeGreaterThan(0);
        expect(second).toBeGreaterThan(first);
      });

      it('gives one ticket to a group, whatever is appended in it', async () => {
        await store.open();
        const before = append(putSession(1));
        store.begin();
        const inside = [1, 2, 3].map((identifier) => append(putInbound(1, identifier)));
        const ticket = store.end();
        expect(inside).toEqual([ticket, ticket, ticket]);
        expect(ticket).toBeGreaterThan(before);
        expect(append(putInbound(1, 4))).toBeGreaterThan(ticket);
        expect([...((await reopen()).inbound.get(1) ?? [])].sort()).toEqual([1, 2, 3, 4]);
      });

      it('has nothing to wait for after an empty group, and takes no group in a group', async () => {
        await store.open();
        append(putSession(1));
        store.begin();
        expect(() => store.begin()).toThrow();
        expect(store.end()).toBe(0);
        store.begin();
        expect(store.end()).toBe(0);
      });

      it('never tells a commit from within append', async () => {
        await store.open();
        let isAppending = true;
        let toldWithin = false;
        store.onCommitted = () => {
          toldWithin ||= isAppending;
        };
        for (let identifier = 1; identifier <= 20; identifier++) append(putInbound(1, identifier));
        isAppending = false;
        await store.close();
        expect(toldWithin).toBe(false);
      });

      it('has committed everything when it is closed, and told so with growing tickets', async () => {
        await store.open();
        const told: number[] = [];
        store.onCommitted = (committed) => {
          expect(store.committed).toBe(committed);
          told.push(committed);
        };
        const ticket = append(putSession(1), putInbound(1, 7));
        await store.close();
        expect(store.committed).toBe(ticket);
        expect(told.at(-1)).toBe(ticket);
        expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
        expect((await reopen()).inbound.get(1)).toEqual([7]);
      });

      it('may be closed twice, and closed at once after it was opened', async () => {
        await store.open();
        await store.close();
        await store.close();
        expect(picture(await reopen())).toEqual(picture(emptyContents()));
      });

      it('refuses to append when it is not open', async () => {
        expect(() => append(putSession(1))).toThrow();
        await store.open();
        await store.close();
        expect(() => append(putSession(1))).toThrow();
      });
    });

    describe('what it keeps', () => {
      it('keeps a session with all its fields', async () => {
        await store.open();
        const plain = session({ number: 3, clientId: 'plain' });
        const full = session({
          number: 4,
          clientId: 'größer/😀',
          protocolVersion: 5,
          expiryInterval: 0xffffffff,
          createdAt: 1_700_000_000_123,
          expiresAt: 1_800_000_000_456,
          username: 'ülrike',
          will: { message: fullMessage('will/topic'), delayInterval: 0xffffffff, dueAt: 1_900_000_000_789 },
        });
        const willOnly = session({ number: 5, clientId: '', will: { message: message('w'), delayInterval: 0 } });
        append(...[plain, full, willOnly].map((one) => ({ kind: 'putSession', session: one }) as const));
        const contents = await reopen();
        expect(byClientId(contents.sessions)).toEqual(byClientId([plain, full, willOnly]));
        expect(contents.nextSession).toBe(6);
      });

      it('replaces a session put again, what is under its number stays', async () => {
        await store.open();
        append(putSession(1), putInbound(1, 9));
        const again = session({ number: 1, expiresAt: 12345 });
        append({ kind: 'putSession', session: again });
        const contents = await reopen();
        expect(contents.sessions).toEqual([again]);
        expect(contents.inbound.get(1)).toEqual([9]);
      });

      it('keeps subscriptions with their options, the last put of a filter counts', async () => {
        await store.open();
        const first = subscription({ topicFilter: 'a/+' });
        const full = subscription({
          topicFilter: '$share/gruppe/ä/#',
          qos: 2,
          noLocal: false,
          retainAsPublished: true,
          retainHandling: 2,
          subscriptionIdentifier: 268_435_455,
        });
        const last = subscription({ topicFilter: 'a/+', qos: 0, noLocal: true, retainHandling: 1 });
        const gone = subscription({ topicFilter: 'gone' });
        append(putSession(1), ...[first, full, gone, last].map((one) => putSubscription(1, one)));
        append({ kind: 'deleteSubscription', session: 1, topicFilter: 'gone' });
        append({ kind: 'deleteSubscription', session: 1, topicFilter: 'never there' });
        const kept = (await reopen()).subscriptions.get(1) ?? [];
        expect(byFilter(kept)).toEqual(byFilter([full, last]));
      });

      it('keeps the outbound handshakes in the order in which they were sent', async () => {
        await store.open();
        append(putSession(1));
        append(putOutbound(1, 5, 10, 'published', 2), putOutbound(1, 4, 11, 'published', 1));
        append(putOutbound(1, 3, 12, 'published', 2), putOutbound(1, 2, 13, 'published', 1));
        append(putOutbound(1, 5, 10, 'released', 2), { kind: 'deleteOutbound', session: 1, packetIdentifier: 4 });
        expect((await reopen()).outbound.get(1)).toEqual([
          { packetIdentifier: 5, sequence: 10, qos: 2, state: 'released' },
          { packetIdentifier: 3, sequence: 12, qos: 2, state: 'published' },
          { packetIdentifier: 2, sequence: 13, qos: 1, state: 'published' },
        ]);
      });

      it('keeps inbound identifiers', async () => {
        await store.open();
        append(putSession(1), putInbound(1, 65_535), putInbound(1, 1), putInbound(1, 2));
        append({ kind: 'deleteInbound', session: 1, packetIdentifier: 1 });
        const inbound = (await reopen()).inbound.get(1) ?? [];
        expect([...inbound].sort((a, b) => a - b)).toEqual([2, 65_535]);
      });

      it('keeps retained messages by topic', async () => {
        await store.open();
        append({ kind: 'putRetained', message: message('a') }, { kind: 'putRetained', message: message('gone') });
        append({ kind: 'putRetained', message: fullMessage('a') }, { kind: 'deleteRetained', topic: 'gone' });
        append({ kind: 'putRetained', message: message('b/ü') });
        const retained = [...(await reopen()).retained].sort((a, b) => (a.topic < b.topic ? -1 : 1));
        expect(retained.map(comparable)).toEqual([fullMessage('a'), message('b/ü')].map(comparable));
      });

      it('keeps what a message was, not what its bytes become afterwards', async () => {
        await store.open();
        const chunk = new Uint8Array(64).fill(7);
        append(putSession(1), putQueued(1, 1, { ...message('t'), payload: chunk.subarray(8, 16) }));
        append({ kind: 'putRetained', message: { ...message('t'), payload: chunk.subarray(8, 16) } });
        chunk.fill(9);
        const contents = await reopen();
        const expected = new Uint8Array(8).fill(7);
        expect((await store.readQueue(1, 0, noLimit))[0]?.message.payload).toSatisfy(equals(expected));
        expect(contents.retained[0]?.payload).toSatisfy(equals(expected));
      });

      it('keeps large messages and many operations', async () => {
        await store.open();
        const large = new Uint8Array(3_000_000).map((_, index) => index * 7);
        append(putSession(1), putQueued(1, 1, { ...message('t'), payload: large }));
        for (let sequence = 2; sequence <= 3_000; sequence++) append(putQueued(1, sequence));
        expect((await reopen()).queues).toEqual([{ session: 1, messages: 3_000, bytes: 3_000_001 + 2_999 * 6 }]);
        const page = await store.readQueue(1, 0, noLimit);
        expect(page[0]?.message.payload).toSatisfy(equals(large));
        expect(page.map((entry) => entry.sequence)).toEqual(Array.from({ length: 3_000 }, (_, index) => index + 1));
      });

      it('never forgets a number that was used, also when all is gone', async () => {
        await store.open();
        append(putSession(70), putQueued(70, 4_000, message('t'), 5_000), deleteQueued(70, 4_000));
        append({ kind: 'deleteSession', clientId: 'client-70', session: 70 });
        const contents = await reopen();
        expect(contents.nextSession).toBe(71);
        expect(contents.nextSequence).toBe(5_001);
        const again = await reopen();
        expect([again.nextSession, again.nextSequence]).toEqual([71, 5_001]);
      });

      it('takes numbers up to 2^53 - 1, in their order', async () => {
        await store.open();
        const large = Number.MAX_SAFE_INTEGER - 1;
        append(putSession(large), putInbound(large, 1));
        for (const sequence of [1, 255, 256, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40, large]) {
          append(putQueued(large, sequence));
        }
        const contents = await reopen();
        expect(contents.nextSession).toBe(Number.MAX_SAFE_INTEGER);
        expect((await sequences(store, large)).slice(2)).toEqual([256, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40, large]);
      });
    });

    describe('queues', () => {
      it('sees what was appended just before', async () => {
        await store.open();
        append(putSession(1), putQueued(1, 1), putQueued(1, 2), putQueued(1, 3), deleteQueued(1, 2));
        expect(await sequences(store, 1)).toEqual([1, 3]);
        append(deleteQueued(1, 1), putQueued(1, 4));
        expect(await sequences(store, 1)).toEqual([3, 4]);
      });

      it('reads in pages, by number of messages and by bytes', async () => {
        await store.open();
        append(putSession(1), putSession(2), putQueued(2, 1));
        for (let sequence = 1; sequence <= 10; sequence++) append(putQueued(1, sequence));
        const size = 6;
        const read = async (after: number, messages: number, bytes: number): Promise<number[]> =>
          (await store.readQueue(1, after, { messages, bytes })).map((entry) => entry.sequence);
        expect(await read(0, 3, 1e9)).toEqual([1, 2, 3]);
        expect(await read(3, 3, 1e9)).toEqual([4, 5, 6]);
        expect(await read(9, 3, 1e9)).toEqual([10]);
        expect(await read(10, 3, 1e9)).toEqual([]);
        expect(await read(0, 100, 2 * size)).toEqual([1, 2]);
        expect(await read(0, 100, 2 * size + 1)).toEqual([1, 2, 3]);
        expect(await read(0, 100, 1)).toEqual([1]);
        expect(await read(0, 1_000, 1e9)).toHaveLength(10);
      });

      it('gives an entry as it was put', async () => {
        await store.open();
        const entry: StoredQueueEntry = {
          sequence: 5,
          qos: 1,
          retain: true,
          subscriptionIdentifiers: [1, 200, 268_435_455],
          shared: '$share/gruppe/ä/#',
          message: fullMessage('a/b'),
        };
        const bare = queueEntry(6, { ...message(''), payload: new Uint8Array() });
        append(putSession(1), putSession(2));
        append({ kind: 'putQueued', session: 1, entry, messageSequence: undefined });
        append({ kind: 'putQueued', session: 1, entry: bare, messageSequence: undefined });
        append({ kind: 'putQueued', session: 2, entry, messageSequence: 5 });
        for (let round = 0; round < 2; round++) {
          expect((await store.readQueue(1, 0, noLimit)).map(comparableEntry)).toEqual(
            [entry, bare].map(comparableEntry),
          );
          expect((await store.readQueue(2, 0, noLimit)).map(comparableEntry)).toEqual([comparableEntry(entry)]);
          await reopen();
        }
      });

      it('tells how much a queue holds without its messages', async () => {
        await store.open();
        append(putSession(1), putSession(2), putSession(3));
        append(putQueued(1, 1, { ...message('ü'), payload: new Uint8Array(98) }), putQueued(1, 2));
        append(putQueued(2, 3, { ...message('€'), payload: new Uint8Array(97) }, 3));
        append(putQueued(3, 4), deleteQueued(3, 4));
        expect((await reopen()).queues.toSorted((a, b) => a.session - b.session)).toEqual([
          { session: 1, messages: 2, bytes: 106 },
          { session: 2, messages: 1, bytes: 100 },
        ]);
      });

      it('keeps a shared message as long as somebody waits for it', async () => {
        await store.open();
        const shared = fullMessage('shared');
        append(putSession(1), putSession(2), putSession(3));
        append(putQueued(1, 8, shared, 8), putQueued(2, 8, shared, 8), putQueued(3, 8, shared, 8));
        append(deleteQueued(1, 8), deleteQueued(1, 8), deleteQueued(1, 7));
        expect((await reopen()).queues.map((queue) => queue.session).sort()).toEqual([2, 3]);
        append({ kind: 'deleteSession', clientId: 'client-2', session: 2 });
        expect((await store.readQueue(3, 0, noLimit)).map((one) => comparable(one.message))).toEqual([
          comparable(shared),
        ]);
        await reopen();
        expect((await store.readQueue(3, 0, noLimit)).map((one) => comparable(one.message))).toEqual([
          comparable(shared),
        ]);
        append(deleteQueued(3, 8));
        expect((await reopen()).queues).toEqual([]);
      });

      it('keeps a shared message under entries of other sequences, twice in one session too', async () => {
        await store.open();
        const shared = message('shared');
        append(putSession(1), putSession(2));
        append(putQueued(1, 11, shared, 10), putQueued(1, 12, shared, 10), putQueued(2, 13, shared, 10));
        append(deleteQueued(1, 11), deleteQueued(2, 13));
        await reopen();
        expect((await store.readQueue(1, 0, noLimit)).map((one) => comparable(one.message))).toEqual([
          comparable(shared),
        ]);
      });

      it('has nothing under a number without a session', async () => {
        await store.open();
        append(putQueued(1, 1), putSession(1), putQueued(1, 2), putInbound(1, 1));
        append(putSubscription(1, subscription({ topicFilter: 'a' })), putOutbound(1, 1, 2, 'published', 1));
        append({ kind: 'deleteSession', clientId: 'client-1', session: 1 }, putQueued(1, 3), putInbound(1, 2));
        expect(await sequences(store, 1)).toEqual([]);
        append({ kind: 'putSession', session: session({ number: 2, clientId: 'client-1' }) });
        // Too late: the client has a new session.
        append({ kind: 'deleteSession', clientId: 'client-1', session: 1 });
        const contents = await reopen();
        expect(contents.sessions.map((one) => one.number)).toEqual([2]);
        const left = { ...picture(contents), sessions: [] };
        expect(left).toEqual({ ...picture(emptyContents()), nextSession: 3, nextSequence: 4 });
      });

      it('keeps what a session has under another name, and its client has a new one meanwhile', async () => {
        await store.open();
        append(putSession(1), putQueued(1, 1), putInbound(1, 1));
        const name = '\u0000ended/1';
        append({ kind: 'renameSession', clientId: 'client-1', session: session({ number: 1, clientId: name }) });
        append({ kind: 'putSession', session: session({ number: 2, clientId: 'client-1' }) }, putQueued(2, 2));
        expect(await sequences(store, 1)).toEqual([1]);
        // Too late: another session has its name.
        append({ kind: 'renameSession', clientId: 'client-1', session: session({ number: 1, clientId: 'other' }) });
        const contents = await reopen();
        expect(contents.sessions.map(({ clientId, number }) => [clientId, number]).sort()).toEqual([
          [name, 1],
          ['client-1', 2],
        ]);
        expect(await sequences(store, 1)).toEqual([1]);
        append({ kind: 'deleteSession', clientId: name, session: 1 });
        expect(await sequences(store, 1)).toEqual([]);
        expect(await sequences(store, 2)).toEqual([2]);
      });

      it('ends the session that another of the same client replaces', async () => {
        await store.open();
        append(putSession(1), putQueued(1, 1), putInbound(1, 1));
        append({ kind: 'putSession', session: session({ number: 2, clientId: 'client-1' }) });
        expect(await sequences(store, 1)).toEqual([]);
        const contents = await reopen();
        expect(contents.queues).toEqual([]);
        expect(contents.inbound.size).toBe(0);
      });
    });

    describe('random histories', () => {
      for (let round = 0; round < 12; round++) {
        const seed = (Date.now() % 1_000_000) * 100 + round;
        it(`holds what the model holds, opened again in between (seed ${seed})`, async () => {
          const history = randomStoreHistory(seed);
          let contents = await store.open();
          let expected = picture(history.model.contents());
          for (let lap = 0; lap < 6; lap++) {
            for (let step = 0; step < 60; step++) {
              if (step % 7 === 0) store.begin();
              append(history.next());
              if (step % 7 === 4) store.end();
              if (step % 20 !== 19) continue;
              await checkQueues(store, history.model, history.sessions);
              // A store may count its queues while it is in use: what they held when it was opened.
              if (step === 39) await expectContents(contents, expected, history.model);
            }
            store.end();
            store = await under.reopen();
            contents = await store.open();
            expected = picture(history.model.contents());
            if (lap % 2 === 0) await checkQueues(store, history.model, history.sessions);
          }
          await expectContents(contents, expected, history.model);
        });
      }
    });
  });
}

/** Contents with what queues hold, which may come later. */
async function counted(contents: StoreContents): Promise<StoreContents> {
  return contents.counting === undefined ? contents : { ...contents, queues: await contents.counting };
}

const noLimit = { messages: 100_000, bytes: 1e9 };

/** Contents as they were expected at opening; of queues that are counted later those whose session is still there. */
async function expectContents(
  contents: StoreContents,
  expected: Record<string, unknown>,
  model: ReturnType<typeof randomStoreHistory>['model'],
): Promise<void> {
  const live = new Set(model.contents().sessions.map(({ number }) => number));
  const ofLive = (queues: unknown): unknown =>
    (queues as { session: number }[]).filter(({ session }) => live.has(session));
  const found = picture(await counted(contents));
  expect({ ...found, queues: ofLive(found.queues) }).toEqual({ ...expected, queues: ofLive(expected.queues) });
}

async function checkQueues(
  store: Store,
  model: ReturnType<typeof randomStoreHistory>['model'],
  sessions: readonly number[],
): Promise<void> {
  for (const number of sessions) {
    for (const [after, limit] of [
      [0, noLimit],
      [5, { messages: 3, bytes: 40 }],
    ] as const) {
      const read = await store.readQueue(number, after, limit);
      expect(read.map(comparableEntry)).toEqual(model.readQueue(number, after, limit).map(comparableEntry));
    }
  }
}

async function sequences(store: Store, number: number): Promise<number[]> {
  return (await store.readQueue(number, 0, noLimit)).map((entry) => entry.sequence);
}

/** Contents in a form that compares: sorted where order means nothing, bytes as text. */
function picture(contents: StoreContents): Record<string, unknown> {
  const sorted = <T>(map: ReadonlyMap<number, T>): [number, T][] => [...map].sort(([a], [b]) => a - b);
  return {
    sessions: byClientId(contents.sessions),
    subscriptions: sorted(contents.subscriptions).map(([number, list]) => [number, byFilter(list)]),
    outbound: sorted(contents.outbound),
    inbound: sorted(contents.inbound).map(([number, list]) => [number, [...list].sort((a, b) => a - b)]),
    queues: contents.queues.toSorted((a, b) => a.session - b.session),
    lost: sorted(contents.lost),
    retained: contents.retained.toSorted((a, b) => (a.topic < b.topic ? -1 : 1)).map(comparable),
    nextSession: contents.nextSession,
    nextSequence: contents.nextSequence,
  };
}

function emptyContents(): StoreContents {
  return {
    sessions: [],
    subscriptions: new Map(),
    outbound: new Map(),
    inbound: new Map(),
    queues: [],
    lost: new Map(),
    retained: [],
    nextSession: 1,
    nextSequence: 1,
  };
}

function byClientId(sessions: readonly StoredSession[]): unknown[] {
  return sessions
    .toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
    .map((one) => ({ ...one, will: one.will && { ...one.will, message: comparable(one.will.message) } }));
}

function byFilter(subscriptions: readonly StoredSubscription[]): readonly StoredSubscription[] {
  return subscriptions.toSorted((a, b) => (a.topicFilter < b.topicFilter ? -1 : 1));
}

/** Bytes as hex: a Buffer and a Uint8Array of the same bytes are the same here. */
function comparable(one: StoredMessage): unknown {
  const properties = one.properties && {
    ...one.properties,
    correlationData: one.properties.correlationData && hex(one.properties.correlationData),
  };
  return { ...one, payload: hex(one.payload), properties };
}

function comparableEntry(entry: StoredQueueEntry): unknown {
  return { ...entry, message: comparable(entry.message) };
}

function hex(bytes: Uint8Array): string {
  return bytes.byteLength > 4_096 ? `${bytes.byteLength} bytes` : Buffer.from(bytes).toString('hex');
}

function equals(expected: Uint8Array): (bytes: unknown) => boolean {
  return (bytes) => bytes instanceof Uint8Array && Buffer.compare(bytes, expected) === 0;
}

function session(fields: Partial<StoredSession> & { readonly number: number }): StoredSession {
  return { clientId: `client-${fields.number}`, protocolVersion: 4, expiryInterval: 60, createdAt: 1_000, ...fields };
}

function subscription(fields: Partial<StoredSubscription>): StoredSubscription {
  return { topicFilter: 'a', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0, ...fields };
}

function message(topic: string): StoredMessage {
  const payload = new Uint8Array([104, 101, 108, 108, 111]);
  return { topic, payload, qos: 1, retain: false, properties: undefined, publishedAt: 1_700_000_000_000 };
}

function fullMessage(topic: string): StoredMessage {
  return {
    topic,
    payload: new Uint8Array([0, 255, 128, 1]),
    qos: 2,
    retain: true,
    properties: {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 0xffffffff,
      contentType: 'text/plain; ü',
      responseTopic: 'antwort/ä',
      correlationData: new Uint8Array([1, 2, 3]),
      userProperties: [
        ['a', '1'],
        ['a', '😀'],
        ['', ''],
      ],
    },
    publishedAt: 1_700_000_000_123,
    expiresAt: 1_700_000_060_123,
    publisher: 'sénder',
  };
}

function queueEntry(sequence: number, of: StoredMessage): StoredQueueEntry {
  return { sequence, qos: 1, retain: false, subscriptionIdentifiers: [], message: of };
}

function putSession(number: number): StoreOperation {
  return { kind: 'putSession', session: session({ number }) };
}

function putSubscription(number: number, one: StoredSubscription): StoreOperation {
  return { kind: 'putSubscription', session: number, subscription: one };
}

function putQueued(number: number, sequence: number, of = message('t'), messageSequence?: number): StoreOperation {
  return { kind: 'putQueued', session: number, entry: queueEntry(sequence, of), messageSequence };
}

function deleteQueued(number: number, sequence: number): StoreOperation {
  return { kind: 'deleteQueued', session: number, sequence };
}

function putOutbound(
  number: number,
  packetIdentifier: number,
  sequence: number,
  state: 'published' | 'released',
  qos: 1 | 2,
): StoreOperation {
  return {
    kind: 'putOutbound',
    session: number,
    outbound: { packetIdentifier, sequence, qos, state },
    lazy: state === 'released',
  };
}

function putInbound(number: number, packetIdentifier: number): StoreOperation {
  return { kind: 'putInbound', session: number, packetIdentifier };
}
