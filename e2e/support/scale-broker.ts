// A broker in a process of its own that says how it is when asked: node --conditions=hawser-source scale-broker.ts '{settings}'
import { createBroker, type Settings } from '@hawser/broker';

const settings = JSON.parse(process.argv[2] ?? '{}') as Partial<Settings>;
const broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0'], settings });

process.on('message', () => {
  const { counters, slab, intake } = broker;
  let pendingBytes = 0;
  let slow = 0;
  for (const client of intake.clients) {
    client.countMissed();
    pendingBytes += client.output.pendingBytes;
    if (client.isSlow) slow++;
  }
  process.send?.({
    rss: process.memoryUsage().rss,
    connected: intake.connected,
    waitingBytes: slab.waitingBytes,
    waitingOutputs: slab.waitingOutputs,
    pendingBytes,
    slow,
    lost: { ...counters.lost },
    pauses: counters.backpressurePauses,
    slowConsumers: counters.slowConsumers,
    readingPauses: counters.readingPauses,
  });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: Number(new URL(broker.urls[0] ?? '').port) });
