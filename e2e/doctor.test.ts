import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker, inspectOverview } from '@hawser/broker';
import { connect } from '@hawser/client';
import { type ConnackPacket, encodePacket, type Packet, PacketReader, PacketType } from '@hawser/codec';
import { type DoctorReport, examine } from '@hawser/doctor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HAWSER } from './support/broker-process.ts';
import { FaultyServers, faults, local } from './support/faulty-servers.ts';
import { type Outcome, RunningProgram, run } from './support/processes.ts';

// The doctor against Hawser, Debian's Mosquitto, and servers with a fault each; over real sockets.

const folder = mkdtempSync(join(tmpdir(), 'hawser-doctor-'));
const servers = new FaultyServers();
let broker: Broker;
let url = '';
let wsUrl = '';
const mosquitto: { program?: RunningProgram; open: string; password: string; tls: string } = {
  open: '',
  password: '',
  tls: '',
};

beforeAll(async () => {
  broker = await createBroker({ listeners: ['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt'] });
  [url = '', wsUrl = ''] = broker.urls;
  await startMosquitto();
});
afterEach(() => servers.closeAll());
afterAll(async () => {
  await broker?.close();
  await mosquitto.program?.end();
  servers[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Debian's, with three listeners: anonymous, password, TLS with certificates that `openssl` has made. */
async function startMosquitto(): Promise<void> {
  const [open, password, tls] = await Promise.all([servers.nothing(), servers.nothing(), servers.nothing()]);
  const file = (name: string): string => join(folder, name);
  execFileSync('mosquitto_passwd', ['-b', '-c', file('passwords'), 'ada', 'lovelace']);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  const made = ['-days', '10', '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('cert.pem')];
  execFileSync('openssl', ['req', '-x509', ...key, ...names, ...made], { stdio: 'pipe' });
  const lines = [
    'user root',
    'per_listener_settings true',
    `listener ${open} 127.0.0.1`,
    'allow_anonymous true',
    `listener ${password} 127.0.0.1`,
    `password_file ${file('passwords')}`,
    `listener ${tls} 127.0.0.1`,
    'allow_anonymous true',
    `certfile ${file('cert.pem')}`,
    `keyfile ${file('key.pem')}`,
  ];
  writeFileSync(file('mosquitto.conf'), `${lines.join('\n')}\n`);
  mosquitto.program = new RunningProgram('/usr/sbin/mosquitto', ['-c', file('mosquitto.conf')]);
  await mosquitto.program.waitFor(/running/, 'stderr');
  mosquitto.open = local(open);
  mosquitto.password = local(password);
  mosquitto.tls = `mqtts://localhost:${tls}`;
}

function doctor(...args: readonly string[]): Promise<Outcome> {
  return run(process.execPath, [HAWSER, 'doctor', ...args], { cwd: folder, env: { LC_ALL: 'C.UTF-8' } });
}

const codes = ({ findings }: DoctorReport): string[] => findings.map(({ code }) => code);
const stages = (report: DoctorReport): string[] => report.stages.map(({ stage, ok }) => (ok ? stage : `${stage}!`));
const trials = ['keep-alive', 'subscribe', 'qos0', 'qos1', 'qos2', 'retained', 'limits', 'session'];

/** Everything that is retained on a server below the doctor's topics. */
async function retainedOn(server: string): Promise<string[]> {
  await using client = await connect(server);
  const topics: string[] = [];
  client.on('message', ({ topic }) => topics.push(topic));
  await client.subscribe(['hawser-doctor/#', 'the/end'], { qos: 1 });
  const end = new Promise<void>((resolve) => {
    client.onMessage(() => resolve(), 'the/end');
  });
  await client.publish('the/end', '', { qos: 1 });
  await end;
  return topics.filter((topic) => topic !== 'the/end');
}

describe('a server that works', () => {
  describe.each([3, 4, 5] as const)('in version %i', (protocolVersion) => {
    it.each(['Hawser', 'Hawser over WebSocket', 'Mosquitto'] as const)('%s', async (name) => {
      const server = { Hawser: url, 'Hawser over WebSocket': wsUrl, Mosquitto: mosquitto.open }[name];
      const seen: string[] = [];
      const report = await examine({
        connect: { url: server, protocolVersion },
        onStage: ({ stage }) => seen.push(stage),
      });
      const network = server.startsWith('ws') ? ['dns', 'tcp', 'websocket'] : ['dns', 'tcp'];
      expect(stages(report)).toEqual(['address', ...network, 'connack', ...trials]);
      expect(seen).toEqual(report.stages.map(({ stage }) => stage));
      expect(report).toMatchObject({ ok: true, url: server, findings: [] });
      expect(report.capabilities).toMatchObject({
        maximumQoS: 2,
        retain: true,
        wildcardSubscriptions: true,
        sharedSubscriptions: true,
        subscriptionIdentifiers: protocolVersion === 5,
        sessionResume: true,
        keepAlive: true,
      });
      expect(JSON.parse(JSON.stringify(report))).toMatchObject({ ok: true, negotiated: { cleanStart: true } });
    });
  });

  it('is left as it was: nothing retained, no session, no client', async () => {
    await examine({ connect: { url } });
    await examine({ connect: { url: mosquitto.open, protocolVersion: 4, cleanStart: false } });
    expect(await retainedOn(url)).toEqual([]);
    expect(await retainedOn(mosquitto.open)).toEqual([]);
    await expect
      .poll(() => inspectOverview(broker))
      .toMatchObject({ sessions: 0, connections: 0, retainedMessages: 0, subscriptions: 0 });
  });

  it('shows the CONNACK with every property', async () => {
    const { stages: all } = await examine({ connect: { url } });
    expect(all.find(({ stage }) => stage === 'connack')?.evidence).toEqual({
      sessionPresent: false,
      reasonCode: 0,
      properties: { receiveMaximum: 1024, maximumPacketSize: 1_048_576, topicAliasMaximum: 64 },
    });
  });

  it('TLS: version, chain, days left; not verified', async () => {
    const ca = join(folder, 'cert.pem');
    const good = await examine({ connect: { url: mosquitto.tls, tls: { ca } } });
    expect(good.ok).toBe(true);
    expect(good.stages.find(({ stage }) => stage === 'tls')?.evidence).toMatchObject({
      tlsVersion: 'TLSv1.3',
      isVerified: true,
      certificates: [{ subject: 'CN=localhost', names: ['localhost'], daysLeft: 9 }],
    });
    expect(codes(good)).toEqual([]);
    const trusting = await examine({ connect: { url: mosquitto.tls, tls: { insecure: true } } });
    expect(codes(trusting)).toEqual(['tls-not-verified']);
  });

  it('a password that is right, wrong, missing', async () => {
    const connectAs = (password: string | undefined, protocolVersion: 4 | 5) =>
      examine({
        connect: { url: mosquitto.password, protocolVersion, ...(password && { username: 'ada', password }) },
      });
    expect(await connectAs('lovelace', 5)).toMatchObject({ ok: true, findings: [] });
    for (const version of [4, 5] as const) {
      const { error } = await connectAs('wrong', version);
      // Mosquitto says 0x87, and 5 in 3.1.1, to a wrong password: it may be either.
      expect(error?.code).toBe('not-authorized');
      expect(error?.hint).toMatch(/may be wrong.*or not permitted\. Try them anew/);
    }
    expect(await connectAs(undefined, 5)).toMatchObject({ ok: false, error: { code: 'not-authorized' } });
  });

  it('--as-client enters the session of a device and leaves it with what waits in it', async () => {
    const options = { clientId: 'device', cleanStart: false, sessionExpiryInterval: 1000 } as const;
    const device = await connect(url, options);
    await device.subscribe('commands', { qos: 1 });
    await device.disconnect();
    await using other = await connect(url);
    await other.publish('commands', 'kept', { qos: 1 });
    const report = await examine({ connect: { url, clientId: 'device' }, asClient: true });
    expect(report).toMatchObject({ ok: true, negotiated: { clientId: { effective: 'device' }, sessionPresent: true } });
    await using again = await connect(url, { ...options });
    expect(again.negotiated?.sessionPresent).toBe(true);
    const kept = new Promise((resolve) => {
      again.on('message', (message) => resolve([message.topic, message.text()]));
    });
    expect(await kept).toEqual(['commands', 'kept']);
    await again.disconnect({ sessionExpiryInterval: 0 });
  });
});

it('gives up when it is told to, and leaves nothing', async () => {
  const abort = new AbortController();
  const examining = examine({
    connect: { url, cleanStart: false, sessionExpiryInterval: 100 },
    signal: abort.signal,
    onStage: ({ stage }) => {
      if (stage === 'qos2') abort.abort(new Error('enough'));
    },
  });
  await expect(examining).rejects.toThrowError('enough');
  await expect.poll(() => inspectOverview(broker)).toMatchObject({ sessions: 0, connections: 0, retainedMessages: 0 });
});

describe('a server that does not work', () => {
  it.each(faults)('$stage: $code: $what', async (fault) => {
    const address = await fault.url(servers);
    const options = fault.options?.(servers) ?? {};
    for (const language of ['en', 'zh'] as const) {
      const report = await examine({ connect: { connectTimeout: 5, ...options, url: address }, language });
      expect(report.ok).toBe(false);
      expect(report.error).toMatchObject({ stage: fault.stage, code: fault.code, evidence: fault.evidence ?? {} });
      expect(report.error?.hint).toMatch(language === 'zh' ? /[\u4e00-\u9fff]/ : /\w/);
      if (fault.says !== undefined) expect(report.error?.message).toMatch(fault.says);
      // Every stage stands once, and the last one is the one that failed.
      expect(stages(report).filter((stage) => stage.endsWith('!'))).toEqual([`${fault.stage}!`]);
      expect(report.stages.at(-1)?.stage).toBe(fault.stage);
      expect(JSON.stringify(report)).not.toMatch(/p@ss|undefined/);
    }
  });

  it('may be one for a certain Client ID only', async () => {
    const address = local(await servers.refusing(0x85));
    const report = await examine({ connect: { url: address, clientId: 'device' } });
    expect(report.error?.hint).toMatch(/device only, use --as-client/);
  });

  it('there are more than 30 of them, each with its own code', () => {
    expect(new Set(faults.map(({ stage, code }) => `${stage}/${code}`)).size).toBeGreaterThan(40);
  });
});

describe('a server that lets everybody in and is broken then', () => {
  const success: ConnackPacket = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined };

  /** Answers each packet as `answer` says; always the CONNECT, unless it says otherwise. */
  async function misbehaving(
    answer: (type: number, bytes: Uint8Array, socket: Socket) => Packet | undefined,
    properties?: ConnackPacket['properties'],
  ): Promise<string> {
    const server = createServer((socket) => {
      const reader = new PacketReader();
      socket.on('data', (chunk: Buffer) => {
        reader.push(chunk);
        while (reader.next()) {
          const type = reader.firstByte >> 4;
          const packet = type === PacketType.CONNECT ? { ...success, properties } : undefined;
          const said = packet ?? answer(type, reader.bytes.subarray(reader.bodyStart, reader.end), socket);
          if (said !== undefined) socket.write(encodePacket(said, 5));
        }
      });
    });
    return local(await servers.open(server));
  }

  const suback = (bytes: Uint8Array, reasonCode: number): Packet => ({
    type: 'suback',
    packetIdentifier: ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0),
    properties: undefined,
    reasonCodes: [reasonCode],
  });
  const pingresp: Packet = { type: 'pingresp' };
  const connectTimeout = 0.2;

  it('answers nothing more: said after two silences, not after eight', async () => {
    const report = await examine({ connect: { url: await misbehaving(() => undefined), connectTimeout } });
    expect(codes(report)).toEqual(['ping-unanswered', 'subscribe-unanswered', 'trials-stopped']);
    expect(report.ok).toBe(false);
  });

  it('forbids the topic', async () => {
    const address = await misbehaving((type, bytes) =>
      type === PacketType.SUBSCRIBE ? suback(bytes, 0x87) : type === PacketType.PINGREQ ? pingresp : undefined,
    );
    const report = await examine({ connect: { url: address, connectTimeout } });
    expect(codes(report)).toContain('topic-not-permitted');
  });

  it('gives back nothing of what is published', async () => {
    const address = await misbehaving((type, bytes) =>
      type === PacketType.SUBSCRIBE ? suback(bytes, 2) : type === PacketType.PINGREQ ? pingresp : undefined,
    );
    const report = await examine({ connect: { url: address, connectTimeout } });
    expect(codes(report)).toEqual(['message-not-received', 'publish-unanswered', 'trials-stopped']);
  });

  it('cuts off', async () => {
    const address = await misbehaving((_type, _bytes, socket) => {
      socket.destroy();
      return undefined;
    });
    const report = await examine({ connect: { url: address, connectTimeout } });
    expect(codes(report)).toEqual(['connection-lost']);
    expect(report.stages.at(-1)).toMatchObject({ stage: 'keep-alive', ok: false });
  });

  it('answers the first SUBSCRIBE only', async () => {
    let subscribes = 0;
    const address = await misbehaving((type, bytes) => {
      if (type === PacketType.PINGREQ) return pingresp;
      return type === PacketType.SUBSCRIBE && ++subscribes === 1 ? suback(bytes, 2) : undefined;
    });
    const report = await examine({ connect: { url: address, connectTimeout } });
    expect(report.ok).toBe(false);
    expect(codes(report)).toContain('trials-stopped');
  });

  it('has little', async () => {
    const address = await misbehaving((type) => (type === PacketType.PINGREQ ? pingresp : undefined), {
      maximumQoS: 0,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
      subscriptionIdentifierAvailable: false,
      maximumPacketSize: 1000,
      serverKeepAlive: 20,
    });
    const report = await examine({ connect: { url: address, connectTimeout } });
    expect(codes(report)).toEqual(
      expect.arrayContaining([
        'keep-alive-changed',
        'qos-not-available',
        'retain-not-available',
        'wildcard-not-available',
        'shared-not-available',
        'subscription-identifiers-not-available',
        'packet-size-small',
      ]),
    );
  });
});

describe('hawser doctor', () => {
  it('prints the walk, in English and in Chinese, and ends with 0', async () => {
    const { code, stdout, stderr } = await doctor(mosquitto.tls, '--ca', 'cert.pem');
    expect([code, stderr]).toEqual([0, '']);
    for (const line of [/^✓ tls +\d+ ms {2}TLSv1\.3, TLS_/m, /CN=localhost .*9 days left/, /^✓ connack +\d+ ms/m])
      expect(stdout).toMatch(line);
    expect(stdout).toMatch(/Fine: connected, and all that was tried works\.\n$/);
    const chinese = await doctor(url, '--lang', 'zh', '-k', '0');
    expect(chinese.code).toBe(0);
    expect(chinese.stdout).toMatch(/警告: Keep Alive 为 0/);
  });

  it('prints JSON', async () => {
    const { code, stdout } = await doctor(url, '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(Object.keys(report)).toEqual(['ok', 'url', 'stages', 'negotiated', 'capabilities', 'findings']);
    for (const stage of report.stages) expect(Object.keys(stage)).toEqual(['stage', 'ok', 'ms', 'evidence']);
  });

  it('ends with 2 where there is no connection, and says why', async () => {
    const address = local(await servers.nothing());
    const { code, stdout } = await doctor(address, '--json');
    expect(code).toBe(2);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(Object.keys(report)).toEqual(['ok', 'url', 'stages', 'error', 'findings']);
    expect(Object.keys(report.error ?? {})).toEqual(['stage', 'code', 'message', 'hint', 'retry', 'evidence']);
    const people = await doctor(mosquitto.password, '-u', 'ada', '-P', 'w1zard', '--lang', 'en');
    expect(people.code).toBe(2);
    expect(people.stdout).toMatch(/^✗ connack.*\n\n✗ could not connect \[connack: not-authorized\]/m);
    expect(people.stdout).not.toContain('w1zard');
  });

  it('ends with 1 when something is wrong that is no matter of connecting', async () => {
    const port = await servers.tcp((socket) => {
      socket.write(encodePacket({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined }, 5));
      socket.once('data', () => socket.destroy());
    });
    const { code, stdout } = await doctor(local(port), '--lang', 'en');
    expect(code).toBe(1);
    expect(stdout).toMatch(/error: the connection ended while keep-alive was tried/);
  });

  it.each<[string, string[], RegExp]>([
    ['an address twice', ['mqtt://localhost', '-h', 'localhost'], /given twice/],
    ['a flag that there is not', ['mqtt://localhost', '--jsn'], /did you mean --json/],
    ['--as-client without an ID', ['mqtt://localhost', '--as-client'], /-i ID/],
    ['a scheme that there is not', ['mqt://localhost'], /did you mean mqtt/],
    ['a timeout in milliseconds', ['mqtt://localhost', '--connect-timeout', '10000'], /seconds/],
    ['a topic with a wildcard', ['mqtt://localhost', '-t', 'a/#'], /wildcards/],
  ])('ends with 64: %s', async (_what, args, says) => {
    const { code, stdout, stderr } = await doctor(...args);
    expect(code).toBe(64);
    expect(stdout + stderr).toMatch(says);
  });

  it('says whom --as-client cuts off', async () => {
    const { code, stderr } = await doctor(url, '-i', 'device-9', '--as-client', '--json', '--lang', 'en');
    expect(code).toBe(0);
    expect(stderr).toMatch(/connecting as device-9: a live device .* is cut off/);
  });
});
