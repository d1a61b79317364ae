import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { startBroker } from './support/broker-process.ts';
import { RunningProgram } from './support/processes.ts';

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

test("Mosquitto's bridge joins it to Hawser both ways, and no message goes round", async () => {
  await using broker = await startBroker();
  const port = await freePort();
  const config = join(broker.dataDirectory, 'bridge.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'connection hawser',
    `address 127.0.0.1:${broker.port}`,
    'topic # both 1',
    'bridge_protocol_version mqttv311',
    'notifications false',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const mosquitto = new RunningProgram('mosquitto', ['-v', '-c', config]);
  try {
    await mosquitto.waitFor(/Received SUBACK/, 'stderr');
    const there = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
    const here = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    const seen: string[] = [];
    const last = new Promise<void>((resolve) => {
      const note = (side: string) => (topic: string) => {
        seen.push(`${side} ${topic}`);
        if (topic === 'b/end' && seen.filter((line) => line.endsWith('b/end')).length === 2) resolve();
      };
      there.on('message', note('there'));
      here.on('message', note('here'));
    });
    await there.subscribeAsync('b/#', { qos: 1 });
    await here.subscribeAsync('b/#', { qos: 1 });
    await here.publishAsync('b/from-here', '1', { qos: 1 });
    await there.publishAsync('b/from-there', '2', { qos: 1 });
    // Acknowledged, and behind the others on each way: what went round would be there before it.
    await here.publishAsync('b/end', '3', { qos: 1 });
    await last;
    expect(seen.filter((line) => !line.endsWith('end')).sort()).toEqual([
      'here b/from-here',
      'here b/from-there',
      'there b/from-here',
      'there b/from-there',
    ]);
    await there.endAsync();
    await here.endAsync();
  } finally {
    await mosquitto.end('SIGTERM');
  }
});
