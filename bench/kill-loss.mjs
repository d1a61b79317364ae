// What a broker has acknowledged and no longer has after kill -9: publishers at QoS 1, a durable session that is away.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StubbornPublisher, StubbornSubscriber } from '../e2e/support/stubborn-clients.ts';
import { scratch } from './brokers.mjs';

/** How long it is under load, and after how long without a message all has come. */
const LOAD_MS = 3_000;
const QUIET_MS = 3_000;
const START_MS = 15_000;

/** One row's measurement: kills the broker that runs, starts it again on the same data, and counts. */
export async function killLoss(_row, running, broker) {
  const { port, pid } = running;
  const sleeper = new StubbornSubscriber({ clientId: 'sleeper', version: 4, topicFilter: 'load/#' });
  await sleeper.connect(port);
  await sleeper.subscribe();
  sleeper.destroy();
  await sleeper.gone();
  const publishers = Array.from(
    { length: 10 },
    (_, index) =>
      new StubbornPublisher({ clientId: `pub-${index}`, version: 4, topic: `load/${index}`, qos: 1, window: 20 }),
  );
  for (const publisher of publishers) await publisher.connect(port);
  await sleep(LOAD_MS);
  process.kill(pid, 'SIGKILL');
  await Promise.all(publishers.map((publisher) => publisher.gone()));
  const acknowledged = publishers.reduce((sum, publisher) => sum + publisher.acknowledged.size, 0);

  const [file, ...args] = broker.command({ port, folder: join(scratch, `broker-${port}`), onDisk: true });
  const again = spawn(file, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => again.once('exit', resolve));
  try {
    await connectWhenUp(sleeper, port);
    let last = performance.now();
    sleeper.onMessage = () => {
      last = performance.now();
    };
    while (performance.now() - last < QUIET_MS) await sleep(100);
    const lost = publishers.reduce((sum, { topic, acknowledged: numbers }) => {
      const came = sleeper.counts.get(topic);
      return sum + [...numbers].filter((number) => came?.has(number) !== true).length;
    }, 0);
    return { acknowledged, lost };
  } finally {
    sleeper.destroy();
    again.kill('SIGKILL');
    await ended;
  }
}

async function connectWhenUp(client, port) {
  for (const until = performance.now() + START_MS; ; ) {
    try {
      await client.connect(port);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(100);
    }
  }
}
