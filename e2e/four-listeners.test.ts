import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAWSER } from './support/broker-process.ts';
import { mosquitto } from './support/mosquitto-client.ts';
import { mqttJs } from './support/mqttjs-client.ts';
import { PahoDriver } from './support/paho-client.ts';
import { RunningProgram, run } from './support/processes.ts';
import type { ConnectTo, MqttVersion, RealClient, RealClientKind } from './support/real-client.ts';

const VERSIONS: readonly MqttVersion[] = ['3.1', '3.1.1', '5.0'];
const TRANSPORTS = ['tcp', 'tls', 'ws', 'wss'] as const;

const paho = new PahoDriver();
const kinds: readonly RealClientKind[] = VERSIONS.flatMap((version) => [
  ...(['tcp', 'tls'] as const).map((transport) => mosquitto(version, transport)),
  ...TRANSPORTS.map((transport) => paho.kind(version, transport)),
  ...TRANSPORTS.map((transport) => mqttJs(version, transport)),
]);
/** Everybody publishes to somebody and receives from somebody else, of another make, version and listener. */
const STEP = 13;
const pairs = kinds.map((publisher, index) => {
  const subscriber = kinds[(index + STEP) % kinds.length] ?? publisher;
  return { from: publisher.name, to: subscriber.name, publisher, subscriber };
});

const folder = mkdtempSync(join(tmpdir(), 'hawser-four-'));
let broker: RunningProgram;
let where: Omit<ConnectTo, 'clientId'>;
let lastPrefix = 0;

beforeAll(async () => {
  // The four listeners that `hawser broker` has when it is told nothing, on free ports.
  const urls = ['mqtt://127.0.0.1:0', 'mqtts://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt', 'wss://127.0.0.1:0/mqtt'];
  const listen = urls.flatMap((url) => ['--listen', url]);
  broker = new RunningProgram(process.execPath, [HAWSER, 'broker', ...listen, '--data', folder, '--no-console']);
  await broker.waitFor(/^ready$/m);
  where = {
    port: portAt('mqtt'),
    wsPort: portAt('ws'),
    tls: { port: portAt('mqtts'), wsPort: portAt('wss'), caFile: announcedCa() },
  };
});

afterAll(async () => {
  await paho[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function portAt(scheme: string): number {
  return Number(new RegExp(`listening {2}${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(broker.stdout)?.[1]);
}

function announcedCa(): string {
  return /^ {2}TLS {8}development certificate; clients trust it with --ca (\S+)$/m.exec(broker.stdout)?.[1] ?? 'none';
}

describe('the four listeners', () => {
  it.each(pairs)('$from to $to: QoS 0, 1, 2, retained, Will', async ({ publisher, subscriber }) => {
    lastPrefix += 1;
    const prefix = `f${lastPrefix}`;
    const open: RealClient[] = [];
    const connect = async (kind: RealClientKind, name: string, will?: ConnectTo['will']): Promise<RealClient> => {
      const client = await kind.connect({ ...where, clientId: `${prefix}-${name}`, ...(will && { will }) });
      open.push(client);
      return client;
    };
    const sender = await connect(publisher, 'sender');
    const receiver = await connect(subscriber, 'receiver');
    await receiver.subscribe(`${prefix}/#`, 2);
    for (const qos of [0, 1, 2] as const) {
      const topic = `${prefix}/qos${qos}`;
      await sender.publish(topic, `at ${qos}`, { qos });
      expect(await receiver.messages.on(topic)).toEqual({ topic, payload: `at ${qos}`, qos, retain: false });
    }
    await sender.publish(`${prefix}/kept`, 'kept', { qos: 1, retain: true });
    const late = await connect(subscriber, 'late');
    await late.subscribe(`${prefix}/kept`, 1);
    expect(await late.messages.on(`${prefix}/kept`)).toMatchObject({ payload: 'kept', qos: 1, retain: true });
    const will = { topic: `${prefix}/will`, payload: 'lost at sea', qos: 1, retain: false } as const;
    const doomed = await connect(publisher, 'doomed', will);
    await doomed.drop();
    expect(await receiver.messages.on(will.topic)).toEqual(will);
    for (const client of open) await client.close();
  });
});

describe('the first lines of the broker', () => {
  it('have a command over TLS that works as it is printed', async () => {
    const printed = /^ {2}(mosquitto_sub .*--cafile .*)$/m.exec(broker.stdout)?.[1] ?? 'none';
    await using subscriber = new RunningProgram('sh', ['-c', `exec stdbuf -oL ${printed} -d`]);
    await subscriber.waitFor(/^Subscribed/m);
    const hawserPub = /^ {2}npx hawser (pub .*)$/m.exec(broker.stdout)?.[1] ?? 'none';
    const { code, stderr } = await run('sh', ['-c', `${process.execPath} ${HAWSER} ${hawserPub}`]);
    expect([code, stderr]).toEqual([0, '']);
    await subscriber.waitFor(/^harbour\/bell eight bells$/m);
  });

  it('have one of our own, too', async () => {
    const printed = /^ {2}npx hawser (sub .*--ca .*)$/m.exec(broker.stdout)?.[1] ?? 'none';
    await run('mosquitto_pub', ['-p', String(where.port), '-t', 'harbour/light', '-m', 'green', '-r']);
    await using subscriber = new RunningProgram('sh', ['-c', `exec ${process.execPath} ${HAWSER} ${printed}`]);
    await subscriber.waitFor(/^harbour\/light green$/m);
  });

  it('warn of nothing: the certificate is good for a year', () => {
    expect(broker.stderr).toBe('');
  });

  it('who does not trust the development CA is not let in by mistake', async () => {
    const args = ['-h', '127.0.0.1', '-p', String(where.tls?.port), '--capath', '/etc/ssl/certs', '-t', 't', '-m', 'm'];
    const { code, stderr } = await run('mosquitto_pub', args);
    expect(code).not.toBe(0);
    expect(stderr).toContain('TLS');
  });
});
