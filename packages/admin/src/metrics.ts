import { type Broker, inspectOverview, type OverviewView } from '@hawser/broker';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

type Source = (overview: OverviewView) => number;

const GAUGES: readonly (readonly [name: string, help: string, value: Source])[] = [
  ['hawser_clients_connected', 'Clients that are connected', ({ clientsConnected }) => clientsConnected],
  ['hawser_connections', 'Network connections, accepted or not yet', ({ connections }) => connections],
  ['hawser_sessions', 'Sessions, connected or not', ({ sessions }) => sessions],
  ['hawser_subscriptions', 'Subscriptions', ({ subscriptions }) => subscriptions],
  ['hawser_retained_messages', 'Retained messages', ({ retainedMessages }) => retainedMessages],
  ['hawser_retained_bytes', 'Bytes of retained messages', ({ retainedBytes }) => retainedBytes],
  ['hawser_queued_messages', 'Messages that wait for sessions', ({ queuedMessages }) => queuedMessages],
  ['hawser_uptime_seconds', 'Time since the broker started', ({ uptime }) => uptime],
];

const COUNTERS: readonly (readonly [name: string, help: string, value: Source])[] = [
  ['hawser_connections_accepted_total', 'Connections that were let in', (o) => o.connectionsAccepted],
  ['hawser_connections_refused_total', 'Connections that were not', (o) => o.connectionsRefused],
  ['hawser_takeovers_total', 'Sessions that another connection took over', (o) => o.takeovers],
  ['hawser_sessions_expired_total', 'Sessions that have expired', (o) => o.sessionsExpired],
  ['hawser_publishes_denied_total', 'PUBLISH packets that were not permitted', (o) => o.publishesDenied],
  ['hawser_subscribes_denied_total', 'Subscriptions that were not permitted', (o) => o.subscribesDenied],
  ['hawser_messages_received_total', 'PUBLISH packets from clients', (o) => o.messagesReceived],
  ['hawser_packets_received_total', 'MQTT packets from clients', (o) => o.packetsReceived],
  ['hawser_packets_sent_total', 'MQTT packets to clients', (o) => o.packetsSent],
  ['hawser_bytes_received_total', 'Bytes from clients', (o) => o.bytesReceived],
  ['hawser_bytes_sent_total', 'Bytes to clients', (o) => o.bytesSent],
  [
    'hawser_recorder_evicted_total',
    'Client Identifiers whose history was forgotten for want of room',
    (o) => o.recorder.evicted,
  ],
  ['hawser_recorder_dropped_lines_total', 'Lines of the history that were not written', (o) => o.recorder.droppedLines],
];

/** Metrics in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string;
  read(): Promise<string>;
}

/** What a broker counts; gathered when it is asked for, so that it costs nothing else. */
export function createMetrics(broker: Broker): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauges = GAUGES.map(([name, help, value]) => ({ metric: new Gauge({ name, help, registers }), value }));
  const counters = COUNTERS.map(([name, help, value]) => ({ metric: new Counter({ name, help, registers }), value }));
  const dropped = new Counter({
    name: 'hawser_messages_dropped_total',
    help: 'Messages that were lost, by cause',
    labelNames: ['cause'],
    registers,
  });
  const counted = new Counter({
    name: 'hawser_counted_total',
    help: 'What happened at a bound and else, under the names of docs/bounds.md',
    labelNames: ['counter'],
    registers,
  });
  return {
    contentType: registry.contentType,
    read() {
      const overview = inspectOverview(broker);
      for (const { metric, value } of gauges) metric.set(value(overview));
      for (const { metric, value } of counters) setCounter(metric, value(overview));
      dropped.reset();
      for (const [cause, count] of Object.entries(overview.lostByCause)) dropped.inc({ cause }, count);
      counted.reset();
      for (const [counter, count] of Object.entries(broker.counters))
        if (typeof count === 'number') counted.inc({ counter }, count);
      return registry.metrics();
    },
  };
}

function setCounter(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}
