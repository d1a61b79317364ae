import { encodeUtf8, PacketType } from '@hawser/codec';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Delivery } from '../messages/delivery.ts';
import { Message } from '../messages/message.ts';
import { Session, type SessionConnection, type SessionHost } from './session.ts';

const NEVER = Number.POSITIVE_INFINITY;
const decoder = new TextDecoder();

let told: string[];
let session: Session;

/** Says what it is told, and stores everything at once when it has a disk. */
class Host implements SessionHost {
  committed = NEVER;
  #sequence = 0;

  storeQueued(delivery: Delivery): number {
    delivery.sequence = ++this.#sequence;
    return delivery.sequence;
  }
  storeLate(): void {}
  storeDequeued({ sequence }: Delivery): void {
    told.push(`deleted ${sequence}`);
  }
  storeOutbound(packetIdentifier: number, _sequence: number, _qos: number, state: string): number {
    told.push(`${state} ${packetIdentifier}`);
    return 100;
  }
  storeOutboundDone(packetIdentifier: number): void {
    told.push(`done ${packetIdentifier}`);
  }
  waitFor(ticket: number): void {
    told.push(`waits for ${ticket}`);
  }
  requestPage(): void {}
  onDropped(cause: string, { message }: Delivery): void {
    told.push(`${cause} ${message.topic.name}`);
  }
  onSettled(): void {}
}

function connection(version: 4 | 5 = 5): SessionConnection & { readonly sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    version,
    aliases: undefined,
    output: { congested: false },
    peerMaximumPacketSize: NEVER,
    writePublish(topic, _payload, qos, retain, dup, packetIdentifier) {
      sent.push(`${decoder.decode(topic)} ${qos}${retain ? ' retain' : ''}${dup ? ' dup' : ''} #${packetIdentifier}`);
      return true;
    },
    acknowledge(type, packetIdentifier) {
      sent.push(`${type === PacketType.PUBREL ? 'pubrel' : type} #${packetIdentifier}`);
    },
    releaseSoon() {},
  };
}

function message(name: string, retain = false): Message {
  return new Message(
    {
      topic: { name, bytes: encodeUtf8(name) },
      payload: new Uint8Array(0),
      qos: 2,
      retain,
      properties: undefined,
      publisher: undefined,
      receivedAtMs: 0,
      expiresAtMs: NEVER,
    },
    true,
  );
}

let host: Host;

beforeEach(() => {
  told = [];
  host = new Host();
  make(true);
});

function make(survives: boolean): void {
  const bounds = { messages: 100, bytes: NEVER, policy: 'drop-oldest' } as const;
  session = new Session(host, { survives, bounds, pageSize: NEVER });
}

const deliver = (name: string, qos: 0 | 1 | 2 = 1, retain = false): number =>
  session.deliver(message(name, retain), qos, retain, undefined, undefined, 0, 0);

describe('a session', () => {
  test('sends what the window lets go, and the rest as it is acknowledged', () => {
    const peer = connection();
    session.attach(peer, 2, 0);
    for (const name of ['a', 'b', 'c']) deliver(name);
    expect(peer.sent).toEqual(['a 1 #1', 'b 1 #2']);
    session.handlePuback(1, 0, 0);
    expect(peer.sent.at(-1)).toBe('c 1 #3');
    expect(session.handlePuback(9, 0, 0)).toBe(true);
    expect(session.handlePubcomp(2, 0)).toBe(false);
  });

  // [MQTT5-4.4.0-1]
  test('sends again on another connection: PUBLISH with DUP, PUBREL, in order, then the queue', () => {
    let peer = connection();
    session.attach(peer, 3, 0);
    deliver('a', 2);
    deliver('b');
    deliver('c', 2);
    deliver('d');
    session.handlePubrec(1, 0, 0);
    session.detach();
    peer = connection();
    session.attach(peer, 10, 0);
    expect(peer.sent).toEqual(['pubrel #1', 'b 1 dup #2', 'c 2 dup #3', 'd 1 #4']);
  });

  test('of a QoS 2 message nothing leaves before its identifier is on disk', () => {
    host.committed = 50;
    const peer = connection();
    session.attach(peer, 10, 0);
    deliver('a', 2);
    expect([peer.sent, told]).toEqual([[], ['published 1', 'waits for 100']]);
    host.committed = 100;
    session.onCommitted(0);
    expect(peer.sent).toEqual(['a 2 #1']);
  });

  // [MQTT311-3.3.1-8] [MQTT311-3.3.1-9]
  test('RETAIN reaches a connection that does not know Retain As Published for retained messages alone', () => {
    deliver('live', 1, true);
    session.keepsRetain = false;
    const peer = connection(4);
    session.attach(peer, 10, 0);
    session.deliverRetained(message('kept', true), 1, undefined, 0);
    expect(peer.sent).toEqual(['live 1 #1', 'kept 1 retain #2']);
  });

  test('takes turns between its queue and what is owed beside it', () => {
    const peer = connection();
    const owed = ['x', 'y', 'z'];
    session.beside = {
      runOne: (now) => {
        const name = owed.shift();
        if (name !== undefined) session.deliverRetained(message(name, true), 1, undefined, now);
      },
    };
    for (const name of ['a', 'b', 'c', 'd']) deliver(name);
    session.attach(peer, 1, 0);
    for (let packetIdentifier = 1; packetIdentifier < 7; packetIdentifier++)
      session.handlePuback(packetIdentifier, 0, 0);
    expect(peer.sent.map((line) => line[0]).join('')).toBe('axbyczd');
  });

  test('of one that ends with its connection nothing is kept of what was sent', () => {
    make(false);
    const peer = connection();
    session.attach(peer, 10, 0);
    deliver('a');
    deliver('b', 2);
    expect([...session.unsettled()]).toEqual([]);
    expect(told).toEqual([]);
    session.handlePubrec(2, 0, 0);
    session.handlePubcomp(2, 0);
    session.handlePuback(1, 0, 0);
    expect(session.inFlight).toBe(0);
  });

  test('knows what its client has not taken: in flight first, then queued', () => {
    const peer = connection();
    session.attach(peer, 2, 0);
    for (const name of ['a', 'b', 'c', 'd']) deliver(name, 2);
    session.handlePubrec(1, 0, 0);
    expect([...session.unsettled()].map(({ message: { topic } }) => topic.name)).toEqual(['b', 'c', 'd']);
    expect([...session.releasedSequences]).toEqual([1]);
  });
});
