import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Packet, PublishPacket } from '@hawser/codec';
import { expect, it } from 'vitest';
import { startBroker } from './support/broker-process.ts';
import { openRaw, type RawConnection } from './support/raw-connection.ts';
import { readTrace, type SystemCall } from './support/system-calls.ts';

const MESSAGES = 25;

it('fdatasync of the log returns before the PUBACK, and before the PUBREC, is written to the socket', async () => {
  const wrapper = (file: string) => [
    'strace',
    '-f',
    '-y',
    '-xx',
    '-s',
    '16384',
    '-e',
    'trace=fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg',
    '-o',
    file,
  ];
  const trace = join(process.env.TMPDIR ?? '/tmp', `hawser-strace-${process.pid}`);
  await using broker = await startBroker({ wrapper: wrapper(trace) });
  let onAck: (packet: Packet) => void = () => {};
  const connection = await openRaw({
    port: broker.port,
    clientId: 'traced',
    version: 4,
    cleanStart: true,
    onPacket: (packet) => onAck(packet),
  });

  for (let identifier = 1; identifier <= MESSAGES; identifier++) {
    const qos = identifier % 2 === 0 ? 2 : 1;
    const answered = new Promise<Packet>((resolve) => {
      onAck = resolve;
    });
    publish(connection, identifier, qos);
    expect(await answered).toMatchObject({ type: qos === 1 ? 'puback' : 'pubrec', packetIdentifier: identifier });
  }
  connection.destroy();
  // The broker is strace's child and gets the signal by itself; strace ends with it.
  process.kill(broker.pidOfBroker(), 'SIGTERM');
  await broker.program.exited;

  const calls = readTrace(await readFile(trace, 'latin1'));
  for (let identifier = 1; identifier <= MESSAGES; identifier++) checkOrder(calls, identifier);
}, 60_000);

/** Log written, then synced, then acknowledged. Each message is sent after the acknowledgement of the one before. */
function checkOrder(calls: readonly SystemCall[], identifier: number): void {
  const marker = Buffer.from(markerOf(identifier)).toString('hex');
  const written = calls.findIndex(({ path, data }) => path.endsWith('.log') && data.includes(marker));
  expect(written, `message ${identifier} is written to the log`).toBeGreaterThan(-1);
  const log = calls[written]?.path;
  const synced = calls.findIndex(
    ({ name, path }, at) => at > written && (name === 'fdatasync' || name === 'fsync') && path === log,
  );
  expect(synced, `the log is synced after message ${identifier}`).toBeGreaterThan(written);
  const ack = Buffer.from([identifier % 2 === 0 ? 0x50 : 0x40, 2, 0, identifier]).toString('hex');
  const acknowledged = calls.findIndex(({ path, data }) => isSocket(path) && data.startsWith(ack));
  expect(acknowledged, `message ${identifier} is acknowledged`).toBeGreaterThan(-1);
  // The lines stand in the order in which the calls returned, and a socket's call begins after that of the disk has returned.
  expect(calls[acknowledged]?.beganAt, `the acknowledgement of ${identifier} after the sync`).toBeGreaterThan(
    calls[synced]?.endedAt ?? Number.POSITIVE_INFINITY,
  );
}

function publish(connection: RawConnection, packetIdentifier: number, qos: 1 | 2): void {
  const payload = Buffer.from(markerOf(packetIdentifier));
  const packet: PublishPacket = {
    type: 'publish',
    topic: 'traced/sync',
    payload,
    qos,
    retain: true,
    dup: false,
    packetIdentifier,
    properties: undefined,
  };
  connection.send(packet);
}

function markerOf(identifier: number): string {
  return `marker-${String(identifier).padStart(4, '0')}-of-this-message`;
}

function isSocket(path: string): boolean {
  return /^(TCP|socket)/.test(path);
}
