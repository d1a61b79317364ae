import { encodeUtf8 } from '@hawser/codec';
import type { Broker } from '../broker.ts';
import { Message } from '../messages/message.ts';
import { inspectOverview } from './inspect.ts';
import type { OverviewView } from './views.ts';

/** Names and formats are Mosquitto's, below `$SYS/broker/`; `heap` is that of the JavaScript engine. */
const TOPICS: readonly (readonly [topic: string, value: (overview: OverviewView) => number | string])[] = [
  ['uptime', ({ uptime }) => `${uptime} seconds`],
  ['clients/connected', (o) => o.clientsConnected],
  ['clients/active', (o) => o.clientsConnected],
  ['clients/disconnected', away],
  ['clients/inactive', away],
  ['clients/total', (o) => o.sessions],
  ['clients/expired', (o) => o.sessionsExpired],
  ['messages/received', (o) => o.packetsReceived],
  ['messages/sent', (o) => o.packetsSent],
  ['messages/stored', (o) => o.queuedMessages + o.retainedMessages],
  ['store/messages/count', (o) => o.queuedMessages + o.retainedMessages],
  ['store/messages/bytes', (o) => o.queuedBytes + o.retainedBytes],
  ['publish/messages/received', (o) => o.messagesReceived],
  ['publish/messages/sent', (o) => o.messagesSent],
  ['publish/messages/dropped', (o) => o.dropped],
  ['publish/bytes/received', (o) => o.payloadBytesReceived],
  ['publish/bytes/sent', (o) => o.payloadBytesSent],
  ['bytes/received', (o) => o.bytesReceived],
  ['bytes/sent', (o) => o.bytesSent],
  ['retained messages/count', (o) => o.retainedMessages],
  ['subscriptions/count', (o) => o.subscriptions],
  ['shared_subscriptions/count', (o) => o.sharedSubscriptions],
  // Hawser's own.
  ['connections/refused', (o) => o.connectionsRefused],
  ['takeovers', (o) => o.takeovers],
];

function away({ sessions, clientsConnected }: OverviewView): number {
  return Math.max(0, sessions - clientsConnected);
}

/** Figures per minute, as averages of the last 1, 5 and 15 minutes. */
const LOADS: readonly (readonly [topic: string, value: (overview: OverviewView) => number])[] = [
  ['load/messages/received', (o) => o.packetsReceived],
  ['load/messages/sent', (o) => o.packetsSent],
  ['load/publish/received', (o) => o.messagesReceived],
  ['load/publish/sent', (o) => o.messagesSent],
  ['load/publish/dropped', (o) => o.dropped],
  ['load/bytes/received', (o) => o.bytesReceived],
  ['load/bytes/sent', (o) => o.bytesSent],
  ['load/connections', (o) => o.connectionsAccepted],
  ['load/sockets', (o) => o.connectionsAccepted + o.connectionsRefused],
];
const MINUTES = [1, 5, 15];

/**
 * Publishes figures of the broker to `$SYS/broker/…` every `sys.interval`, retained in memory alone. What has not changed is
 * not published again. Returns how to stop it; `sys.interval` 0: it never begins.
 */
export function startSysTopics(broker: Broker, version: string): () => void {
  const intervalMs = broker.settings['sys.interval'] * 1000;
  if (intervalMs === 0) return () => {};
  const { clock } = broker.driverNode;
  const topics = new SysTopics(broker, version);
  let cancel: () => void;
  const publish = (): void => {
    topics.publish(broker.now());
    cancel = clock.setTimer(broker.now() + intervalMs, publish);
  };
  publish();
  return () => cancel();
}

class SysTopics {
  readonly #broker: Broker;
  readonly #version: string;
  readonly #last = new Map<string, string>();
  readonly #averages = new Map<string, { total: number; readonly perMinute: number[] }>();
  #maximum = 0;
  #heapMaximum = 0;
  #lastMs: number | undefined;

  constructor(broker: Broker, version: string) {
    this.#broker = broker;
    this.#version = version;
  }

  publish(now: number): void {
    const overview = inspectOverview(this.#broker);
    this.#maximum = Math.max(this.#maximum, overview.clientsConnected);
    this.#set('version', `hawser version ${this.#version}`);
    this.#set('clients/maximum', String(this.#maximum));
    const heap = process.memoryUsage().heapUsed;
    this.#heapMaximum = Math.max(this.#heapMaximum, heap);
    this.#set('heap/current', String(heap));
    this.#set('heap/maximum', String(this.#heapMaximum));
    for (const [topic, value] of TOPICS) this.#set(topic, String(value(overview)));
    const minutes = this.#lastMs === undefined ? 0 : (now - this.#lastMs) / 60_000;
    this.#lastMs = now;
    for (const [topic, value] of LOADS) this.#load(topic, value(overview), minutes);
  }

  #load(topic: string, total: number, minutes: number): void {
    const known = this.#averages.get(topic);
    if (known === undefined || minutes <= 0) {
      this.#averages.set(topic, { total, perMinute: MINUTES.map(() => 0) });
      for (const window of MINUTES) this.#set(`${topic}/${window}min`, '0.00');
      return;
    }
    const rate = (total - known.total) / minutes;
    known.total = total;
    for (const [i, window] of MINUTES.entries()) {
      const weight = Math.exp(-minutes / window);
      const average = (known.perMinute[i] ?? 0) * weight + rate * (1 - weight);
      known.perMinute[i] = average;
      this.#set(`${topic}/${window}min`, average.toFixed(2));
    }
  }

  #set(name: string, value: string): void {
    if (this.#last.get(name) === value) return;
    this.#last.set(name, value);
    const topic = `$SYS/broker/${name}`;
    const payload = encodeUtf8(value);
    const { router } = this.#broker;
    // Kept past the store: a disk is not for figures that are wrong after a restart.
    router.retained.restore(
      new Message(
        {
          topic: { name: topic, bytes: encodeUtf8(topic) },
          payload,
          qos: 0,
          retain: true,
          properties: undefined,
          publisher: undefined,
          receivedAtMs: this.#broker.now(),
          expiresAtMs: Number.POSITIVE_INFINITY,
        },
        true,
      ),
    );
    this.#broker.publish(topic, payload);
  }
}
