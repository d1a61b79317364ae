import { ALLOW_CONNECT, clearSession, kickClient, type RecorderLog } from '@hawser/broker';
import { allowedReasonCodes, reasonCodeName } from '@hawser/codec';
import { publishPacket, type Scenario, type Scenarios } from './stage.ts';

/** What a run has written down, for the next one. */
class KeptLog implements RecorderLog {
  onRotated: (() => void) | undefined;
  readonly dropped = 0;
  readonly #lines: string[] = [];

  async open(): Promise<Iterable<string>> {
    return [...this.#lines];
  }

  append(line: string): void {
    this.#lines.push(line);
  }

  async close(): Promise<void> {}
}

const leaves = (reasonCode: number): Scenario => ({
  run: async (stage) => stage.send(await stage.join(), { type: 'disconnect', reasonCode, properties: undefined }),
});

/** How a connection that was accepted ends. */
export const ENDS: Scenarios = {
  connected: { run: (stage) => stage.join().then(() => {}) },
  'normal-disconnection': leaves(0),
  'disconnect-with-will-message': leaves(4),
  'network-lost': {
    run: async (stage) => (await stage.join()).destroy(),
  },
  'keep-alive-timeout': {
    run: async (stage) => {
      await stage.join(5, { keepAlive: 10 });
      await stage.clock.advance(16_000);
    },
  },
  'session-taken-over': {
    run: async (stage) => {
      await stage.join();
      await stage.join();
    },
  },
  'administrative-action': {
    run: async (stage) => {
      await stage.join();
      kickClient(stage.broker, 'it');
    },
  },
  'server-shutting-down': {
    run: async (stage) => {
      await stage.join();
      const closing = stage.broker.close();
      await stage.clock.advance(6000);
      await closing;
    },
  },
  'broker-ended': {
    run: async (stage) => {
      const recorderLog = new KeptLog();
      await stage.open({ recorderLog });
      await stage.join();
      // It goes down without a word, and is started again.
      await stage.open({ recorderLog });
    },
  },
  'internal-error': {
    run: async (stage) => {
      const it = await stage.join();
      stage.broker.router.publish = () => {
        throw new Error('a bug of the router');
      };
      await stage.send(it, publishPacket('t', 0, 0));
    },
  },
  'maximum-connect-time': {
    options: {
      authenticate: () => ({ ...ALLOW_CONNECT, expiresAt: Date.UTC(2026, 0, 1, 0, 1) }),
    },
    run: async (stage) => {
      await stage.join();
      await stage.clock.advance(61_000);
    },
  },
  'not-authorized': {
    settings: { 'policy.denyCloses': true },
    options: { authorize: () => 'deny' },
    run: async (stage) => stage.send(await stage.join(4), publishPacket('t', 0, 0)),
  },
  // 3.x has no way to refuse a PUBLISH.
  'policy-failed': {
    options: {
      authorize: () => {
        throw new Error('the rules are gone');
      },
    },
    run: async (stage) => stage.send(await stage.join(4), publishPacket('t', 1, 1)),
  },
  'payload-format-invalid': {
    settings: { 'messages.checkPayloadFormat': true },
    run: async (stage) => {
      const change = { payload: Uint8Array.of(0xff), properties: { payloadFormatIndicator: 1 as const } };
      await stage.send(await stage.join(), publishPacket('t', 0, 0, change));
    },
  },
  // 3.x has no way to refuse a PUBLISH.
  'quota-exceeded': {
    settings: { 'limits.inboundQos2': 1 },
    run: async (stage) => stage.send(await stage.join(4), publishPacket('t', 2, 1), publishPacket('t', 2, 2)),
  },
  'retained-limit': {
    settings: { 'limits.retainedMessages': 0 },
    run: async (stage) => stage.send(await stage.join(4), publishPacket('t', 1, 1, { retain: true })),
  },
  'store-fault': {
    stored: true,
    run: async (stage) => {
      const peer = await stage.join(4);
      stage.store.fail(new Error('no space left on device'));
      await stage.send(peer, publishPacket('t', 1, 1, { retain: true }));
    },
  },
};

/** What a client says with a DISCONNECT of its own. */
export const CLIENT_COMPLAINTS: Scenarios = Object.fromEntries(
  allowedReasonCodes['DISCONNECT to-server']
    .filter((reasonCode) => reasonCode >= 0x80)
    .map((reasonCode) => [reasonCodeName(reasonCode), leaves(reasonCode)]),
);

/** How a session ends. */
export const SESSION_ENDINGS: Scenarios = {
  'session-expired': {
    run: async (stage) => {
      await stage.leaveSession();
      await stage.clock.advance(1_001_000);
    },
  },
  'session-clean-start': {
    run: async (stage) => {
      await stage.leaveSession();
      await stage.join();
    },
  },
  'session-closed': {
    run: async (stage) => {
      const peer = await stage.join(5, { properties: { sessionExpiryInterval: 1000 } });
      const properties = { sessionExpiryInterval: 0 };
      await stage.send(peer, { type: 'disconnect', reasonCode: 0, properties });
    },
  },
  'session-cleared': {
    run: async (stage) => {
      await stage.leaveSession();
      clearSession(stage.broker, 'it');
    },
  },
};
