// The rows of the performance table: the load, and what Hawser must reach. `atLeast` and `atMost` are absolute (deliveries or
// connections a second, milliseconds, KiB); `ratio` is against Mosquitto in the same run. `measure`: in place of a load.
import { killLoss } from './kill-loss.mjs';

/** What one row shows of a measurement, and whether more of it is better. */
const deliveries = { metric: 'out_per_s', unit: 'deliveries/s', better: 'more' };

/** As its publisher sees it. */
const acknowledgement = { metric: 'ack_p99_ms', unit: 'ms to PUBACK, p99', better: 'less' };
/** By the operating system's count (/proc/PID/io), with all that LevelDB rewrites. */
const written = { metric: 'disk_per_message', unit: 'bytes to disk for each', better: 'less' };

export const rows = [
  {
    id: 'fan10',
    title: 'fan-out QoS 0, 1 → 10',
    load: '--mode fan --pubs 1 --subs 10',
    shows: [{ ...deliveries, atLeast: 12e6, ratio: 40 }],
  },
  {
    id: 'fan100',
    title: 'fan-out QoS 0, 1 → 100',
    load: '--mode fan --pubs 1 --subs 100 --window 100000',
    shows: [{ ...deliveries, atLeast: 25e6, ratio: 90 }],
  },
  {
    id: 'pair',
    title: '50 topics, 1 → 1 each, QoS 0',
    load: '--mode pair --pubs 50 --subs 1',
    shows: [{ ...deliveries, atLeast: 1.6e6, ratio: 7 }],
  },
  {
    id: 'pair10',
    title: '50 topics, 1 → 10 each, QoS 0',
    load: '--mode pair --pubs 50 --subs 10',
    shows: [{ ...deliveries, atLeast: 4e6, ratio: 15 }],
  },
  {
    id: 'pair-qos1',
    title: '50 topics, 1 → 1 each, QoS 1',
    load: '--mode pair --pubs 50 --subs 1 --qos 1',
    shows: [{ ...deliveries, atLeast: 0.6e6, ratio: 6 }],
  },
  {
    id: 'fanin-qos1',
    title: 'fan-in QoS 1, 50 → 1',
    load: '--mode fanin --pubs 50 --qos 1',
    shows: [{ ...deliveries, atLeast: 0.6e6, ratio: 6 }],
  },
  {
    id: 'pair10-qos2',
    title: '50 topics, 1 → 10 each, QoS 2',
    load: '--mode pair --pubs 50 --subs 10 --qos 2',
    shows: [{ ...deliveries, atLeast: 0.5e6 }],
  },
  {
    id: 'ws-fan10',
    title: 'WebSocket: fan-out QoS 0, 1 → 10',
    load: '--ws 1 --mode fan --pubs 1 --subs 10',
    overWebSocket: true,
    shows: [deliveries],
  },
  {
    id: 'ws-fan100',
    title: 'WebSocket: fan-out QoS 0, 1 → 100',
    load: '--ws 1 --mode fan --pubs 1 --subs 100 --window 100000',
    overWebSocket: true,
    shows: [deliveries],
  },
  {
    id: 'ws-pair-qos1',
    title: 'WebSocket: 50 topics, 1 → 1 each, QoS 1',
    load: '--ws 1 --mode pair --pubs 50 --subs 1 --qos 1',
    overWebSocket: true,
    shows: [deliveries],
  },
  {
    id: 'durable',
    title: 'QoS 1 to a durable session, 50 publishers, subscriber online',
    load: '--mode fanin --pubs 50 --qos 1 --durable',
    onDisk: true,
    shows: [{ ...deliveries, atLeast: 60e3 }, acknowledgement, written],
  },
  {
    id: 'durable-offline',
    title: 'QoS 1 to a durable session, 50 publishers, subscriber away',
    load: '--mode fanin --pubs 50 --qos 1 --durable --offline',
    onDisk: true,
    shows: [{ ...deliveries, unit: 'acknowledged/s', atLeast: 60e3 }, acknowledgement, written],
  },
  {
    id: 'durable-1',
    title: 'QoS 1 to a durable session, 1 publisher, subscriber online',
    load: '--mode fanin --pubs 1 --qos 1 --durable',
    onDisk: true,
    shows: [deliveries, acknowledgement, written],
  },
  {
    id: 'durable-1-offline',
    title: 'QoS 1 to a durable session, 1 publisher, subscriber away',
    load: '--mode fanin --pubs 1 --qos 1 --durable --offline',
    onDisk: true,
    shows: [{ ...deliveries, unit: 'acknowledged/s' }, acknowledgement, written],
  },
  {
    id: 'kill',
    title: 'kill -9 under load, QoS 1 to a durable session that is away',
    measure: killLoss,
    onDisk: true,
    shows: [
      { metric: 'acknowledged', unit: 'acknowledged before', better: 'more' },
      { metric: 'lost', unit: 'acknowledged and lost', better: 'less', atMost: 0 },
    ],
  },
  {
    id: 'latency',
    title: 'latency, 2,000 msg/s → 10, QoS 0',
    load: '--mode fan --pubs 1 --subs 10 --rate 2000',
    shows: [
      { metric: 'p50_ms', unit: 'ms, p50', better: 'less', ratio: 1.2 },
      { metric: 'p99_ms', unit: 'ms, p99', better: 'less', ratio: 1.5 },
    ],
  },
  {
    id: 'conn',
    title: 'connections',
    load: '--mode conn --pubs 10000',
    shows: [
      { metric: 'per_s', unit: 'connections/s', better: 'more', atLeast: 10e3 },
      { metric: 'kb_per_conn', unit: 'KiB of RSS each, idle', better: 'less', atMost: 6 },
    ],
  },
];
