import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startBroker } from './support/broker-process.ts';
import { RunningProgram, run } from './support/processes.ts';

// Whoever has watched Mosquitto by its $SYS topics watches Hawser by the same names, and reads the same formats.

const folder = mkdtempSync(join(tmpdir(), 'hawser-sys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a subscriber to all of it gets in a few seconds, the last value of each name. */
async function sysTopics(port: number): Promise<Map<string, string>> {
  const { stdout } = await run('mosquitto_sub', ['-p', `${port}`, '-t', '$SYS/#', '-F', '%t=%p', '-W', '4']);
  const lines = stdout.trim().split('\n');
  return new Map(lines.map((line) => line.split('=', 2) as [string, string]));
}

/** Digits to one digit: `12.34` and `0.00` are the same format, `12` is another. */
const format = (value: string) =>
  value
    .replace(/^\w+ version .*/, 'version')
    .replace(/\.\d\d$/, '.NN')
    .replace(/\d+/, 'N');

it("has Mosquitto's names, in Mosquitto's formats", async () => {
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\nsys_interval 1\n`);
  await using mosquitto = new RunningProgram('/usr/sbin/mosquitto', ['-c', config]);
  await mosquitto.waitFor(/running/, 'stderr');
  await using hawser = await startBroker({ args: ['-s', 'sys.interval=1'] });
  const [theirs, ours] = await Promise.all([sysTopics(port), sysTopics(hawser.port)]);
  expect(theirs.size).toBeGreaterThan(50);
  const differ = [...theirs].filter(([name, value]) => format(ours.get(name) ?? 'missing') !== format(value));
  expect(differ).toEqual([]);
  // What the subscriber itself got is counted.
  expect(Number(ours.get('$SYS/broker/publish/messages/sent'))).toBeGreaterThanOrEqual(50);
  expect(Number(ours.get('$SYS/broker/publish/bytes/sent'))).toBeGreaterThan(100);
  expect(ours.get('$SYS/broker/clients/connected')).toBe('1');
});
