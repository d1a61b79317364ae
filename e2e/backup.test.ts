import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type BrokerProcess, HAWSER, startBroker } from './support/broker-process.ts';
import { run } from './support/processes.ts';
import { acknowledgements, StubbornPublisher, StubbornSubscriber } from './support/stubborn-clients.ts';

/** Nothing here may be dropped for want of room. */
const WIDE = ['--set', 'queue.messages=10000000', '--set', 'queue.bytes=10000000000'];
const WITH_API = [...WIDE, '--console', '127.0.0.1:0'];

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-backup-'));
});

afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const hawser = (...args: string[]) => run(process.execPath, [HAWSER, ...args]);

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const apiOf = (broker: BrokerProcess): string => /console\s+(\S+)/.exec(broker.program.stdout)?.[1] ?? '';

/** Asks for a backup; without a token when it is to be refused. */
async function backUp(broker: BrokerProcess, name: string, token: string): Promise<Answer> {
  const response = await fetch(`${apiOf(broker)}/api/v1/backup?name=${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function tokenOf(broker: BrokerProcess): Promise<string> {
  return (await readFile(join(broker.dataDirectory, 'api-token'), 'utf8')).trim();
}

/** Publishers that go on and on, and a session that is away. */
async function startLoad(broker: BrokerProcess) {
  const publishers = [
    new StubbornPublisher({ clientId: 'pub-1', version: 4, topic: 'load/qos1', qos: 1, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-2', version: 5, topic: 'load/qos2', qos: 2, window: 20 }),
    new StubbornPublisher({ clientId: 'pub-kept', version: 5, topic: 'kept', qos: 1, retain: true, window: 1 }),
  ];
  const sleeper = new StubbornSubscriber({ clientId: 'sleeper', version: 5, topicFilter: 'load/#' });
  await sleeper.connect(broker.port);
  await sleeper.subscribe();
  sleeper.destroy();
  await sleeper.gone();
  for (const publisher of publishers) await publisher.connect(broker.port);
  return { publishers, sleeper };
}

/** A broker on a copy has what had been acknowledged when the copy was asked for, in order, QoS 2 once. */
async function expectInCopy(
  dataDirectory: string,
  sleeper: StubbornSubscriber,
  wanted: readonly { readonly topic: string; readonly count: number }[],
): Promise<void> {
  expect(await hawser('data', 'check', dataDirectory)).toMatchObject({ code: 0 });
  await using copy = await startBroker({ args: WIDE, dataDirectory });
  await sleeper.connect(copy.port);
  const load = wanted.filter(({ topic }) => topic.startsWith('load/'));
  await sleeper.until(() => load.every(({ topic, count }) => (sleeper.counts.get(topic)?.size ?? 0) >= count));
  for (const { topic } of load) {
    const counts = sleeper.counts.get(topic) ?? new Map<number, number>();
    expect([...counts.keys()], topic).toEqual(Array.from({ length: counts.size }, (_, index) => index + 1));
    expect(new Set(counts.values()), topic).toEqual(new Set([1]));
  }
  const reader = new StubbornSubscriber({ clientId: 'reader', version: 4, topicFilter: 'kept' });
  await reader.connect(copy.port);
  const arrived = reader.until(() => reader.counts.has('kept'));
  await reader.subscribe();
  await arrived;
  const kept = wanted.find(({ topic }) => topic === 'kept')?.count ?? 0;
  expect(Math.max(...(reader.counts.get('kept')?.keys() ?? []))).toBeGreaterThanOrEqual(kept);
  expect([...sleeper.faults, ...reader.faults]).toEqual([]);
  reader.destroy();
  sleeper.destroy();
}

it('POST /api/v1/backup under load: what was acknowledged before it is in it, and nothing is written over', async () => {
  await using broker = await startBroker({ args: WITH_API });
  const token = await tokenOf(broker);
  const { publishers, sleeper } = await startLoad(broker);
  await acknowledgements(publishers, 2000);
  const before = publishers.map(({ topic, acknowledged: { size: count } }) => ({ topic, count }));
  const going = acknowledgements(publishers, 10);
  const answer = await backUp(broker, 'first', token);
  await going;
  const directory = `${broker.dataDirectory}-backups/first`;
  expect(answer).toMatchObject({ status: 200, body: { name: 'first', directory, sessions: 4, retained: 1 } });
  const waiting = before.reduce((sum, { topic, count }) => (topic === 'kept' ? sum : sum + count), 0);
  expect(answer.body.messages).toBeGreaterThanOrEqual(waiting);
  expect(answer.body.bytes).toBeGreaterThan(0);

  expect(await backUp(broker, 'first', token)).toMatchObject({ status: 409, body: { code: 'backup-exists' } });
  expect(await backUp(broker, 'second', '')).toMatchObject({ status: 401 });
  for (const name of ['../away', '/etc/x', '.hidden', '']) expect((await backUp(broker, name, token)).status).toBe(400);
  expect(await readdir(`${broker.dataDirectory}-backups`)).toEqual(['first']);
  const overview = (await (await fetch(`${apiOf(broker)}/api/v1/overview`)).json()) as {
    readonly warnings: readonly { readonly code: string; readonly text: string }[];
  };
  expect(overview.warnings).toContainEqual(
    expect.objectContaining({ code: 'backup-made', text: expect.stringContaining(`${directory}: 4 sessions`) }),
  );

  // The broker it is of is killed, and gone: the copy stands on its own.
  await broker.kill();
  for (const publisher of publishers) publisher.destroy();
  await expectInCopy(directory, sleeper, before);
  await rm(`${broker.dataDirectory}-backups`, { recursive: true });
}, 60_000);

it('hawser data backup: of a broker that runs, that broker makes it, and it says so', async () => {
  await using broker = await startBroker({ args: WITH_API });
  const { publishers, sleeper } = await startLoad(broker);
  await acknowledgements(publishers, 500);
  const before = publishers.map(({ topic, acknowledged: { size: count } }) => ({ topic, count }));
  const target = join(base, 'copy');
  const made = await hawser('data', 'backup', target, broker.dataDirectory, '--api', apiOf(broker));
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stdout).toContain(`${broker.dataDirectory} is in use: the broker is asked for the backup, at http://`);
  expect(made.stdout).toMatch(/Copied \d+ records to .*copy: 4 sessions, \d+ queued messages, 1 retained/);
  expect(await readdir(`${broker.dataDirectory}-backups`)).toEqual([]);

  const again = await hawser('data', 'backup', target, broker.dataDirectory, '--api', apiOf(broker));
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('there is data in') });
  await using other = await startBroker({ args: WITH_API });
  const wrong = await hawser('data', 'backup', join(base, 'b'), broker.dataDirectory, '--api', apiOf(other));
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('does not know this password or token') });
  const nobody = await hawser('data', 'backup', join(base, 'b'), broker.dataDirectory, '--api', '127.0.0.1:1');
  expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('does not answer') });

  for (const publisher of publishers) publisher.destroy();
  await expectInCopy(target, sleeper, before);
  await rm(`${broker.dataDirectory}-backups`, { recursive: true });
}, 60_000);
