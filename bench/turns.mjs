// How long one client, or many, can hold up everybody: floods a broker in each way that was found to, and prints the CPU time of its longest
// turn of the event loop, without garbage collection.
//
//   node bench/turns.mjs                 all floods, the median of five runs each; fails over 10 ms
//   node bench/turns.mjs denied pings    these
//   --runs N
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodePacket } from '../packages/codec/dist/index.js';
import { median } from './report.mjs';

const mostMs = 10;
const many = 10_000;
const inOnePacket = 1000;
const askAgainMs = 200;
const endSeenMs = 500;
const file = fileURLToPath(new URL('turns-broker.mjs', import.meta.url));

const numbered = (count, of) => Array.from({ length: count }, (_, i) => of(i));
const publish = (topic, options = {}) => ({
  type: 'publish',
  topic,
  payload: Buffer.from('x'),
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: undefined,
  ...options,
});
const ping = { type: 'pingreq' };

/** Several SUBSCRIBE or UNSUBSCRIBE for so many filters. */
function inPackets(filters, packetOf) {
  const packets = [];
  for (let at = 0; at < filters.length; at += inOnePacket)
    packets.push(packetOf(filters.slice(at, at + inOnePacket), packets.length + 1));
  return packets;
}

const subscribes = (filters) =>
  inPackets(filters, (some, packetIdentifier) => ({
    type: 'subscribe',
    packetIdentifier,
    properties: undefined,
    subscriptions: some.map((topicFilter) => ({
      topicFilter,
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    })),
  }));

const unsubscribes = (topicFilters) =>
  inPackets(topicFilters, (some, packetIdentifier) => ({
    type: 'unsubscribe',
    packetIdentifier,
    properties: undefined,
    topicFilters: some,
  }));

class Client {
  static async open(port, clientId, kept = false) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const client = new Client(socket);
    client.send({
      type: 'connect',
      protocolVersion: 5,
      cleanStart: !kept,
      keepAlive: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      bridge: false,
      properties: kept ? { sessionExpiryInterval: 1000 } : undefined,
    });
    await client.answered();
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.tail = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      this.tail = bytes.length >= 2 ? bytes.subarray(-2) : Buffer.concat([this.tail, bytes]).subarray(-2);
      this.onData?.();
    });
  }

  send(...packets) {
    this.socket.write(Buffer.concat(packets.map((packet) => encodePacket(packet, 5))));
  }

  /** The next bytes have come. */
  answered() {
    return new Promise((resolve) => {
      this.onData = resolve;
    });
  }

  /** Everything that was sent before has been handled: a PINGRESP comes last. It may come before acknowledgements, so it is asked for again. */
  settled() {
    return new Promise((resolve) => {
      const again = setInterval(() => this.send(ping), askAgainMs);
      this.onData = () => {
        if (this.tail[0] !== 0xd0 || this.tail[1] !== 0) return;
        clearInterval(again);
        resolve();
      };
      this.send(ping);
    });
  }

  /** Sends all of these, and waits for the last to be handled. */
  flood(...packets) {
    this.send(...packets);
    return this.settled();
  }

  async end() {
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }
}

const filters = numbered(many, (i) => `plant/${i}/+/state`);

/** Each prepares, and returns what is measured. */
const floods = {
  denied: async ({ join }) => {
    const client = await join();
    const flood = numbered(50_000, () => publish('secret/plan'));
    return () => client.flood(...flood);
  },
  'denied, each another topic': async ({ join }) => {
    const client = await join();
    const flood = numbered(20_000, (i) => publish(`secret/${i}`));
    return () => client.flood(...flood);
  },
  'pings of 20': async ({ join }) => {
    const clients = await Promise.all(numbered(20, () => join()));
    const flood = numbered(30_000, () => ping);
    return () => Promise.all(clients.map((client) => client.flood(...flood)));
  },
  'acknowledgements of nothing': async ({ join }) => {
    const client = await join();
    const flood = numbered(50_000, (i) => ({
      type: 'pubrel',
      packetIdentifier: i + 1,
      reasonCode: 0,
      properties: undefined,
    }));
    return () => client.flood(...flood);
  },
  'SUBSCRIBE of 10,000 filters': async ({ join }) => {
    const client = await join();
    return () => client.flood(...subscribes(filters));
  },
  'SUBSCRIBE of 10,000 filters, 20 clients': async ({ join }) => {
    const clients = await Promise.all(numbered(20, () => join()));
    return () => Promise.all(clients.map((client) => client.flood(...subscribes(filters))));
  },
  'UNSUBSCRIBE of 10,000 filters': async ({ join }) => {
    const client = await join();
    client.send(...subscribes(filters));
    await client.settled();
    return () => client.flood(...unsubscribes(filters));
  },
  'connection with 10,000 subscriptions ends': async ({ join }) => {
    const [client, other] = [await join(), await join()];
    client.send(...subscribes(filters));
    await client.settled();
    return async () => {
      await client.end();
      // The broker sees the end of a connection later than its client does.
      await new Promise((resolve) => setTimeout(resolve, endSeenMs));
      await other.settled();
    };
  },
  'session with 10,000 subscriptions comes back': async ({ join, port }) => {
    const client = await join(true);
    client.send(...subscribes(filters));
    await client.settled();
    return async () => {
      await client.end();
      const again = await Client.open(port, client.id, true);
      await again.settled();
      await again.end();
    };
  },
  '10,000 $share/gN/# of one client': async ({ join }) => {
    const [client, other] = [await join(), await join()];
    client.send(...subscribes(numbered(many, (i) => `$share/g${i}/#`)));
    await client.settled();
    return () => other.flood(...numbered(20, (i) => publish(`t/${i}`)));
  },
  'a new topic with each message': async ({ join }) => {
    const [client, other] = [await join(), await join()];
    client.send(...subscribes(numbered(1000, (i) => `+/${i}/#`)));
    await client.settled();
    return () => other.flood(...numbered(20_000, (i) => publish(`t/${i % 1000}/${i}`)));
  },
  'explain of an unknown name': async ({ ask }) => {
    await ask({ job: 'sessions' });
    return () => ask({ job: 'explain' });
  },
  'a list of 200,000 retained': async ({ ask }) => {
    await ask({ job: 'retained' });
    return () => ask({ job: 'list' });
  },
  'replay of 200,000 retained': async ({ ask, join }) => {
    await ask({ job: 'retained' });
    const client = await join();
    return () => client.flood(...subscribes(['#']));
  },
  '2,000 connections at once': async ({ port, ask }) => {
    await ask({});
    return async () => {
      const clients = await Promise.all(numbered(2000, (i) => Client.open(port, `late-${i}`)));
      for (const { socket } of clients) socket.destroy();
    };
  },
};

/** The longest turn of one flood, on a broker of its own. */
async function run(prepare) {
  const broker = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const next = async () => (await once(broker, 'message'))[0];
  const ask = (message) => {
    broker.send(message);
    return next();
  };
  try {
    const { port } = await next();
    let count = 0;
    const join = async (kept = false) => {
      const id = `client-${count++}`;
      return Object.assign(await Client.open(port, id, kept), { id });
    };
    // What has run before is compiled.
    const warm = await join();
    warm.send(...subscribes(['warm/#']), ...numbered(2000, () => publish('warm/up')));
    await warm.settled();
    await warm.end();
    const flood = await prepare({ port, join, ask });
    await ask({ begin: true });
    await flood();
    return await ask({ begin: false });
  } finally {
    broker.kill('SIGKILL');
  }
}

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const chosen = Object.entries(floods).filter(
  ([name]) => positionals.length === 0 || positionals.some((wanted) => name.startsWith(wanted)),
);
let worst = 0;
console.log('| Flood | CPU of the longest turn, ms | of the runs |\n| --- | --- | --- |');
for (const [name, prepare] of chosen) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i++) runs.push(await run(prepare));
  const ms = median(runs.map((one) => one.ms));
  worst = Math.max(worst, ms);
  const all = runs.map((one) => one.ms.toFixed(1)).join(', ');
  console.log(`| ${name} | ${ms.toFixed(1)}${ms > mostMs ? ' OVER' : ''} | ${all} |`);
}
process.exitCode = worst > mostMs ? 1 : 0;
