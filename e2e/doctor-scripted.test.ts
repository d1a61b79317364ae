import type { Packet } from '@hawser/codec';
import { type DoctorOptions, type DoctorReport, examine } from '@hawser/doctor';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../packages/testkit/src/fake-clock.ts';
import { ack, connack, type ScriptedConnection, ScriptedServer } from '../packages/testkit/src/scripted-server.ts';

// The doctor at servers that are not what the specification says, or say nothing: as public ones are.

/** Gives each message back to whoever has sent it, as far as it has subscribed to its topic. */
class Echo extends ScriptedServer {
  readonly subscribed = new WeakMap<ScriptedConnection, string[]>();
  ids = 0;

  /** What is different from a server that is in order: true takes the packet away. */
  differ: (packet: Packet, connection: ScriptedConnection) => boolean = () => false;

  constructor(clock: FakeClock) {
    super(clock);
    this.intercept = (packet, connection) => {
      if (this.differ(packet, connection)) return true;
      const filters = this.subscribed.get(connection) ?? [];
      if (packet.type === 'subscribe') filters.push(...packet.subscriptions.map(({ topicFilter }) => topicFilter));
      this.subscribed.set(connection, filters);
      if (packet.type === 'publish' && filters.includes(packet.topic)) {
        const qos = packet.qos === 2 ? 1 : packet.qos;
        connection.write({ ...packet, qos, retain: false, packetIdentifier: qos === 0 ? 0 : ++this.ids });
      }
      return false;
    };
  }

  async examine(connect: DoctorOptions['connect'] = {}, more: Partial<DoctorOptions> = {}): Promise<DoctorReport> {
    let report: DoctorReport | undefined;
    const examining = examine({
      connect: { url: 'mqtt://server', connectTimeout: 1, protocolVersion: 4, ...connect },
      platform: this.platform,
      ...more,
    }).then((made) => {
      report = made;
    });
    for (let i = 0; report === undefined && i < 1000; i++) await this.clock.advance(100);
    await examining;
    if (report === undefined) throw new Error('the doctor does not come to an end');
    return report;
  }
}

const codes = ({ findings }: DoctorReport): string[] => findings.map(({ code }) => code);
const stage = ({ stages }: DoctorReport, name: string) => stages.find((one) => one.stage === name);

describe('the doctor', () => {
  it('says that there is no QoS 2 where such a message is answered with PUBACK, and goes on', async () => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type !== 'publish' || packet.qos !== 2) return false;
      connection.write(ack('puback', packet.packetIdentifier));
      return true;
    };
    const report = await server.examine();
    expect(codes(report)).not.toContain('connection-lost');
    const found = report.findings.find(({ code }) => code === 'qos2-answered-as-qos1');
    expect(found?.message).toMatch(/has no QoS 2.*PUBACK/);
    expect(report.capabilities?.maximumQoS).toBe(1);
    expect(stage(report, 'limits')?.ok).toBe(true);
    expect(report.stages.map((one) => one.stage)).toContain('session');
  });

  it.each(['shared', 'wildcard'])('names its own probe that a server closes on, and goes on: %s', async (probe) => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type !== 'subscribe' || packet.subscriptions[0]?.topicFilter.endsWith(`/${probe}`) !== true)
        return false;
      connection.end();
      return true;
    };
    const report = await server.examine();
    const found = report.findings.find(({ code }) => code === 'subscribe-closes');
    expect(found?.message).toMatch(probe === 'shared' ? /\$share\/hawser-doctor\// : /\/\+\/wildcard/);
    expect(codes(report)).not.toContain('connection-lost');
    expect(stage(report, 'limits')).toMatchObject({ ok: true });
    expect(report.capabilities).toMatchObject({
      sharedSubscriptions: false,
      wildcardSubscriptions: probe === 'shared',
    });
    expect(report.stages.map((one) => one.stage)).toContain('session');
  });

  it('goes on with a new connection after any trial that lost it, and not where nothing has worked', async () => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type !== 'publish' || !packet.retain) return false;
      connection.end();
      return true;
    };
    const report = await server.examine();
    expect(codes(report)).toContain('connection-lost');
    expect(stage(report, 'retained')?.ok).toBe(false);
    expect(stage(report, 'limits')?.ok).toBe(true);
  });

  it('says that there is no new connection', async () => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type === 'connect' && server.connections.length > 1) {
        connection.write(connack({ reasonCode: 3 }));
        connection.end();
        return true;
      }
      if (packet.type !== 'publish' || packet.qos !== 1) return false;
      connection.end();
      return true;
    };
    const report = await server.examine();
    expect(codes(report)).toEqual(expect.arrayContaining(['connection-lost', 'not-connected-again']));
    expect(report.stages.at(-1)?.stage).toBe('qos1');
  });

  it.each([
    [5, 0, /At QoS 0, and in 3\.x/],
    [5, 1, /has acknowledged it/],
    [4, 1, /At QoS 0, and in 3\.x at any QoS/],
  ] as const)('of a message that does not come back in version %i with QoS %i: %s', async (version, qos, says) => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type !== 'publish' || packet.qos !== qos) return false;
      if (qos > 0) connection.write(ack('puback', packet.packetIdentifier));
      return true;
    };
    const report = await server.examine({ protocolVersion: version });
    expect(report.findings.find(({ code }) => code === 'message-not-received')?.hint).toMatch(says);
    const chinese = await server.examine({ protocolVersion: version }, { language: 'zh' });
    expect(chinese.findings.find(({ code }) => code === 'message-not-received')?.hint).toMatch(/[\u4e00-\u9fff]/);
  });

  it('auto: an attempt that was refused is not ticked', async () => {
    const server = new Echo(new FakeClock());
    server.differ = (packet, connection) => {
      if (packet.type !== 'connect' || packet.protocolVersion !== 5) return false;
      connection.version = 4;
      connection.write(connack({ reasonCode: 1 }));
      connection.end();
      return true;
    };
    const told: string[] = [];
    const report = await server.examine(
      { protocolVersion: 'auto' },
      { onStage: ({ stage, ok }) => told.push(ok ? stage : `${stage}!`) },
    );
    expect(told.slice(0, 6)).toEqual(['address', 'tcp', 'connack!', 'address', 'tcp', 'connack']);
    expect(report.stages.slice(0, 3).map(({ stage, ok }) => [stage, ok])).toEqual([
      ['address', true],
      ['tcp', true],
      ['connack', true],
    ]);
    expect(codes(report)).toContain('older-version');
  });
});
