// One million subscriptions in one broker: what one costs in memory, and what finding the receivers of a topic costs.
// node --expose-gc bench/subscriptions.mjs [--json]
import { createBroker } from '../packages/broker/dist/index.js';
import { encodePacket } from '../packages/codec/dist/index.js';

const SESSIONS = 100_000;
const FILTERS = 10;
const gc = globalThis.gc ?? (() => {});

const broker = await createBroker({ settings: { 'limits.halfOpen': 1_000_000, 'limits.connectRatePerAddress': 0 } });
const handlerOf = [];
for (let i = 0; i < SESSIONS; i++) handlerOf.push(attach(`device-${i}`));
await turn();
const before = memory();
for (let i = 0; i < SESSIONS; i++) {
  const subscriptions = [];
  for (let j = 0; j < FILTERS; j++) {
    // Half of them have a wildcard, as device topics do.
    const topicFilter =
      j % 2 === 0 ? `fleet/${i % 1000}/device/${i}/command/${j}` : `fleet/${i % 1000}/device/${i}/+/${j}`;
    subscriptions.push({ topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 });
  }
  handlerOf[i].send(encodePacket({ type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions }, 4));
}
// Long SUBSCRIBEs are handled in shares of a turn: some turns go by until the last is there.
while (broker.router.routes.subscriptionCount < SESSIONS * FILTERS) await turn();
const after = memory();
// As many as there are topics: each is looked up for the first time.
const matches = SESSIONS;
let found = 0;
const start = process.hrtime.bigint();
for (let k = 0; k < matches; k++) {
  const i = (k * 7919) % SESSIONS;
  const { audience } = broker.router.routes.find(`fleet/${i % 1000}/device/${i}/command/${k % FILTERS}`);
  found += audience.entries.length;
}
const microseconds = Number(process.hrtime.bigint() - start) / 1000 / matches;
const result = {
  subscriptions: broker.router.routes.subscriptionCount,
  bytesPerSubscription: Math.round((after - before) / broker.router.routes.subscriptionCount),
  microsecondsPerMatch: Number(microseconds.toFixed(2)),
  receiversFound: found,
};
console.log(process.argv.includes('--json') ? JSON.stringify(result) : result);
process.exit(0);

function attach(clientId) {
  let handler;
  const transport = {
    info: { kind: 'memory', remoteAddress: 'memory', remotePort: 1, tls: undefined },
    start: (h) => {
      handler = h;
    },
    write: () => true,
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
  broker.attach(transport);
  const send = (bytes) => handler.onData(bytes);
  send(
    encodePacket(
      {
        type: 'connect',
        protocolVersion: 4,
        cleanStart: true,
        keepAlive: 0,
        clientId,
        username: undefined,
        password: undefined,
        will: undefined,
        properties: undefined,
        bridge: false,
      },
      4,
    ),
  );
  return { send };
}
function memory() {
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
function turn() {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
