import { MessageLog } from './message-log.ts';
import { RunningProgram, run } from './processes.ts';
import { type ConnectTo, type MqttVersion, portOf, type RealClient, type RealClientKind } from './real-client.ts';

const FLAGS: Record<MqttVersion, string> = { '3.1': 'mqttv31', '3.1.1': 'mqttv311', '5.0': 'mqttv5' };

/** mosquitto_pub and mosquitto_sub: a process for each publish, and one for each subscription. */
export function mosquitto(version: MqttVersion, transport: 'tcp' | 'tls' = 'tcp'): RealClientKind {
  const connect = async (to: ConnectTo): Promise<RealClient> => new MosquittoClient(version, to, transport);
  return { name: `mosquitto ${version} ${transport}`, version, connect };
}

class MosquittoClient implements RealClient {
  readonly messages = new MessageLog();
  readonly #connection: readonly string[];
  readonly #to: ConnectTo;
  readonly #subscribers: RunningProgram[] = [];

  constructor(version: MqttVersion, to: ConnectTo, transport: 'tcp' | 'tls') {
    this.#to = to;
    const trust = transport === 'tcp' ? [] : ['--cafile', to.tls?.caFile ?? ''];
    this.#connection = ['-h', '127.0.0.1', '-p', String(portOf(to, transport)), '-V', FLAGS[version], ...trust];
  }

  async subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    const { will, clientId } = this.#to;
    const lastWords =
      will === undefined
        ? []
        : [
            '--will-topic',
            will.topic,
            '--will-payload',
            will.payload,
            '--will-qos',
            String(will.qos),
            ...(will.retain ? ['--will-retain'] : []),
          ];
    // Line by line even into a pipe: "Subscribed" is what tells us of the SUBACK.
    const args = [
      '-oL',
      'mosquitto_sub',
      ...this.#connection,
      '-i',
      clientId,
      '-t',
      filter,
      '-q',
      String(qos),
      '-F',
      '%j',
      '-d',
      ...lastWords,
    ];
    const program = new RunningProgram('stdbuf', args);
    this.#subscribers.push(program);
    let read = 0;
    program.child.stdout?.on('data', () => {
      for (;;) {
        const end = program.stdout.indexOf('\n', read);
        if (end === -1) return;
        const line = program.stdout.slice(read, end);
        read = end + 1;
        if (!line.startsWith('{')) continue;
        const { topic, payload, qos: atQos, retain } = JSON.parse(line) as Record<string, unknown>;
        this.messages.add({
          topic: String(topic),
          payload: String(payload ?? ''),
          qos: Number(atQos),
          retain: retain === 1,
        });
      }
    });
    await program.waitFor(/^Subscribed \(mid: \d+\): \d+/m);
  }

  async publish(
    topic: string,
    payload: string,
    { qos, retain = false }: { readonly qos: 0 | 1 | 2; readonly retain?: boolean },
  ): Promise<void> {
    const message = payload === '' ? ['-n'] : ['-m', payload];
    const args = [...this.#connection, '-t', topic, ...message, '-q', String(qos), ...(retain ? ['-r'] : [])];
    const { code, stderr } = await run('mosquitto_pub', args);
    if (code !== 0) throw new Error(`mosquitto_pub ended with ${code}: ${stderr}`);
  }

  async drop(): Promise<void> {
    if (this.#subscribers.length === 0) await this.subscribe('nothing', 0);
    for (const program of this.#subscribers) await program.end('SIGKILL');
  }

  async close(): Promise<void> {
    for (const program of this.#subscribers) await program.end('SIGTERM');
  }
}
