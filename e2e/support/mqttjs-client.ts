import mqtt from 'mqtt';
import { MessageLog } from './message-log.ts';
import type { ConnectTo, MqttVersion, RealClient, RealClientKind } from './real-client.ts';

const VERSIONS = { '3.1': 3, '3.1.1': 4, '5.0': 5 } as const;

/** MQTT.js, in this process. */
export function mqttJs(version: MqttVersion, transport: 'tcp' | 'ws'): RealClientKind {
  return {
    name: `MQTT.js ${version} ${transport}`,
    version,
    async connect({ port, wsPort, clientId, will }: ConnectTo) {
      const url = transport === 'tcp' ? `mqtt://127.0.0.1:${port}` : `ws://127.0.0.1:${wsPort}/mqtt`;
      const client = await mqtt.connectAsync(url, {
        clientId,
        protocolVersion: VERSIONS[version],
        protocolId: version === '3.1' ? 'MQIsdp' : 'MQTT',
        reconnectPeriod: 0,
        ...(will === undefined ? {} : { will: { ...will, payload: Buffer.from(will.payload) } }),
      });
      return new MqttJsClient(client);
    },
  };
}

class MqttJsClient implements RealClient {
  readonly messages = new MessageLog();
  readonly #client: mqtt.MqttClient;

  constructor(client: mqtt.MqttClient) {
    this.#client = client;
    client.on('error', () => {});
    client.on('message', (topic, payload, { qos, retain }) =>
      this.messages.add({ topic, payload: payload.toString(), qos, retain }),
    );
  }

  async subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    await this.#client.subscribeAsync(filter, { qos });
  }

  async publish(
    topic: string,
    payload: string,
    { qos, retain = false }: { readonly qos: 0 | 1 | 2; readonly retain?: boolean },
  ): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos, retain });
  }

  async drop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#client.once('close', () => resolve()));
    this.#client.stream.destroy();
    await closed;
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
  }
}
