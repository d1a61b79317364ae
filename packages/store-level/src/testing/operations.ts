import type { StoredMessage, StoredSession, StoreOperation } from '@hawser/broker';

// Operations for the tests of this package.

export function putSession(number: number, fields: Partial<StoredSession> = {}): StoreOperation {
  const session = {
    clientId: `client-${number}`,
    number,
    protocolVersion: 5,
    expiryInterval: 60,
    createdAt: 1,
  } as const;
  return { kind: 'putSession', session: { ...session, ...fields } };
}

export function deleteSession(number: number): StoreOperation {
  return { kind: 'deleteSession', clientId: `client-${number}`, session: number };
}

export function putQueued(
  session: number,
  sequence: number,
  fields: Partial<StoredMessage> = {},
  messageSequence?: number,
): StoreOperation {
  const payload = new Uint8Array([1, 2, 3]);
  const message = { topic: 't', payload, qos: 1, retain: false, properties: undefined, publishedAt: 5 } as const;
  return {
    kind: 'putQueued',
    session,
    entry: { sequence, qos: 1, retain: false, subscriptionIdentifiers: [], message: { ...message, ...fields } },
    messageSequence,
  };
}

export function deleteQueued(session: number, sequence: number): StoreOperation {
  return { kind: 'deleteQueued', session, sequence };
}

export function putInbound(session: number, packetIdentifier: number): StoreOperation {
  return { kind: 'putInbound', session, packetIdentifier };
}
