import type { Client, ClientOptions, Message } from '@hawser/client';

// What a client must do against any server, whatever it runs on: Node and a page in Chromium run these same functions.
// Nothing here may need Node or a test runner.

/** Where a scenario runs. */
export interface Ground {
  /** `Mosquitto` says less than the specification lets a server say. */
  readonly server: 'Hawser' | 'Mosquitto';
  /** Connects to the server under test. */
  open(options?: ClientOptions): Promise<Client>;
  /** A text that no other scenario has had: for topics and Client Identifiers. */
  own(): string;
}

export interface Scenario {
  readonly name: string;
  /** Rejects when the client does not do it. */
  run(ground: Ground): Promise<void>;
}

/** Throws unless both are the same as JSON. */
function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

function collected(client: Client, count: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) => {
    client.on('message', (message: Message) => {
      if (texts.push(message.text()) === count) resolve(texts);
    });
  });
}

const everyQos = async ({ open, own }: Ground, protocolVersion: 3 | 4 | 5): Promise<void> => {
  await using client = await open({ protocolVersion });
  const topic = own();
  const messages = client.messages(`${topic}/+`, { qos: 2 });
  for (const qos of [0, 1, 2] as const) {
    await client.publish(`${topic}/${qos}`, `with ${qos}`, { qos });
    const { value } = await messages.next();
    same([value?.topic, value?.text(), value?.qos], [`${topic}/${qos}`, `with ${qos}`, qos]);
  }
  same(client.negotiated?.protocolVersion.effective, protocolVersion);
};

export const scenarios: readonly Scenario[] = [
  ...([3, 4, 5] as const).map((version) => ({
    name: `version ${version}: publishes and receives at every QoS`,
    run: (ground: Ground) => everyQos(ground, version),
  })),
  {
    name: 'reports grants, and unsubscribes',
    async run({ open, own }) {
      await using client = await open();
      const topic = own();
      const grants = await client.subscribe([`${topic}/a`, `${topic}/#`], { qos: 1 });
      const granted = [1, 'granted-qos-1'];
      same(
        grants.map(({ qos, reason }) => [qos, reason]),
        [granted, granted],
      );
      const results = await client.unsubscribe([`${topic}/a`, `${topic}/never`]);
      same(
        results.map(({ reasonCode }) => reasonCode),
        [0, 0x11],
      );
    },
  },
  {
    name: 'carries large payloads and 5.0 properties',
    async run({ open, own }) {
      await using client = await open();
      const topic = own();
      const messages = client.messages(topic, { qos: 1 });
      const payload = new Uint8Array(500_000).map((_, i) => i % 251);
      const userProperties = [
        ['a', '1'],
        ['a', '2'],
        ['b', 'ü'],
      ] as const;
      await client.publish(topic, payload, {
        qos: 1,
        contentType: 'application/x',
        correlationData: 'c',
        responseTopic: 'r',
        messageExpiryInterval: 100,
        payloadFormatIndicator: 0,
        userProperties,
      });
      const { value } = await messages.next();
      same(value?.payload.length, payload.length);
      same(
        value?.payload.every((byte, i) => byte === payload[i]),
        true,
      );
      same([value?.contentType, value?.responseTopic, value?.userProperties], ['application/x', 'r', userProperties]);
      same((value?.messageExpiryInterval ?? 0) > 90, true);
      same(value?.userProperty('a'), ['1', '2']);
    },
  },
  {
    name: 'keeps retained messages, and publishes a Will',
    async run({ open, own }) {
      await using reader = await open();
      const topic = own();
      const wills = reader.messages(`${topic}/will`, { qos: 1 });
      const dying = await open({ will: { topic: `${topic}/will`, payload: 'gone', qos: 1, retain: true } });
      await reader.subscribe(`${topic}/none`);
      await dying.disconnect({ reasonCode: 4 });
      same((await wills.next()).value?.text(), 'gone');
      await using late = await open();
      const { value } = await late.messages(`${topic}/will`).next();
      same([value?.text(), value?.retain], ['gone', true]);
    },
  },
  {
    name: 'answers requests',
    async run({ open, own }) {
      await using asker = await open();
      await using server = await open();
      const topic = own();
      server.onMessage(async (message) => {
        await server.publish(message.responseTopic ?? '', message.text().toUpperCase(), {
          correlationData: message.correlationData,
        });
      }, topic);
      await server.subscribe(topic, { qos: 1 });
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((text) => asker.request(topic, text, { qos: 1, timeout: 5 })),
      );
      same(
        answers.map((answer) => answer.text()),
        ['A', 'B', 'C'],
      );
      const codeOf = (of: string): Promise<string> =>
        asker
          .request(`${topic}/${of}`, 'x', { timeout: 0.5 })
          .then(() => 'answered')
          .catch((error: { readonly code: string }) => error.code);
      same(await codeOf('nobody'), 'no-matching-subscribers');
      await server.subscribe(`${topic}/silent`, { qos: 1 });
      same(await codeOf('silent'), 'request-timeout');
    },
  },
  {
    name: 'resumes a session with what came meanwhile',
    async run({ open, own }) {
      const topic = own();
      const options: ClientOptions = {
        clientId: topic.replaceAll('/', '-'),
        cleanStart: false,
        sessionExpiryInterval: 100,
      };
      const first = await open(options);
      await first.subscribe(topic, { qos: 2 });
      await first.disconnect();
      await using publisher = await open();
      const texts = Array.from({ length: 20 }, (_, i) => String(i));
      for (const text of texts) await publisher.publish(topic, text, { qos: 2 });
      await using again = await open(options);
      same(again.negotiated?.sessionPresent, true);
      same(await collected(again, texts.length), texts);
    },
  },
  {
    name: 'two clients with one Client ID settle, and the other is told why',
    async run({ open, own, server }) {
      const options: ClientOptions = {
        clientId: own().replaceAll('/', '-'),
        // Mosquitto 2.0.11 takes over without saying so, in 5.0 too: three closes right after the CONNACK say it.
        protocolVersion: server === 'Hawser' ? 5 : 4,
        reconnect: { delay: 0.01 },
      };
      const first = await open(options);
      const firstClosed = first.closed;
      const second = await open(options);
      const loser = await Promise.race([firstClosed, second.closed]);
      same((loser as { readonly code?: string } | undefined)?.code, 'session-taken-over');
      same([first.state, second.state].includes('closed'), true);
      await first.disconnect();
      await second.disconnect();
    },
  },
  {
    name: 'sends faster than the Receive Maximum allows, without breaking it',
    async run({ open, own }) {
      await using client = await open({ queue: { messages: 10_000 } });
      const topic = own();
      const all = collected(client, 2000);
      await client.subscribe(topic, { qos: 2 });
      await Promise.all(
        Array.from({ length: 2000 }, (_, i) => client.publish(topic, String(i), { qos: i % 2 === 0 ? 2 : 1 })),
      );
      same((await all).length, 2000);
    },
  },
];
