import { createBroker } from '@hawser/broker';
import { encodePacket, encodeUtf8, type Packet, type ProtocolVersion, type QoS } from '@hawser/codec';
import { Random, type Transport, type TransportHandler, type TransportInfo } from '@hawser/transport';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './fake-clock.ts';

/** A peer whose network takes bytes when the test lets it. */
class Peer implements Transport {
  readonly info: TransportInfo = { kind: 'memory', remoteAddress: 'memory', remotePort: 1, tls: undefined };
  readonly received: Uint8Array[] = [];
  stuck = false;
  closed = false;
  #handler: TransportHandler | undefined;
  #blocked = false;

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }
  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.received.push(chunk);
    this.#blocked = this.stuck;
    return !this.stuck;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.destroy();
  }
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handler?.onClose(undefined);
  }
  send(...packets: Uint8Array[]): void {
    if (!this.closed) this.#handler?.onData(join(packets));
  }
  /** Takes bytes again. */
  unstick(): void {
    this.stuck = false;
    if (!this.#blocked || this.closed) return;
    this.#blocked = false;
    this.#handler?.onDrain();
  }
  bytes(): string {
    return Buffer.from(join(this.received)).toString('hex');
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

const TOPICS = ['a', 'a/b', 'c', 'c/d/e'];
const FILTERS = ['a', 'a/b', 'a/#', '#', 'c/+/e', '+', 'c'];

interface Step {
  readonly kind: 'publish' | 'ping' | 'subscribe' | 'unsubscribe' | 'stick' | 'unstick' | 'leave' | 'join' | 'turn';
  readonly peer: number;
  readonly topic: string;
  readonly filter: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly size: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier: number;
}

function script(seed: number): {
  readonly versions: ProtocolVersion[];
  readonly aliases: number[];
  readonly steps: Step[];
} {
  const random = new Random(seed);
  const peers = random.integer(3, 9);
  const versions = Array.from({ length: peers }, () => random.pick([3, 4, 4, 5, 5] as const));
  const aliases = versions.map(() => (random.chance(0.15) ? 3 : 0));
  const kinds = [
    'publish',
    'publish',
    'publish',
    'publish',
    'publish',
    'publish',
    'turn',
    'ping',
    'ping',
    'subscribe',
    'subscribe',
    'unsubscribe',
    'stick',
    'unstick',
    'leave',
    'join',
  ] as const;
  const steps = Array.from(
    { length: random.integer(50, 400) },
    (): Step => ({
      kind: random.pick(kinds),
      peer: random.integer(0, peers - 1),
      topic: random.pick(TOPICS),
      filter: random.pick(FILTERS),
      qos: random.pick([0, 0, 0, 1, 2] as const),
      retain: random.chance(0.1),
      size: random.chance(0.05) ? random.integer(1000, 20_000) : random.integer(0, 100),
      noLocal: random.chance(0.1),
      retainAsPublished: random.chance(0.3),
      identifier: random.chance(0.1) ? 7 : 0,
    }),
  );
  return { versions, aliases, steps };
}

/** What every connection of a script receives, in the order in which they were made. */
async function play(
  seed: number,
  minimumMembers: number,
): Promise<{ readonly bytes: string[]; readonly grouped: boolean }> {
  const { versions, aliases, steps } = script(seed);
  const clock = new FakeClock();
  const broker = await createBroker({
    clock,
    settings: { 'fanout.minimumMembers': minimumMembers, 'limits.outputBytes': 64 * 1024 * 1024 },
  });
  const all: Peer[] = [];
  let grouped = false;
  const join = (at: number): Peer => {
    const peer = new Peer();
    all.push(peer);
    broker.attach(peer);
    const version = versions[at] as ProtocolVersion;
    const properties = version === 5 ? { topicAliasMaximum: aliases[at] } : undefined;
    const connect: Packet = {
      type: 'connect',
      protocolVersion: version,
      cleanStart: true,
      keepAlive: 0,
      clientId: `p${at}`,
      username: undefined,
      password: undefined,
      will: undefined,
      properties,
      bridge: false,
    };
    peer.send(encodePacket(connect, version));
    return peer;
  };
  const peers = versions.map((_, at) => join(at));
  let number = 0;
  for (const step of steps) {
    const peer = peers[step.peer] as Peer;
    const version = versions[step.peer] as ProtocolVersion;
    const packetIdentifier = (number++ % 60_000) + 1;
    switch (step.kind) {
      case 'publish': {
        const payload = encodeUtf8(`${number}:`.padEnd(step.size, 'x'));
        const properties = version === 5 && step.size % 3 === 0 ? { contentType: 'text' } : undefined;
        const pid = step.qos === 0 ? 0 : packetIdentifier;
        peer.send(
          encodePacket(
            {
              type: 'publish',
              topic: step.topic,
              payload,
              qos: step.qos,
              retain: step.retain,
              dup: false,
              packetIdentifier: pid,
              properties,
            },
            version,
          ),
        );
        break;
      }
      case 'ping':
        peer.send(encodePacket({ type: 'pingreq' }, version));
        break;
      case 'subscribe': {
        const five = version === 5;
        const subscription = {
          topicFilter: step.filter,
          qos: step.qos,
          noLocal: five && step.noLocal,
          retainAsPublished: five && step.retainAsPublished,
          retainHandling: 0 as const,
        };
        const properties = five && step.identifier > 0 ? { subscriptionIdentifier: step.identifier } : undefined;
        peer.send(
          encodePacket({ type: 'subscribe', packetIdentifier, properties, subscriptions: [subscription] }, version),
        );
        break;
      }
      case 'unsubscribe':
        peer.send(
          encodePacket(
            { type: 'unsubscribe', packetIdentifier, properties: undefined, topicFilters: [step.filter] },
            version,
          ),
        );
        break;
      case 'stick':
        peer.stuck = true;
        break;
      case 'unstick':
        peer.unstick();
        break;
      case 'leave':
        peer.destroy();
        break;
      case 'join':
        if (peer.closed) peers[step.peer] = join(step.peer);
        break;
      default:
        await clock.settle();
    }
    grouped ||= broker.router.routes.groupCount > 0;
  }
  await clock.settle();
  for (const peer of all) peer.unstick();
  await clock.settle();
  await clock.settle();
  // Those that left took what was on its way with them; how much had gone out is the network's affair, not the order's.
  return { bytes: all.map((peer) => (peer.closed ? '' : peer.bytes())), grouped };
}

describe('fan-out groups', () => {
  const seeds = process.env.HAWSER_SEED ? [Number(process.env.HAWSER_SEED)] : Array.from({ length: 150 }, (_, i) => i);
  test.each(seeds)('seed %i: every connection receives byte for byte what it would without groups', async (seed) => {
    const withGroups = await play(seed, 2);
    const without = await play(seed, 1_000_000_000);
    expect(without.grouped).toBe(false);
    expect(withGroups.bytes).toEqual(without.bytes);
  });

  test('the scripts make groups', async () => {
    expect((await play(3, 2)).grouped).toBe(true);
  });
});
