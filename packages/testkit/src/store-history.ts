import { type StoredMessage, type StoredSession, type StoreOperation, StoreState } from '@hawser/broker';

/** A seeded run of operations, and the model of what they leave. */
export interface StoreHistory {
  readonly model: StoreState;
  /** Every session number that was used, ended ones too. */
  readonly sessions: readonly number[];
  /** The next operation; the model has it already. */
  next(): StoreOperation;
}

/**
 * Operations at random, mostly sensible, sometimes late or for nothing (deleted twice, under the number of a session that
 * has ended), few names so that they meet. The same seed gives the same history.
 */
export function randomStoreHistory(seed: number, model: StoreState = new StoreState()): StoreHistory {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const sessions: number[] = [];
  const current = new Map<string, number>();
  const sharedMessages = new Map<number, StoredMessage>();
  let nextNumber = model.contents().nextSession;
  let nextSequence = model.contents().nextSequence;

  const someSession = (): number => {
    const live = [...current.values()];
    if (live.length === 0 || below(20) === 0) return 1 + below(nextNumber);
    return live[below(live.length)] ?? 1;
  };

  const someMessage = (): StoredMessage => {
    const payload = new Uint8Array(below(8) === 0 ? below(3_000) : below(20)).map(() => below(256));
    const base = {
      topic: `topic/${below(6)}${below(4) === 0 ? '/ü' : ''}`,
      payload,
      qos: ([0, 1, 2] as const)[below(3)] ?? 0,
      retain: below(2) === 0,
      properties: below(3) === 0 ? { contentType: `type ${below(9)}`, correlationData: payload } : undefined,
      publishedAt: 1_700_000_000_000 + below(1e9),
    };
    if (below(3) === 0) return { ...base, expiresAt: base.publishedAt + below(1e6), publisher: `client-${below(6)}` };
    return base;
  };

  const someStoredSession = (clientId: string, number: number): StoredSession => {
    const base = {
      clientId,
      number,
      protocolVersion: ([3, 4, 5] as const)[below(3)] ?? 5,
      expiryInterval: below(1e9),
      createdAt: 1_700_000_000_000 + below(1e9),
    };
    if (below(2) === 0) return base;
    return {
      ...base,
      expiresAt: below(1e9),
      username: 'user',
      will: { message: someMessage(), delayInterval: below(1e6), dueAt: below(1e9) },
    };
  };

  const someQueued = (): StoreOperation => {
    const session = someSession();
    const kind = below(6);
    let sequence = nextSequence++;
    let messageSequence: number | undefined;
    let message = someMessage();
    if (kind === 0) {
      // Seen first: kept under its own sequence.
      messageSequence = sequence;
      sharedMessages.set(sequence, message);
    } else if (kind < 4 && sharedMessages.size > 0) {
      // For one more session, mostly under the sequence of the message, as a broker does that routes a message once.
      const known = [...sharedMessages.keys()].slice(-5);
      messageSequence = known[below(known.length)] ?? sequence;
      message = sharedMessages.get(messageSequence) ?? message;
      if (below(4) !== 0) sequence = messageSequence;
    }
    const entry = {
      sequence,
      qos: message.qos,
      retain: below(2) === 0,
      subscriptionIdentifiers: below(3) === 0 ? [1 + below(300), 1 + below(1e6)] : [],
      message,
    };
    return {
      kind: 'putQueued',
      session,
      entry: {
        ...entry,
        ...(below(5) === 0 ? { shared: '$share/g/#' } : {}),
        ...(below(5) === 0 ? { replayed: true as const } : {}),
      },
      messageSequence,
    };
  };

  const operation = (): StoreOperation => {
    const dice = below(100);
    const clientId = `client-${below(6)}`;
    if (dice < 5 || current.size === 0) {
      const kept = current.get(clientId);
      const number = kept !== undefined && below(3) !== 0 ? kept : nextNumber++;
      current.set(clientId, number);
      if (number !== kept) sessions.push(number);
      return { kind: 'putSession', session: someStoredSession(clientId, number) };
    }
    if (dice < 8) {
      const number = current.get(clientId) ?? 1 + below(nextNumber);
      current.delete(clientId);
      return { kind: 'deleteSession', clientId, session: number };
    }
    const session = someSession();
    if (dice < 9) {
      const number = current.get(clientId) ?? 1 + below(nextNumber);
      current.delete(clientId);
      return { kind: 'renameSession', clientId, session: someStoredSession(`\u0000ended/${number}`, number) };
    }
    if (dice < 14) {
      const subscription = {
        topicFilter: `filter/${below(5)}/#`,
        qos: ([0, 1, 2] as const)[below(3)] ?? 0,
        noLocal: below(2) === 0,
        retainAsPublished: below(2) === 0,
        retainHandling: ([0, 1, 2] as const)[below(3)] ?? 0,
      };
      if (below(2) === 0) return { kind: 'putSubscription', session, subscription };
      if (below(4) === 0) {
        const replaySince = 1_700_000_000_000 + below(1e9);
        return { kind: 'putSubscription', session, subscription: { ...subscription, replaySince }, lazy: true };
      }
      return {
        kind: 'putSubscription',
        session,
        subscription: { ...subscription, subscriptionIdentifier: 1 + below(1e6) },
      };
    }
    if (dice < 17) return { kind: 'deleteSubscription', session, topicFilter: `filter/${below(5)}/#` };
    if (dice < 45) return someQueued();
    if (dice < 65) {
      const queue = model.readQueue(session, 0, { messages: 4, bytes: 1e9 });
      const sequence = queue[below(queue.length)]?.sequence ?? 1 + below(nextSequence);
      return { kind: 'deleteQueued', session, sequence: below(12) === 0 ? 1 + below(nextSequence) : sequence };
    }
    if (dice < 74) {
      const outbound = {
        packetIdentifier: 1 + below(12),
        sequence: 1 + below(nextSequence),
        qos: ([1, 2] as const)[below(2)] ?? 1,
        state: (['published', 'released'] as const)[below(2)] ?? 'published',
      };
      return { kind: 'putOutbound', session, outbound, lazy: below(2) === 0 };
    }
    if (dice < 80) return { kind: 'deleteOutbound', session, packetIdentifier: 1 + below(12) };
    if (dice < 87) return { kind: 'putInbound', session, packetIdentifier: 1 + below(12) };
    if (dice < 92) return { kind: 'deleteInbound', session, packetIdentifier: 1 + below(12) };
    if (dice < 93) return { kind: 'putLost', session, lost: { 'queue-full': 1 + below(1e9), expired: below(3) } };
    if (dice < 94) return { kind: 'deleteLost', session };
    if (dice < 97) return { kind: 'putRetained', message: someMessage() };
    return { kind: 'deleteRetained', topic: `topic/${below(6)}` };
  };

  return {
    model,
    sessions,
    next() {
      const next = operation();
      model.apply(next);
      return next;
    },
  };
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
