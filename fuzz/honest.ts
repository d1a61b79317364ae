import { connect, type Socket } from 'node:net';
import { encodePacket, encodeUtf8, PacketReader, PacketType, type ProtocolVersion } from '@hawser/codec';

/** An honest client beside the hostile ones: it publishes at QoS 1 to itself, again and again, and must be served. */
export class HonestClient {
  /** Milliseconds of each round trip: PUBACK and the message itself. */
  readonly roundTrips: number[] = [];
  /** Why it was not served. */
  fault: string | undefined;
  readonly #version: ProtocolVersion;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #reader = new PacketReader();
  #number = 0;
  #began = 0;
  #missing = 0;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number, version: ProtocolVersion, everyMs: number, patienceMs: number) {
    this.#version = version;
    this.#name = `honest-${version}`;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const { clientId, protocolVersion } = { clientId: this.#name, protocolVersion: version };
    this.#send(
      encodePacket(
        {
          type: 'connect',
          protocolVersion,
          cleanStart: true,
          keepAlive: 0,
          clientId,
          username: undefined,
          password: undefined,
          will: undefined,
          properties: undefined,
          bridge: false,
        },
        version,
      ),
    );
    const subscription = {
      topicFilter: `honest/${version}`,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    this.#send(
      encodePacket(
        { type: 'subscribe', packetIdentifier: 1, properties: undefined, subscriptions: [subscription] },
        version,
      ),
    );
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', (error) => this.#fail(`its connection broke: ${error.message}`));
    this.#socket.on('close', () => this.#fail('its connection was closed'));
    this.#timer = setInterval(() => this.#tick(patienceMs), everyMs);
  }

  /** Ends it, round trip under way or not. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
  }

  #tick(patienceMs: number): void {
    const now = performance.now();
    if (this.#missing > 0) {
      if (now - this.#began > patienceMs) this.#fail(`no round trip within ${patienceMs} ms`);
      return;
    }
    this.#missing = 2;
    this.#began = now;
    this.#number++;
    const packetIdentifier = (this.#number % 65_535) + 1;
    const payload = encodeUtf8(String(this.#number));
    this.#send(
      encodePacket(
        {
          type: 'publish',
          topic: `honest/${this.#version}`,
          payload,
          qos: 1,
          retain: false,
          dup: false,
          packetIdentifier,
          properties: undefined,
        },
        this.#version,
      ),
    );
  }

  #onData(chunk: Buffer): void {
    this.#reader.push(new Uint8Array(chunk));
    while (this.#reader.next()) {
      const type = this.#reader.firstByte >> 4;
      if (type === PacketType.PUBLISH) {
        const { bytes, bodyStart } = this.#reader;
        const at = bodyStart + 2 + `honest/${this.#version}`.length;
        this.#send(Uint8Array.of(0x40, 2, bytes[at] ?? 0, bytes[at + 1] ?? 0));
      }
      if (type !== PacketType.PUBACK && type !== PacketType.PUBLISH) continue;
      if (this.#missing > 0 && --this.#missing === 0) this.roundTrips.push(performance.now() - this.#began);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  #fail(why: string): void {
    if (!this.#stopped) this.fault ??= `${this.#name}: ${why}`;
  }
}
