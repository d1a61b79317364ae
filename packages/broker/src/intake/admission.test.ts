import type { ConnectPacket } from '@hawser/codec';
import { FakeClock, FakePeer } from '@hawser/testkit';
import { describe, expect, test } from 'vitest';
import { type Broker, createBroker } from '../broker.ts';
import type { BrokerOptions } from '../broker-options.ts';
import { kickClient } from '../operate.ts';
import type { AuthenticationDecision } from '../policy/policies.ts';
import type { ClosedEvent, RefusedEvent } from '../recorder/observer.ts';

/** A broker, and clients of which a test sees what they are sent. */
class Scene {
  readonly clock = new FakeClock();
  readonly refused: RefusedEvent[] = [];
  readonly closed: ClosedEvent[] = [];
  #broker: Broker | undefined;

  async start(options: Omit<BrokerOptions, 'clock'> = {}): Promise<this> {
    const observe = {
      onRefused: (event: RefusedEvent) => this.refused.push(event),
      onClosed: (event: ClosedEvent) => this.closed.push(event),
      ...options.observe,
    };
    this.#broker = await createBroker({ ...options, clock: this.clock, observe });
    return this;
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('not started');
    return this.#broker;
  }

  async connect(options: Partial<ConnectPacket> = {}): Promise<FakePeer> {
    const peer = new FakePeer(this.clock, options.protocolVersion ?? 5);
    this.broker.attach(peer);
    peer.send(connectOf(options));
    await this.clock.settle();
    return peer;
  }
}

function connectOf(options: Partial<ConnectPacket>): ConnectPacket {
  return {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId: 'it',
    username: undefined,
    password: undefined,
    will: undefined,
    properties: undefined,
    bridge: false,
    ...options,
  };
}

describe('admission', () => {
  test('an arrival becomes a client with its CONNACK, and both are one connection', async () => {
    const answers: ((decision: AuthenticationDecision) => void)[] = [];
    const scene = await new Scene().start({ authenticate: () => new Promise((resolve) => answers.push(resolve)) });
    const { intake } = scene.broker;
    const peer = await scene.connect();
    expect([...intake.clients]).toEqual([]);
    expect([...intake.peers()].map(({ info }) => info?.clientId)).toEqual(['it']);
    expect([intake.size, intake.connected]).toEqual([1, 0]);
    await scene.clock.advance(100);
    answers[0]?.({ kind: 'allow' });
    await scene.clock.settle();
    expect(peer.decoded()).toMatchObject([{ type: 'connack', reasonCode: 0 }]);
    const [client] = intake.clients;
    expect(client).toMatchObject({ info: { clientId: 'it' }, connectedAtMs: scene.clock.now(), isBridge: false });
    expect([...intake.peers()]).toEqual([client]);
    expect([intake.size, intake.connected]).toEqual([1, 1]);
    expect(client?.clientSession).toMatchObject({ holder: client, handler: client, phase: 'attached' });
  });

  test('a connection that has not said who it is has no name in what is told of it', async () => {
    const scene = await new Scene().start();
    const peer = new FakePeer(scene.clock);
    scene.broker.attach(peer);
    await scene.clock.advance(60_000);
    expect(peer.closed).toBe(true);
    expect(scene.refused).toMatchObject([{ client: undefined, cause: { code: 'connect-never-sent' } }]);
  });

  test('a client that hangs up while its credentials are checked leaves no session, and its question is aborted', async () => {
    const signals: AbortSignal[] = [];
    const scene = await new Scene().start({
      authenticate: (_request, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const peer = await scene.connect();
    peer.destroy();
    await scene.clock.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(scene.broker.registry.size).toBe(0);
    expect(scene.broker.counters.abandonedLogins).toBe(1);
    expect(scene.broker.intake.size).toBe(0);
  });

  test('a CONNACK that the client does not take is no CONNACK: no client, no session', async () => {
    const scene = await new Scene().start();
    const peer = await scene.connect({ properties: { maximumPacketSize: 10, sessionExpiryInterval: 100 } });
    expect(peer.closed).toBe(true);
    expect(scene.refused).toMatchObject([{ client: { clientId: 'it' }, cause: { code: 'packet-too-large' } }]);
    expect(scene.closed).toEqual([]);
    expect(scene.broker.registry.size).toBe(0);
    expect(scene.broker.intake.connected).toBe(0);
  });

  test('an observer may end a client as soon as it is told of it', async () => {
    const scene = await new Scene().start({
      observe: { onConnected: ({ client }) => kickClient(scene.broker, client.clientId) },
    });
    const peer = await scene.connect({ cleanStart: false, properties: { sessionExpiryInterval: 100 } });
    expect(peer.decoded()).toMatchObject([{ type: 'connack' }, { type: 'disconnect', reasonCode: 0x98 }]);
    const session = scene.broker.registry.get('it');
    expect(session).toMatchObject({ phase: 'away', holder: undefined, handler: undefined });
    expect(session?.session.connection).toBeUndefined();
  });
});
