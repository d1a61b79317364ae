import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packet, PublishPacket } from '@hawser/codec';
import { checkLevelStore } from '@hawser/store-level';
import { describe, expect, it, type TestContext } from 'vitest';
import { AskingClient } from './support/asking-client.ts';
import { type BrokerProcess, startBroker } from './support/broker-process.ts';
import { type Disk, FaultyMachine } from './support/faulty-machine.ts';
import { mountSmallDisk } from './support/small-disk.ts';

const MiB = 1024 * 1024;
const WIDE = ['--set', 'queue.messages=1000000', '--set', 'queue.bytes=1000000000'];
const PAYLOAD = 'x'.repeat(20_000);

it('a disk that is full: refused, the rest goes on, recovery by itself, nothing acknowledged lost', async (context) => {
  const disk = await mountSmallDisk(24 * MiB);
  if (typeof disk === 'string') return context.skip(`no file system of its own: ${disk}`);
  await using _ = disk;
  const dataDirectory = join(disk.path, 'data');
  await using broker = await startBroker({ args: [...WIDE, '--set', 'data.freeBytesMin=0'], dataDirectory });
  const acknowledged = await fillAndRecover(
    broker,
    () => disk.empty(),
    () => disk.fill(2 * MiB),
  );
  expect(broker.program.stderr).toMatch(/"store-fault".*the disk is full/);
  expect(broker.program.stderr).toContain('store-works-again');
  await expectAll(broker, acknowledged);
}, 60_000);

it('data.freeBytesMin: refused before the disk is full', async (context) => {
  const disk = await mountSmallDisk(48 * MiB);
  if (typeof disk === 'string') return context.skip(`no file system of its own: ${disk}`);
  await using _ = disk;
  const dataDirectory = join(disk.path, 'data');
  const minimum = 12 * MiB;
  await using broker = await startBroker({ args: [...WIDE, '--set', `data.freeBytesMin=${minimum}`], dataDirectory });
  const acknowledged = await fillAndRecover(
    broker,
    () => disk.empty(),
    () => disk.fill(minimum + 2 * MiB),
  );
  expect(broker.program.stderr).toContain('data-full');
  expect(broker.program.stderr).toContain('data-has-room');
  expect(broker.program.stderr).not.toContain('cannot be written');
  await expectAll(broker, acknowledged);
}, 60_000);

it('a disk without a byte left, after kill -9: it starts, serves what was acknowledged, and has room again', async (context) => {
  const disk = await mountSmallDisk(400 * MiB);
  if (typeof disk === 'string') return context.skip(`no file system of its own: ${disk}`);
  await using _ = disk;
  const dataDirectory = join(disk.path, 'data');
  const texts = Array.from({ length: 3000 }, (_unused, index) => `${index + 1}`);
  await using broker = await startBroker({ args: WIDE, dataDirectory });
  const away = await connect(broker, 'away', 5, false);
  await away.request(subscribe('t/#'), 'suback');
  away.destroy();
  const publisher = await connect(broker, 'publisher', 5, true);
  for (const text of texts) {
    const answer = await publisher.request(publish('t/1', `${text} ${PAYLOAD}`, 1, Number(text)), 'puback');
    expect(answer).toMatchObject({ reasonCode: 0 });
  }
  publisher.destroy();
  await expect.poll(() => existsSync(join(dataDirectory, 'reserve'))).toBe(true);
  await broker.kill();
  await disk.fill(0);
  expect(await disk.freeBytes()).toBe(0);
  await broker.restart();
  await expectAll(broker, texts);
}, 60_000);

it('fdatasync fails with EIO: refused, recovery by itself, nothing acknowledged lost', async (context) => {
  if (spawnSync('strace', ['-V']).status !== 0) return context.skip('no strace');
  await using broker = await startBroker({ args: WIDE });
  let injecting: ReturnType<typeof spawn> | undefined;
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => injecting?.once('exit', resolve));
    injecting?.kill('SIGINT');
    await ended;
  };
  const begin = async (): Promise<void> => {
    const pid = String(broker.pidOfBroker());
    injecting = spawn('strace', ['-f', '-p', pid, '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO']);
    // It says so when it is attached.
    await new Promise<void>((resolve) =>
      injecting?.stderr?.on('data', (text) => /attached/.test(String(text)) && resolve()),
    );
  };
  const acknowledged = await fillAndRecover(broker, stop, begin);
  expect(broker.program.stderr).toMatch(/"store-fault".*an input\/output error/);
  await expectAll(broker, acknowledged);
}, 60_000);

describe('below the database, by system calls that fail or are cut short', () => {
  const FAULTS = [
    ['full in the middle of a write', /"store-fault".*the disk is full/],
    ['writes fail', /"store-fault".*an input\/output error/],
    ['syncs fail', /"store-fault".*an input\/output error/],
    ['syncs fail and lose', /"store-fault".*an input\/output error/],
  ] as const;
  const OPTIONS = { timeout: 60_000 };

  /** A broker on a machine with this disk; skips the test where there can be none. */
  async function onMachine(
    context: TestContext,
    disk: Disk,
    act: (machine: FaultyMachine, broker: BrokerProcess) => Promise<void>,
  ): Promise<void> {
    const made = FaultyMachine.make();
    if (typeof made === 'string') return context.skip(made);
    using machine = made;
    machine.disk = disk;
    const dataDirectory = await mkdtemp(join(tmpdir(), 'hawser-faults-'));
    await using broker = await startBroker({ args: WIDE, dataDirectory, env: machine.env(dataDirectory) });
    await act(machine, broker);
  }

  /** So many messages for a session that is away, each acknowledged; and who has published them. */
  async function publishMany(
    broker: BrokerProcess,
    count: number,
  ): Promise<{ readonly publisher: AskingClient; readonly texts: readonly string[] }> {
    const away = await connect(broker, 'away', 5, false);
    await away.request(subscribe('t/#'), 'suback');
    away.destroy();
    const publisher = await connect(broker, 'publisher', 5, true);
    const texts = Array.from({ length: count }, (_, index) => `${index + 1}`);
    for (const text of texts) {
      const answer = await publisher.request(publish('t/1', `${text} ${PAYLOAD}`, 1, Number(text)), 'puback');
      expect(answer).toMatchObject({ reasonCode: 0 });
    }
    return { publisher, texts };
  }

  /** All is there after kill -9, and what the broker that found it has written is sound. */
  async function expectSound(broker: BrokerProcess, texts: readonly string[]): Promise<void> {
    await expectAll(broker, texts);
    await broker.program.end('SIGTERM');
    expect(await checkLevelStore(broker.dataDirectory)).toEqual([]);
  }

  it('short writes: nothing is refused, nothing is lost', OPTIONS, (context) =>
    onMachine(context, 'short writes', async (machine, broker) => {
      const { publisher, texts } = await publishMany(broker, 60);
      publisher.destroy();
      expect(machine.injected).toBeGreaterThan(500);
      expect(broker.program.stderr).not.toContain('store-fault');
      await expectSound(broker, texts);
    }),
  );

  it.for(FAULTS)('%s: refused, recovery by itself, nothing acknowledged lost', OPTIONS, ([disk, told], context) =>
    onMachine(context, 'whole', async (machine, broker) => {
      const become = (kind: Disk) => async (): Promise<void> => {
        machine.disk = kind;
      };
      const acknowledged = await fillAndRecover(broker, become('whole'), become(disk));
      expect(machine.injected).toBeGreaterThan(0);
      expect(broker.program.stderr).toMatch(told);
      expect(broker.program.stderr).toContain('store-works-again');
      await expectAll(broker, acknowledged);
    }),
  );

  it.for(FAULTS)(
    '%s, and killed meanwhile: what was acknowledged is there, the files are sound',
    OPTIONS,
    ([disk, told], context) =>
      onMachine(context, 'whole', async (machine, broker) => {
        const { publisher, texts } = await publishMany(broker, 20);
        machine.disk = disk;
        publisher.send(publish('t/1', `unheard ${PAYLOAD}`, 1, 1000));
        await broker.program.waitFor(told, 'stderr');
        await broker.kill();
        machine.disk = 'whole';
        await broker.restart();
        await expectSound(broker, texts);
      }),
  );
});

/** Publishes until it is refused, looks at what still works, heals and publishes again. What was acknowledged. */
async function fillAndRecover(
  broker: BrokerProcess,
  heal: () => Promise<void>,
  fail: () => Promise<void>,
): Promise<readonly string[]> {
  const away = await connect(broker, 'away', 5, false);
  await away.request(subscribe('t/#'), 'suback');
  away.destroy();
  const clean = await connect(broker, 'clean', 4, true);
  await clean.request(subscribe('else'), 'suback');
  const publisher = await connect(broker, 'publisher', 5, true);
  const acknowledged: string[] = [];
  let number = 0;
  const publishOne = async (): Promise<number> => {
    const text = `${++number}`;
    const answer = await publisher.request(publish('t/1', `${text} ${PAYLOAD}`, 1, number), 'puback', 20_000);
    const code = answer?.type === 'puback' ? answer.reasonCode : -1;
    if (code === 0) acknowledged.push(text);
    return code;
  };

  for (let count = 0; count < 20; count++) expect(await publishOne()).toBe(0);
  await fail();
  // The first that meets the fault may be on its way to the disk: it is answered when that works again.
  let isHealed = false;
  const codes: number[] = [];
  const publishing = (async () => {
    while (!isHealed && !codes.includes(0x97)) codes.push(await publishOne());
  })();
  const old = await connect(broker, 'old-publisher', 4, true);
  await untilRefused(broker);
  old.send(publish('t/1', 'never', 1, 1));
  await old.closed;
  expect(old.packets).toEqual([]);

  const live = await connect(broker, 'live', 4, true);
  live.send(publish('else', 'goes on', 0, 0));
  await clean.next('publish');
  expect((await connect(broker, 'fresh', 5, false)).connack.reasonCode).toBe(0x97);
  expect((await connect(broker, 'fresh-3', 4, false)).connack.reasonCode).toBe(3);

  await heal();
  isHealed = true;
  await publishing;
  while ((await publishOne()) !== 0);
  for (let count = 0; count < 20; count++) expect(await publishOne()).toBe(0);
  for (const one of [clean, publisher, live]) one.destroy();
  return acknowledged;
}

/** A new session is refused: nothing can be stored. */
async function untilRefused(broker: BrokerProcess): Promise<void> {
  for (let round = 0; ; round++) {
    const probe = await connect(broker, `probe-${round}`, 5, false);
    probe.destroy();
    if (probe.connack.reasonCode === 0x97) return;
  }
}

/** All that was acknowledged comes, in order, also after the broker was killed. */
async function expectAll(broker: BrokerProcess, acknowledged: readonly string[]): Promise<void> {
  await broker.kill();
  await broker.restart();
  const texts: string[] = [];
  const away = await connect(broker, 'away', 5, false, (packet, client) => {
    if (packet.type !== 'publish') return;
    texts.push(Buffer.from(packet.payload).toString().split(' ')[0] ?? '');
    client.send({
      type: 'puback',
      packetIdentifier: packet.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    });
  });
  expect(away.connack.sessionPresent).toBe(true);
  const last = acknowledged.at(-1) ?? '';
  while (!texts.includes(last)) await away.next('publish');
  // Those that were refused are not among them, unless the fault came between their way to the disk and their answer.
  expect(texts.filter((text) => acknowledged.includes(text))).toEqual(acknowledged);
  away.destroy();
}

function connect(
  broker: BrokerProcess,
  clientId: string,
  version: 4 | 5,
  cleanStart: boolean,
  onPacket?: (packet: Packet, client: AskingClient) => void,
): Promise<AskingClient> {
  const sessionExpiryInterval = cleanStart ? 0 : 3600;
  return AskingClient.connect({ port: broker.port, clientId, version, cleanStart, sessionExpiryInterval, onPacket });
}

function subscribe(topicFilter: string): Packet {
  const subscription = { topicFilter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] };
}

function publish(topic: string, text: string, qos: 0 | 1, packetIdentifier: number): PublishPacket {
  const payload = Buffer.from(text);
  return { type: 'publish', topic, payload, qos, retain: false, dup: false, packetIdentifier, properties: undefined };
}
