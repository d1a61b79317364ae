import type { LossCause } from '@hawser/broker';
import { hex, publishPacket, type Scenario, type Stage, subscribePacket } from './stage.ts';

const ANOTHER = { clientId: 'another' };

/** Messages of the broker's own process. */
async function publish(
  stage: Stage,
  count: number,
  qos: 0 | 1,
  topic = (_i: number) => 't/1',
  bytes = 4,
): Promise<void> {
  for (let i = 0; i < count; i++) stage.broker.publish(topic(i), new Uint8Array(bytes), { qos });
  await stage.settle();
}

/** Each loses exactly three messages of the client. */
export const LOST = 3;

/** Every way to lose a message, by the cause that the ledger of the client must have afterwards. */
export const LOSSES_REACHED: Readonly<Record<LossCause, Scenario>> = {
  'queue-full': {
    settings: { 'queue.messages': 5 },
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, 5 + LOST, 1);
    },
  },
  superseded: {
    settings: { 'queue.messages': 5, 'queue.policy': 'keep-last-per-topic' },
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, 1 + LOST, 1);
    },
  },
  'too-old': {
    settings: { 'queue.age': 10 },
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, LOST, 1);
      await stage.clock.advance(60_000);
    },
  },
  expired: {
    settings: { 'messages.expiryMax': 10 },
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, LOST, 1);
      await stage.clock.advance(60_000);
    },
  },
  'packet-too-large': {
    run: async (stage) => {
      const peer = await stage.join(5, { properties: { maximumPacketSize: 100 } });
      await stage.send(peer, subscribePacket('t/#', 1));
      await publish(stage, 1, 0, undefined, 200);
      await publish(stage, LOST - 1, 1, undefined, 200);
    },
  },
  'slow-consumer': {
    settings: { 'limits.outputBytes': 1024, 'backpressure.pauseMax': 0 },
    run: async (stage) => {
      const peer = await stage.join();
      await stage.send(peer, subscribePacket('t/#'));
      peer.stuck = true;
      // One is with the transport, the next fills what may wait.
      await publish(stage, 1, 0, undefined, 2000);
      await publish(stage, 1, 0, undefined, 2000);
      await publish(stage, LOST, 0, undefined, 2000);
      await stage.clock.advance(1000);
    },
  },
  'rejected-by-receiver': {
    run: async (stage) => {
      const peer = await stage.join();
      await stage.send(peer, subscribePacket('t/#', 1));
      await publish(stage, LOST, 1);
      for (const packet of peer.decoded()) {
        if (packet.type !== 'publish') continue;
        const { packetIdentifier } = packet;
        await stage.send(peer, { type: 'puback', packetIdentifier, reasonCode: 0x83, properties: undefined });
      }
    },
  },
  'not-authorized': {
    options: { authorize: ({ action }) => (action === 'publish' ? 'deny' : 'allow') },
    run: async (stage) => {
      const peer = await stage.join();
      for (let i = 0; i < LOST; i++) await stage.send(peer, publishPacket('t', 1, i + 1));
    },
  },
  'no-longer-permitted': {
    options: { authorize: () => 'allow' },
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, LOST, 1);
      stage.broker.setAuthorizer(() => 'deny');
      await stage.join(5, { cleanStart: false });
    },
  },
  'policy-failed': {
    options: {
      authorize: () => {
        throw new Error('the rules are gone');
      },
    },
    run: async (stage) => {
      const peer = await stage.join();
      for (let i = 0; i < LOST; i++) await stage.send(peer, publishPacket('t', 1, i + 1));
    },
  },
  'offline-qos0': {
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, LOST, 0);
    },
  },
  'session-ended': {
    run: async (stage) => {
      await stage.leaveSession();
      await publish(stage, LOST, 1);
      await stage.clock.advance(1_001_000);
    },
  },
  'retained-limit': {
    settings: { 'limits.retainedMessages': 0 },
    run: async (stage) => {
      const peer = await stage.join();
      await stage.send(peer, publishPacket('t', 0, 0, { retain: true }));
      for (let i = 1; i < LOST; i++) await stage.send(peer, publishPacket('t', 1, i, { retain: true }));
    },
  },
  'store-fault': {
    stored: true,
    run: async (stage) => {
      const peer = await stage.join();
      stage.store.fail(new Error('no space left on device'));
      await stage.send(peer, publishPacket('t', 0, 0, { retain: true }));
      for (let i = 1; i < LOST; i++) await stage.send(peer, publishPacket('t', 1, i, { retain: true }));
    },
  },
  'quota-exceeded': {
    settings: { 'queue.messages': 1, 'queue.policy': 'refuse' },
    run: async (stage) => {
      await stage.leaveSession(1, ANOTHER);
      const peer = await stage.join();
      for (let i = 0; i <= LOST; i++) await stage.send(peer, publishPacket('t/1', 1, i + 1));
    },
  },
  'payload-format-invalid': {
    settings: { 'messages.checkPayloadFormat': true },
    run: async (stage) => {
      const peer = await stage.join();
      for (let i = 0; i < LOST; i++) await stage.sendBytes(peer, hex(`32 09 00 01 74 00 0${i + 1} 02 01 01 ff`));
    },
  },
};
