import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AskingClient } from './support/asking-client.ts';
import { type BrokerProcess, HAWSER, startBroker } from './support/broker-process.ts';
import { run } from './support/processes.ts';

const MESSAGES = 50;

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-data-'));
});

afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const hawser = (...args: string[]) => run(process.execPath, [HAWSER, ...args]);

/** A session with messages that wait for it, and a retained one; the broker is stopped in good order. */
async function fill(broker: BrokerProcess): Promise<void> {
  const { port } = broker;
  const away = await AskingClient.connect({ port, clientId: 'away', version: 5, cleanStart: true });
  const subscription = {
    topicFilter: 't/#',
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  } as const;
  await away.request(
    { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] },
    'suback',
  );
  away.destroy();
  const publisher = await AskingClient.connect({
    port,
    clientId: 'publisher',
    version: 5,
    cleanStart: true,
    sessionExpiryInterval: 0,
  });
  for (let number = 1; number <= MESSAGES; number++) {
    const payload = Buffer.from(`message ${number} ${'x'.repeat(200)}`);
    const message = {
      type: 'publish',
      topic: `t/${number}`,
      payload,
      qos: 1,
      dup: false,
      properties: undefined,
    } as const;
    await publisher.request({ ...message, retain: number === 1, packetIdentifier: number }, 'puback');
  }
  publisher.destroy();
  await broker.program.end('SIGTERM');
}

/** What waits for the session of `fill`. */
async function collect(broker: BrokerProcess, count: number): Promise<string[]> {
  const topics: string[] = [];
  const { port } = broker;
  const away = await AskingClient.connect({
    port,
    clientId: 'away',
    version: 5,
    cleanStart: false,
    onPacket(packet, client) {
      if (packet.type !== 'publish') return;
      topics.push(packet.topic);
      client.send({ type: 'puback', packetIdentifier: packet.packetIdentifier, reasonCode: 0, properties: undefined });
    },
  });
  expect(away.connack.sessionPresent).toBe(true);
  while (topics.length < count && (await away.next('publish', 2000)) !== undefined);
  away.destroy();
  return topics;
}

const allTopics = Array.from({ length: MESSAGES }, (_, index) => `t/${index + 1}`);

describe('hawser data', () => {
  it('a second broker on the same directory says that it is in use, and so does hawser data', async () => {
    await using broker = await startBroker();
    const second = await hawser(
      'broker',
      '--listen',
      'mqtt://127.0.0.1:0',
      '--no-console',
      '--data',
      broker.dataDirectory,
    );
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(`The data directory ${broker.dataDirectory} is in use by another process.`);
    const checked = await hawser('data', 'check', broker.dataDirectory);
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain('in use by another process');
    expect(checked.stderr).toContain('a broker that is stopped');
  });

  it('export, import and backup make directories that a broker starts on, with everything', async () => {
    await using broker = await startBroker();
    await fill(broker);
    const file = join(base, 'all.jsonl');
    expect(await hawser('data', 'check', broker.dataDirectory)).toMatchObject({ code: 0 });
    expect(await hawser('data', 'export', broker.dataDirectory, '-o', file)).toMatchObject({ code: 0 });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(MESSAGES);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
    const imported = join(base, 'imported');
    const backedUp = join(base, 'backed-up');
    expect(await hawser('data', 'import', file, imported)).toMatchObject({ code: 0 });
    expect(await hawser('data', 'backup', backedUp, broker.dataDirectory)).toMatchObject({ code: 0 });
    for (const dataDirectory of [imported, backedUp]) {
      await using copy = await startBroker({ dataDirectory });
      expect(await collect(copy, MESSAGES)).toEqual(allTopics);
    }
    const again = await hawser('data', 'import', file, broker.dataDirectory);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('There is data in');
  });

  it('damage: the broker does not start, check says where, repair keeps the rest', async () => {
    await using broker = await startBroker();
    await fill(broker);
    // Once more, so that the log of the first run is a table.
    await broker.restart();
    await broker.program.end('SIGTERM');
    await damage(join(broker.dataDirectory, 'db'));
    const refused = await hawser(
      'broker',
      '--listen',
      'mqtt://127.0.0.1:0',
      '--no-console',
      '--data',
      broker.dataDirectory,
    );
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is damaged');
    expect(refused.stderr).toContain(`hawser data check ${broker.dataDirectory}`);
    expect(refused.stderr).toContain(`hawser data repair ${broker.dataDirectory}`);
    const checked = await hawser('data', 'check', broker.dataDirectory);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(/\.ldb: /);
    const repaired = await hawser('data', 'repair', broker.dataDirectory);
    expect(repaired.code).toBe(0);
    expect(repaired.stdout).toContain(join(broker.dataDirectory, 'damaged-1'));
    expect(await hawser('data', 'check', broker.dataDirectory)).toMatchObject({ code: 0 });
    await broker.restart();
    const topics = await collect(broker, MESSAGES);
    expect(topics.length).toBeGreaterThan(0);
    expect(topics).toEqual(allTopics.filter((topic) => topics.includes(topic)));
  });
});

/** Flips a bit near the front of the largest table: in messages, not in the session. */
async function damage(db: string): Promise<void> {
  let [largest, size] = ['', 0];
  for (const name of await readdir(db)) {
    const bytes = (await stat(join(db, name))).size;
    if (name.endsWith('.ldb') && bytes > size) [largest, size] = [name, bytes];
  }
  const file = await open(join(db, largest), 'r+');
  const byte = Buffer.alloc(1);
  const at = Math.floor(size / 3);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 4;
  await file.write(byte, 0, 1, at);
  await file.close();
}
