/**
 * A program of its own: fills the recorder in the worst shape a peer can send, and prints what the process has grown by. Run it with
 * --expose-gc.
 */
import { type ClientInfo, type ClosedEvent, Recorder, settingsWith } from '@hawser/broker';
import { FakeClock } from '../fake-clock.ts';

const BOUND = 16 * 1024 * 1024;
const MANY = 4000;
const LONG = 65_000;

const [shape = ''] = process.argv.slice(2);
const clock = new FakeClock();
const recorder = new Recorder({
  settings: settingsWith({ 'recorder.bytes': BOUND, 'recorder.clients': 1_000_000 }),
  clock,
});
const long = (number: number): string =>
  `${number}`.padEnd(shape === 'short' ? 4 : LONG, shape === 'wide' ? '\u6f22' : 'x');

function heap(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const same = (value: string) => ({ requested: value, granted: undefined, effective: value });
const figures = { connectedForMs: 1, bytesIn: 1, bytesOut: 1, packetsIn: 1, packetsOut: 1, takenOverBy: undefined };

const before = heap();
for (let i = 0; i < MANY; i++) {
  const client: ClientInfo = {
    clientId: long(i),
    username: long(i + 1),
    protocolVersion: 5,
    remoteAddress: '10.0.0.1',
    remotePort: i % 60_000,
    listener: 'mqtt://x',
    tls: undefined,
    userProperties: [],
  };
  const at = clock.wallNow();
  const said: ClosedEvent['cause'] = {
    code: 'unspecified-error',
    reasonCode: 0x80,
    detail: { is: 'disconnected', said: long(i + 2) },
    by: 'peer',
  };
  recorder.onConnected({
    client,
    sessionPresent: false,
    cleanStart: true,
    negotiated: { authenticationMethod: same(long(i + 3)) },
    at,
  });
  for (let again = 0; again < 10; again++) recorder.onClosed({ client, cause: said, ...figures, at });
  recorder.onSubscribeRefused({
    client,
    topicFilter: long(i),
    code: 'not-authorized',
    reasonCode: 0x87,
    detail: { is: 'subscription-not-permitted', topicFilter: long(i + 4) },
    at,
  });
  recorder.onRefused({
    listener: 'mqtt://x',
    remoteAddress: `10.1.0.${i}`,
    remotePort: 1,
    client: i % 2 === 0 ? undefined : { ...client, clientId: long(-i - 1) },
    cause: { ...said, by: 'self' } as ClosedEvent['cause'],
    bytesIn: 0,
    at,
  });
  recorder.countLost(client.clientId, 'queue-full', long(i + 5), 1);
}
const grown = heap() - before;
process.stdout.write(JSON.stringify({ bound: BOUND, grown, clients: recorder.size, evicted: recorder.evicted }));
