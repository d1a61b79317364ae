import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker } from '@hawser/broker';
import { TestAuthority } from '../../packages/testkit/src/test-certificates.ts';
import { RunningProgram } from './processes.ts';

/** A server that clients are tried against, listening on every transport. */
export interface ClientServer {
  readonly urls: Readonly<Record<'mqtt' | 'mqtts' | 'ws' | 'wss', string>>;
  stop(): Promise<unknown>;
}

/** Hawser and Debian's Mosquitto, with certificates of one authority; gone with it. */
export class ClientServers {
  readonly authority = new TestAuthority();
  /** For files of tests. */
  readonly folder = mkdtempSync(join(tmpdir(), 'hawser-client-servers-'));
  readonly #certificate = this.authority.issue('localhost');

  start(name: 'Hawser' | 'Mosquitto'): Promise<ClientServer> {
    return name === 'Hawser' ? this.#startHawser() : this.#startMosquitto();
  }

  [Symbol.dispose](): void {
    this.authority[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startHawser(): Promise<ClientServer> {
    const tls = { ...this.#certificate, verify: 'none' } as const;
    const broker = await createBroker({
      listeners: [
        'mqtt://127.0.0.1:0',
        { url: 'mqtts://127.0.0.1:0', tls },
        'ws://127.0.0.1:0/mqtt',
        { url: 'wss://127.0.0.1:0/mqtt', tls },
      ],
    });
    const [mqtt = '', mqtts = '', ws = '', wss = ''] = broker.urls;
    return { urls: { mqtt, mqtts: byName(mqtts), ws, wss: byName(wss) }, stop: () => broker.close() };
  }

  async #startMosquitto(): Promise<ClientServer> {
    const ports = await freePorts(4);
    const files = { cert: join(this.folder, 'server.pem'), key: join(this.folder, 'server.key') };
    writeFileSync(files.cert, this.#certificate.cert);
    writeFileSync(files.key, this.#certificate.key);
    const tls = `certfile ${files.cert}\nkeyfile ${files.key}\n`;
    const listeners = ports.map((port, i) => {
      const protocol = i >= 2 ? 'protocol websockets\n' : '';
      return `listener ${port} 127.0.0.1\n${protocol}${i % 2 === 1 ? tls : ''}`;
    });
    const config = join(this.folder, 'mosquitto.conf');
    writeFileSync(config, `allow_anonymous true\nuser root\nset_tcp_nodelay true\n${listeners.join('')}`);
    const program = new RunningProgram('/usr/sbin/mosquitto', ['-c', config]);
    await program.waitFor(/running/, 'stderr');
    const [mqtt, mqtts, ws, wss] = ports;
    return {
      urls: {
        mqtt: `mqtt://127.0.0.1:${mqtt}`,
        mqtts: `mqtts://localhost:${mqtts}`,
        ws: `ws://127.0.0.1:${ws}/mqtt`,
        wss: `wss://localhost:${wss}/mqtt`,
      },
      stop: () => program.end(),
    };
  }
}

/** Ports that nobody had a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The certificates are for the name. */
function byName(url: string): string {
  return url.replace('127.0.0.1', 'localhost');
}
