// What a large data directory costs: 100,000 sessions, 1,000,000 queued messages.
//
//   npm run build && node --expose-gc bench/large-store.mjs [SESSIONS] [MESSAGES_OF_A_SESSION] [DIRECTORY]
//
// Half of the messages are each for one session, half for all of them (kept once). Makes the directory (in the system's temporary
// one unless named, where it is kept), then starts a broker on it twice, as after a stop and as after kill -9, and says how long it
// takes to listen, until all is counted, what it holds in memory, and how fast sessions catch up.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker } from '@hawser/broker';
import { decodePacket, encodePacket, PacketReader } from '@hawser/codec';
import { LevelStore } from '@hawser/store-level';

if (process.argv[2] === '--serve') await serve(process.argv[3]);
else await measure();

async function measure() {
  const sessions = Number(process.argv[2] ?? 100_000);
  const messages = Number(process.argv[3] ?? 10);
  const kept = process.argv[4];
  const base = kept ?? (await mkdtemp(join(tmpdir(), 'hawser-large-')));
  const directory = join(base, 'data');
  if (!(await exists(directory))) {
    await timed('made', () => fill(directory, sessions, messages));
  }
  const store = new LevelStore({ directory });
  await timed('LevelStore.open() alone', () => store.open());
  await store.close();
  const killed = join(base, 'killed');
  await rm(killed, { recursive: true, force: true });
  // Others catch up each time.
  const many = Math.floor(Math.min(1000, sessions / 4) / 50) * 50;
  const sizes = await Promise.all(
    (await readdir(join(directory, 'db'))).map((name) => stat(join(directory, 'db', name))),
  );
  const dataBytes = sizes.reduce((sum, { size }) => sum + size, 0);
  const runs = [
    await run('after a stop', directory, 1, many, messages, async (child) => {
      // As kill -9 leaves it.
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      await cp(directory, killed, { recursive: true });
    }),
    await run('after kill -9', killed, 2 + many, many, messages, (child) => child.kill('SIGKILL')),
  ];
  console.log(JSON.stringify({ sessions, messages: sessions * messages, dataBytes, runs }));
  await rm(kept === undefined ? base : killed, { recursive: true, force: true });
}

async function run(title, directory, firstSession, many, messages, end) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--expose-gc', import.meta.filename, '--serve', directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const said = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(text);
        if (found !== null) resolve(found);
      };
      child.stdout.on('data', look);
      child.once('exit', () => reject(new Error(`the broker has ended: ${text}`)));
      look();
    });
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const [, port, listening, listeningMb] = await said(/listening (\d+) ((\d+) .*)/);
  const listeningMs = since(startedAt);
  console.log(`${title}: listening after ${seconds(startedAt)}, ${listening}`);
  const first = performance.now();
  const got = await collect(Number(port), firstSession, messages);
  const firstMs = since(first);
  console.log(`  the first session has its ${got} messages ${seconds(first)} later`);
  const [, counted, countedMb] = await said(/settled ((\d+) .*)/);
  const countedMs = since(startedAt);
  console.log(`  all read after ${seconds(startedAt)}, ${counted}`);
  const at = performance.now();
  let received = 0;
  for (let wave = 0; wave < many; wave += 50) {
    const waves = Array.from({ length: 50 }, (_, index) =>
      collect(Number(port), firstSession + 1 + wave + index, messages),
    );
    for (const count of await Promise.all(waves)) received += count;
  }
  console.log(`  ${many} sessions caught up with ${received} messages in ${seconds(at)}`);
  const caughtUpMs = since(at);
  await end(child);
  const figures = { listeningMs, countedMs, firstMs, caughtUp: received, caughtUpMs };
  return { title, ...figures, listeningMb: Number(listeningMb), countedMb: Number(countedMb) };
}

/** The broker, a process of its own. */
async function serve(directory) {
  const store = new LevelStore({ directory });
  const broker = await createBroker({ store, listeners: ['mqtt://127.0.0.1:0'] });
  globalThis.gc?.();
  console.log(`listening ${new URL(broker.urls[0]).port} ${memory()}`);
  await store.counted;
  globalThis.gc?.();
  console.log(`settled ${memory()}`);
}

function memory() {
  const { rss, heapUsed } = process.memoryUsage();
  return `${Math.round(rss / 1e6)} MB resident, ${Math.round(heapUsed / 1e6)} MB heap`;
}

async function fill(directory, sessions, messages) {
  const store = new LevelStore({ directory });
  await store.open();
  const now = Date.now();
  const payload = Buffer.alloc(100, 'x');
  const messageOf = (topic) => ({
    topic,
    payload,
    qos: 1,
    retain: false,
    properties: undefined,
    publishedAt: now,
    publisher: 'bench',
  });
  let sequence = 1;
  const entryOf = (topic) => ({
    sequence,
    qos: 1,
    retain: false,
    subscriptionIdentifiers: [],
    message: messageOf(topic),
  });
  for (let number = 1; number <= sessions; number++) {
    const session = {
      clientId: `client-${number}`,
      number,
      protocolVersion: 4,
      expiryInterval: 604_800,
      createdAt: now,
    };
    store.append({ kind: 'putSession', session: { ...session, expiresAt: now + 604_800_000 } });
    const subscription = {
      topicFilter: `devices/${number}/#`,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    };
    store.append({ kind: 'putSubscription', session: number, subscription });
    if (number % 5000 === 0) await flushed(store);
  }
  for (let round = 0; round < messages; round++) {
    const isShared = round % 2 === 1;
    const shared = sequence;
    for (let number = 1; number <= sessions; number++) {
      const entry = isShared ? { ...entryOf('all/news'), sequence: shared } : entryOf(`devices/${number}/state`);
      store.append({ kind: 'putQueued', session: number, entry, messageSequence: isShared ? shared : undefined });
      if (!isShared) sequence++;
      if (number % 5000 === 0) await flushed(store);
    }
    if (isShared) sequence++;
  }
  await store.close();
}

function flushed(store) {
  return new Promise((resolve) => {
    store.onCommitted = () => {
      if (store.pendingBytes < 4e6) resolve();
    };
  });
}

/** Connects as one of the clients and takes what waits for it. */
function collect(port, number, messages) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const reader = new PacketReader();
    let count = 0;
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      reader.push(chunk);
      while (reader.next()) {
        const packet = decodePacket(reader, 4, 'to-client');
        if (packet.type === 'connack' && !packet.sessionPresent) reject(new Error(`client-${number} has no session`));
        if (packet.type !== 'publish') continue;
        count++;
        socket.write(
          encodePacket(
            { type: 'puback', packetIdentifier: packet.packetIdentifier, reasonCode: 0, properties: undefined },
            4,
          ),
        );
        if (count === messages) {
          socket.end();
          resolve(count);
        }
      }
    });
    const rest = { username: undefined, password: undefined, will: undefined, properties: undefined, bridge: false };
    socket.write(
      encodePacket(
        { type: 'connect', protocolVersion: 4, cleanStart: false, keepAlive: 0, clientId: `client-${number}`, ...rest },
        4,
      ),
    );
  });
}

async function timed(what, act) {
  const startedAt = performance.now();
  const result = await act();
  console.log(`${what}: ${seconds(startedAt)}`);
  return result;
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(2)} s`;
}

function since(start) {
  return Math.round(performance.now() - start);
}

function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}
