import {
  type DialAddress,
  dial,
  type ListenTransport,
  listen,
  MemoryNetwork,
  systemClock,
  type Transport,
} from '@hawser/transport';
import { afterAll } from 'vitest';
import { TestAuthority } from './test-certificates.ts';
import { describeTransport, type TransportUnderTest } from './transport-compliance.ts';

const authority = new TestAuthority();
const server = authority.issue('localhost');
afterAll(() => authority[Symbol.dispose]());

for (const transport of ['tcp', 'tls', 'ws', 'wss'] as const) {
  describeTransport(`${transport}, the listener's end first`, () => onLoopback(transport, false));
  describeTransport(`${transport}, the dialling end first`, () => onLoopback(transport, true));
}

describeTransport('memory', async () => inMemory(new MemoryNetwork({ clock: systemClock, seed: 1 })));
describeTransport('memory that splits and delays', async () =>
  inMemory(new MemoryNetwork({ clock: systemClock, seed: 2, delayMs: [0, 3], splitting: true })),
);

async function onLoopback(transport: ListenTransport, isDiallerFirst: boolean): Promise<TransportUnderTest> {
  const arrived: Transport[] = [];
  let onArrived: (transport: Transport) => void = () => {};
  const listener = await listen(
    { transport, host: '127.0.0.1', port: 0, path: undefined },
    {
      onTransport(incoming) {
        arrived.push(incoming);
        onArrived(incoming);
      },
      tls: { ...server, verify: 'none' },
    },
  );
  return {
    async connect() {
      const incoming = new Promise<Transport>((resolve) => {
        onArrived = resolve;
      });
      const address: DialAddress = {
        transport,
        host: '127.0.0.1',
        port: listener.address.port,
        tls: { ca: authority.cert },
      };
      const [dialled, taken] = await Promise.all([dial(address), incoming]);
      return isDiallerFirst ? { left: dialled, right: taken } : { left: taken, right: dialled };
    },
    async cleanup() {
      for (const incoming of arrived) incoming.destroy();
      await listener.close();
    },
  };
}

function inMemory(network: MemoryNetwork): TransportUnderTest {
  return {
    async connect() {
      const [left, right] = network.connect();
      return { left, right };
    },
    async cleanup() {
      network.cutAll();
    },
  };
}
