import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';
import { MessageLog } from './message-log.ts';
import {
  type ClientTransport,
  type ConnectTo,
  type MqttVersion,
  portOf,
  type RealClient,
  type RealClientKind,
} from './real-client.ts';

const VERSIONS = { '3.1': 3, '3.1.1': 4, '5.0': 5 } as const;

const SCHEMES = { tcp: 'mqtt', ws: 'ws', tls: 'mqtts', wss: 'wss' } as const;

/** MQTT.js, in this process. */
export function mqttJs(version: MqttVersion, transport: ClientTransport): RealClientKind {
  return {
    name: `MQTT.js ${version} ${transport}`,
    version,
    async connect(to: ConnectTo) {
      const { clientId, will, tls } = to;
      const path = transport === 'ws' || transport === 'wss' ? '/mqtt' : '';
      const isSecure = transport === 'tls' || transport === 'wss';
      const client = await mqtt.connectAsync(`${SCHEMES[transport]}://127.0.0.1:${portOf(to, transport)}${path}`, {
        clientId,
        protocolVersion: VERSIONS[version],
        protocolId: version === '3.1' ? 'MQIsdp' : 'MQTT',
        reconnectPeriod: 0,
        ...(isSecure ? { ca: readFileSync(tls?.caFile ?? ''), rejectUnauthorized: true } : {}),
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
