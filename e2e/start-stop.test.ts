import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { startBroker } from './support/broker-process.ts';
import { run } from './support/processes.ts';
import { openRaw } from './support/raw-connection.ts';

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: 5.0 clients get DISCONNECT 0x8B, the others are closed, exit code 0',
  async (signal) => {
    await using broker = await startBroker();
    const five = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 });
    const overWs = await mqtt.connectAsync(broker.wsUrl, { protocolVersion: 5, reconnectPeriod: 0 });
    const three = await mqtt.connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 0 });
    const told = [five, overWs].map(
      (client) =>
        new Promise<number | undefined>((resolve) =>
          client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
        ),
    );
    const closed = new Promise<void>((resolve) => three.once('close', () => resolve()));

    expect(await broker.program.end(signal)).toBe(0);

    expect(await Promise.all(told)).toEqual([0x8b, 0x8b]);
    await closed;
    expect(broker.program.stderr).toBe('');
  },
);

it('a second signal ends it at once, while a client that does not read is being waited for', async () => {
  await using broker = await startBroker();
  // Connected, then deaf: it never closes its side.
  const connection = await openRaw({
    port: broker.port,
    clientId: 'deaf',
    version: 5,
    cleanStart: true,
    onPacket: () => {},
  });
  connection.socket.pause();
  const other = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 });
  const stopping = new Promise<void>((resolve) => other.once('disconnect', () => resolve()));
  broker.program.child.kill('SIGTERM');
  await stopping;
  const began = performance.now();
  expect(await broker.program.end('SIGINT')).toBe(130);
  expect(performance.now() - began).toBeLessThan(10_000);
  connection.destroy();
});

it('says what it does: URLs, where the data is, a first thing to try that works, then ready', async () => {
  await using broker = await startBroker();
  const { stdout } = broker.program;
  expect(stdout).toContain(`listening  ${broker.url}`);
  expect(stdout).toContain(`listening  ${broker.wsUrl}`);
  expect(stdout).toContain(broker.dataDirectory);
  expect(stdout).toMatch(/\nready\n$/);
  const command = /^ {2}mosquitto_sub (.*) -v -t 'harbour\/#'$/m.exec(stdout)?.[1] ?? 'not found';
  const { code, stderr } = await run('mosquitto_pub', [
    ...command.split(' '),
    '-t',
    'harbour/bell',
    '-m',
    'x',
    '-q',
    '1',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('keeps sessions, subscriptions, messages and retained over a stop', async () => {
  await using broker = await startBroker();
  const session = { protocolVersion: 4, clean: false, clientId: 'keeper', reconnectPeriod: 0 } as const;
  const before = await mqtt.connectAsync(broker.url, session);
  await before.subscribeAsync('cargo/#', { qos: 2 });
  await before.endAsync();
  const loader = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 });
  for (const qos of [0, 1, 2] as const) await loader.publishAsync(`cargo/${qos}`, `qos ${qos}`, { qos, retain: true });
  await loader.endAsync();
  expect(await broker.program.end('SIGTERM')).toBe(0);
  await broker.restart();

  const seen: string[] = [];
  const after = mqtt.connect(broker.url, session);
  const both = new Promise<void>((resolve) => {
    after.on('message', (topic) => {
      seen.push(topic);
      if (seen.length === 2) resolve();
    });
  });
  const present = new Promise<boolean>((resolve) =>
    after.once('connect', ({ sessionPresent }) => resolve(sessionPresent)),
  );
  expect(await present).toBe(true);
  await both;
  expect(seen).toEqual(['cargo/1', 'cargo/2']);
  await after.endAsync();
});
