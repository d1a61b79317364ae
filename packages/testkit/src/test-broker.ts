import { type Broker, type BrokerOptions, createBroker } from '@hawser/broker';
import { DialError, MemoryNetwork, systemClock, type Transport } from '@hawser/transport';
import type { FakeClock } from './fake-clock.ts';

/** What a test may say about its broker: all that an embedder may, and the following. */
export interface TestBrokerOptions extends Omit<BrokerOptions, 'clock'> {
  /**
   * Time that stands still. Everything then happens within `clock.advance()` and `clock.settle()`; connect by `connect()`,
   * as a socket of the system knows nothing of this clock.
   */
  readonly clock?: FakeClock;
  /** Seed, delays and faults of the connections that `connect()` makes. */
  readonly network?: MemoryNetwork;
}

/** A broker of a test's own; leaving the block of `await using` closes it. */
export interface TestBroker extends AsyncDisposable {
  readonly broker: Broker;
  /** Of its first listener, `mqtt://127.0.0.1:<free port>` unless there are others. Empty: it has none. */
  readonly url: string;
  readonly clock: FakeClock | undefined;
  readonly network: MemoryNetwork;
  /** A connection in memory: the client's end of it. Throws DialError `refused` once the broker closes. */
  connect(): Transport;
}

/**
 * Starts a broker for a test: `await using broker = await startTestBroker()`, then connect a client to `broker.url`. With a
 * FakeClock it has no listener unless it is given one.
 */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const { clock, network: givenNetwork, ...others } = options;
  const listeners = options.listeners ?? (clock === undefined ? ['mqtt://127.0.0.1:0'] : []);
  const broker = await createBroker({ ...others, listeners, clock: clock ?? systemClock });
  const network = givenNetwork ?? new MemoryNetwork({ clock: clock ?? systemClock, seed: 1 });
  return {
    broker,
    url: broker.urls[0] ?? '',
    clock,
    network,
    connect() {
      if (broker.isClosing) throw new DialError('tcp', 'refused', 'the test broker is closed', NOWHERE);
      const [client, server] = network.connect();
      broker.attach(server);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await closeBroker(broker, clock);
    },
  };
}

const NOWHERE = { host: 'test-broker', port: 1883, addresses: [] };

/** Under a clock that stands still, time must pass for those who wait for it to end. */
async function closeBroker(broker: Broker, clock: FakeClock | undefined): Promise<void> {
  let isClosed = false;
  const closing = broker.close().finally(() => {
    isClosed = true;
  });
  while (clock !== undefined && !isClosed) {
    await clock.advance(100);
    // What the system does, sockets and files, goes on as well.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closing;
}
