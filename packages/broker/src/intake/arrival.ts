import { type AuthPacket, type ConnectPacket, type DecodeLimits, ReasonCode, type TopicCache } from '@hawser/codec';
import {
  type AnswerBounds,
  type ArrivalSink,
  type CloseCause,
  type Commits,
  Output,
  ServerConnection,
  type Slab,
} from '@hawser/protocol';
import type { Transport } from '@hawser/transport';
import { ConnectionDriver } from '../node/connection-driver.ts';
import { Asker } from '../policy/asker.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { SessionHolder } from '../sessions/client-session.ts';
import { Admission, type AdmissionCore, type AdmissionDesk } from './admission.ts';
import type { Client } from './client.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { ListenerInfo } from './listener-info.ts';
import { Peer } from './peer.ts';

/** What a connection without a CONNACK needs of its broker. */
export interface ArrivalCore extends AdmissionCore {
  readonly slab: Slab;
  readonly topics: TopicCache;
  readonly journal: AdmissionCore['journal'] & Commits;
}

/** What all arrivals share, and who is told what becomes of them. */
export interface ArrivalDesk extends AdmissionDesk {
  readonly gatekeeper: AdmissionDesk['gatekeeper'] & Pick<Gatekeeper, 'countAbandonedLogin'>;
  readonly answerBounds: AnswerBounds;
  readonly decodeLimits: DecodeLimits;
  readonly subscribeLimits: DecodeLimits;
  /** Its CONNACK is out: `client` is what there is from here on. */
  onAdmitted(arrival: Arrival, client: Client): void;
  /** It has ended without a CONNACK that lets it in. */
  onArrivalClosed(arrival: Arrival, cause: CloseCause): void;
  onArrivalGone(arrival: Arrival): void;
}

/** A network connection until its CONNACK is out. */
export class Arrival extends Peer implements ArrivalSink, SessionHolder {
  readonly memberNumber: number;
  readonly connection: ServerConnection;
  readonly driver: ConnectionDriver;
  readonly output: Output;
  readonly listener: ListenerInfo;
  protected readonly core: ArrivalCore;
  readonly #desk: ArrivalDesk;
  /** From the CONNECT on. */
  #admission: Admission | undefined;
  #asker: Asker | undefined;

  constructor(core: ArrivalCore, desk: ArrivalDesk, transport: Transport, listener: ListenerInfo, number: number) {
    super();
    const { settings } = core;
    this.core = core;
    this.#desk = desk;
    this.listener = listener;
    this.memberNumber = number;
    this.output = new Output(core.slab, transport.framing);
    this.output.limit = settings['limits.outputBytes'];
    this.connection = new ServerConnection(
      {
        output: this.output,
        commits: core.journal,
        topics: core.topics,
        maximumPacketSize: settings['limits.maximumPacketSize'],
        connectPacketSize: settings['limits.connectPacketBytes'],
        connectTimeoutMs: settings['limits.connectTimeout'] * 1000,
        answers: desk.answerBounds,
        decodeLimits: desk.decodeLimits,
        subscribeLimits: desk.subscribeLimits,
        topicBytes: settings['limits.topicBytes'],
        outboundAliases: settings['limits.outboundAliases'],
      },
      this,
      core.now(),
    );
    this.driver = new ConnectionDriver(this.connection, transport, core.driverNode, this);
  }

  get info(): ClientInfo | undefined {
    return this.#admission?.info;
  }

  protected get inputBound(): 'limits.inputBytesStrangers' {
    return 'limits.inputBytesStrangers';
  }

  /** For what policies are asked because of this connection: aborted when it ends. */
  get asker(): Asker {
    this.#asker ??= new Asker();
    return this.#asker;
  }

  /** Undefined: nothing was asked. */
  get askerSoFar(): Asker | undefined {
    return this.#asker;
  }

  onConnect(packet: ConnectPacket, now: number): void {
    this.#admission = new Admission(this.core, this.#desk, this, packet);
    this.#admission.begin(now);
  }

  onAuth(packet: AuthPacket, now: number): void {
    this.#admission?.handleAuth(packet, now);
  }

  onAdmitted(client: Client): void {
    this.#desk.onAdmitted(this, client);
  }

  onClosed(cause: CloseCause): void {
    if (cause.by !== 'self' && (this.#asker?.open ?? 0) > 0)
      this.#desk.gatekeeper.countAbandonedLogin(this.remoteAddress);
    this.#asker?.end();
    this.#desk.onArrivalClosed(this, cause);
    this.#admission?.giveUp();
  }

  onWritable(): void {}

  onGone(): void {
    this.#desk.onArrivalGone(this);
  }

  takeOver({ remoteAddress, remotePort }: { readonly remoteAddress: string; readonly remotePort: number }): void {
    const by = `${remoteAddress}:${remotePort}`;
    this.disconnect('session-taken-over', ReasonCode.SessionTakenOver, { is: 'taken-over', by });
  }
}
