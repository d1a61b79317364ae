import { type Broker, type Counters, inspectOverview, type OverviewView } from '@hawser/broker';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

type Source = (overview: OverviewView, broker: Broker) => number;
type Row = readonly [name: string, help: string, value: Source];

const GAUGES: readonly Row[] = [
  ['hawser_clients_connected', 'Clients that are connected', ({ clientsConnected }) => clientsConnected],
  ['hawser_connections', 'Network connections, accepted or not yet', ({ connections }) => connections],
  ['hawser_sessions', 'Sessions, connected or not', ({ sessions }) => sessions],
  ['hawser_subscriptions', 'Subscriptions', ({ subscriptions }) => subscriptions],
  ['hawser_shared_subscriptions', 'Subscriptions that share their messages', (o) => o.sharedSubscriptions],
  ['hawser_retained_messages', 'Retained messages', ({ retainedMessages }) => retainedMessages],
  ['hawser_retained_bytes', 'Bytes of retained messages', ({ retainedBytes }) => retainedBytes],
  ['hawser_queued_messages', 'Messages that wait for sessions', ({ queuedMessages }) => queuedMessages],
  ['hawser_queued_bytes', 'Bytes of messages that wait for sessions', ({ queuedBytes }) => queuedBytes],
  ['hawser_output_waiting_bytes', 'Bytes that wait for clients that do not read', (_, b) => b.slab.waitingBytes],
  ['hawser_banned', 'Addresses and clients that are kept out', (_, broker) => broker.bans.list().length],
  ['hawser_uptime_seconds', 'Time since the broker started', ({ uptime }) => uptime],
  [
    'hawser_event_loop_delay_seconds',
    'How late the event loop was of late, at worst',
    (_, broker) => broker.loopDelayMs() / 1000,
  ],
];

/** Of the broker with a store alone. */
const STORE_GAUGES: readonly Row[] = [
  ['hawser_store_pending_bytes', 'Bytes that wait for the disk', (_, broker) => broker.store?.pendingBytes ?? 0],
  ['hawser_store_bytes', 'Size of the data directory', (_, broker) => broker.guard.space?.dataBytes ?? 0],
  ['hawser_store_free_bytes', 'What the disk has left', (_, broker) => broker.guard.space?.freeBytes ?? 0],
  ['hawser_store_writable', '1: it can be written; 0: it cannot', (_, b) => (b.guard.refusal === undefined ? 1 : 0)],
];

const COUNTERS: readonly Row[] = [
  ['hawser_connections_accepted_total', 'Connections that were let in', (o) => o.connectionsAccepted],
  ['hawser_takeovers_total', 'Sessions that another connection took over', (o) => o.takeovers],
  ['hawser_sessions_expired_total', 'Sessions that have expired', (o) => o.sessionsExpired],
  ['hawser_publishes_denied_total', 'PUBLISH packets that were not permitted', (o) => o.publishesDenied],
  ['hawser_subscribes_denied_total', 'Subscriptions that were not permitted', (o) => o.subscribesDenied],
  ['hawser_messages_received_total', 'PUBLISH packets from clients', (o) => o.messagesReceived],
  ['hawser_messages_sent_total', 'PUBLISH packets to clients', (o) => o.messagesSent],
  ['hawser_payload_bytes_received_total', 'Payload bytes of PUBLISH from clients', (o) => o.payloadBytesReceived],
  ['hawser_payload_bytes_sent_total', 'Payload bytes of PUBLISH to clients', (o) => o.payloadBytesSent],
  ['hawser_packets_received_total', 'MQTT packets from clients', (o) => o.packetsReceived],
  ['hawser_packets_sent_total', 'MQTT packets to clients', (o) => o.packetsSent],
  ['hawser_bytes_received_total', 'Bytes from clients', (o) => o.bytesReceived],
  ['hawser_bytes_sent_total', 'Bytes to clients', (o) => o.bytesSent],
  ['hawser_failed_logins_total', 'Wrong user names and passwords', counted('failedLogins')],
  ['hawser_abandoned_logins_total', 'Clients that hung up while they were being checked', counted('abandonedLogins')],
  [
    'hawser_publishes_undecided_total',
    'PUBLISH packets that nobody could say of whether they are permitted',
    counted('publishesUndecided'),
  ],
  ['hawser_banned_connections_total', 'Connections of those who are kept out', counted('bannedConnections')],
  [
    'hawser_limited_connections_total',
    'Connections over a bound of one address, user or rate',
    counted('limitedConnections'),
  ],
  ['hawser_overload_refusals_total', 'Newcomers refused because the event loop was late', counted('overloadRefusals')],
  ['hawser_foreign_client_ids_total', "Connections with another user's Client Identifier", counted('foreignClientIds')],
  ['hawser_credentials_expired_total', 'Connections that ended with their credentials', counted('credentialsExpired')],
  [
    'hawser_subscriptions_suspended_total',
    'Subscriptions that new rules have silenced',
    counted('subscriptionsSuspended'),
  ],
  ['hawser_quota_refusals_total', 'What was refused because a session has as much as it may', counted('quotaRefusals')],
  ['hawser_limit_closures_total', 'Connections ended because a packet was over a bound', counted('limitClosures')],
  [
    'hawser_input_overflows_total',
    'Connections ended because too many parts of packets were held',
    counted('inputOverflows'),
  ],
  ['hawser_api_requests_limited_total', 'HTTP requests and connections over a bound', counted('apiRequestsLimited')],
  ['hawser_api_failed_logins_total', 'Wrong passwords and tokens shown to the API', counted('apiFailedLogins')],
  ['hawser_api_logins_limited_total', 'Logins to the API that had to wait', counted('apiLoginsLimited')],
  ['hawser_api_sessions_evicted_total', 'Sessions of the API that made room', counted('apiSessionsEvicted')],
  ['hawser_rate_pauses_total', 'Times a client was not read because it sent too fast', counted('ratePauses')],
  ['hawser_backpressure_pauses_total', 'Times publishers waited for a subscriber', counted('backpressurePauses')],
  [
    'hawser_reading_pauses_total',
    'Times a client was not read because of its answers or the disk',
    counted('readingPauses'),
  ],
  ['hawser_slow_consumers_total', 'Subscribers that began to lose QoS 0', counted('slowConsumers')],
  [
    'hawser_turns_yielded_total',
    "Times a client's packets were put off to let others go first",
    counted('turnsYielded'),
  ],
  ['hawser_routes_evicted_total', 'Topics whose receivers were forgotten for want of room', counted('routesEvicted')],
  [
    'hawser_recorder_evicted_total',
    'Client Identifiers whose history was forgotten for want of room',
    (o) => o.recorder.evicted,
  ],
  ['hawser_recorder_dropped_lines_total', 'Lines of the history that were not written', (o) => o.recorder.droppedLines],
];

type NumberOf<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];

function counted(name: NumberOf<Counters>): Source {
  return (_overview, broker) => broker.counters[name];
}

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
  const rows = broker.store === undefined ? GAUGES : [...GAUGES, ...STORE_GAUGES];
  const gauges = rows.map(([name, help, value]) => ({ metric: new Gauge({ name, help, registers }), value }));
  const counters = COUNTERS.map(([name, help, value]) => ({ metric: new Counter({ name, help, registers }), value }));
  const dropped = new Counter({
    name: 'hawser_messages_dropped_total',
    help: 'Messages that were lost, by cause',
    labelNames: ['cause'],
    registers,
  });
  const longestTurn = new Gauge({
    name: 'hawser_longest_turn_seconds',
    help: 'The longest turn of the event loop in the last minute or two, by what it was spent on; other: no work explains it',
    labelNames: ['cause'],
    registers,
  });
  const refused = new Counter({
    name: 'hawser_connections_refused_total',
    help: 'Connections that were not let in, by code: before the CONNECT, or with the CONNACK',
    labelNames: ['code'],
    registers,
  });
  const closed = new Counter({
    name: 'hawser_connections_closed_total',
    help: 'Connections that were let in and have ended, by code and by who ended them (self: the broker)',
    labelNames: ['by', 'code'],
    registers,
  });
  return {
    contentType: registry.contentType,
    async read() {
      const overview = inspectOverview(broker);
      for (const { metric, value } of gauges) metric.set(value(overview, broker));
      for (const { metric, value } of counters) {
        metric.reset();
        metric.inc(value(overview, broker));
      }
      dropped.reset();
      for (const [cause, count] of Object.entries(overview.lostByCause)) dropped.inc({ cause }, count);
      longestTurn.reset();
      longestTurn.set({ cause: overview.longestTurn.cause }, overview.longestTurn.seconds);
      refused.reset();
      for (const [code, count] of Object.entries(overview.refusedByCode)) refused.inc({ code }, count);
      closed.reset();
      for (const [by, codes] of Object.entries(overview.closedByCode)) {
        for (const [code, count] of Object.entries(codes)) closed.inc({ by, code }, count);
      }
      return (await registry.metrics()) + (broker.store === undefined ? '' : commitTimes(broker));
    },
  };
}

/** A histogram that the broker has filled already: prom-client has none of that kind. */
function commitTimes({
  journal: {
    times: { buckets, count, sumMs },
  },
}: Broker): string {
  const name = 'hawser_store_commit_seconds';
  return [
    `# HELP ${name} How long the store took from an operation to its commit, one timed at a time`,
    `# TYPE ${name} histogram`,
    ...buckets.map(([boundMs, most]) => `${name}_bucket{le="${boundMs / 1000}"} ${most}`),
    `${name}_bucket{le="+Inf"} ${count}`,
    `${name}_sum ${sumMs / 1000}`,
    `${name}_count ${count}`,
    '',
  ].join('\n');
}
