import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificate } from '../packages/testkit/src/test-certificates.ts';
import { TlsBroker } from './support/tls-broker.ts';
import { attemptTls } from './support/tls-client.ts';

const authority = new TestAuthority();
const ca = authority.cert;
const device = authority.issue('device');
const broker = new TlsBroker();

beforeAll(async () => {
  const files = (name: string, names: readonly string[]) => {
    const { cert, key }: TestCertificate = authority.issue(name, names);
    return { cert: broker.write(`${name}.crt`, cert), key: broker.write(`${name}.key`, key) };
  };
  const first = files('first', ['DNS:localhost']);
  const certificates = [
    files('ships', ['DNS:ships.example', 'DNS:*.ships.example']),
    files('harbour', ['DNS:harbour.ships.example', 'IP:127.0.0.1']),
  ];
  const caFile = broker.write('ca.crt', ca);
  await broker.start(
    {
      names: { tls: { ...first, certificates } },
      mutual: { tls: { ...first, certificates, ca: caFile, verify: 'required' } },
      optional: { tls: { ...first, ca: caFile, verify: 'optional' } },
      webSocket: { scheme: 'wss', tls: first },
    },
    ['--set', 'limits.connectTimeout=1', '--set', 'limits.handshakes=20'],
  );
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
});

describe('several certificates', () => {
  it.each([
    ['localhost', 'first'],
    ['ships.example', 'ships'],
    ['HARBOUR.ships.example', 'harbour'],
    ['pier.ships.example', 'ships'],
    ['a.pier.ships.example', 'first'],
    ['elsewhere.example', 'first'],
  ])('a client that asks for %s sees that of %s', async (servername, commonName) => {
    const { socket, reasonCode } = await attemptTls(broker.port('names'), { servername, rejectUnauthorized: false });
    expect([reasonCode, socket.getPeerCertificate().subject?.CN]).toEqual([0, commonName]);
    socket.destroy();
  });

  it('a client that asks for no name sees the first one', async () => {
    const options = { host: '127.0.0.1', port: broker.port('names'), rejectUnauthorized: false };
    const socket = connectTls(options);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(socket.getPeerCertificate().subject?.CN).toBe('first');
    socket.destroy();
  });

  it('ask clients for theirs alike', async () => {
    const options = { servername: 'ships.example', ca };
    const good = await attemptTls(broker.port('mutual'), { ...options, ...device });
    expect(good.reasonCode).toBe(0);
    good.socket.destroy();
    for (const other of [{}, authority.selfSigned('other')]) {
      const refused = await attemptTls(broker.port('mutual'), { ...options, ...other });
      expect(refused.reasonCode).toBeUndefined();
    }
  });
});

describe('session resumption', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: a ticket is taken, and who it is remains known', async (version) => {
    const options = { ca, ...device, minVersion: version, maxVersion: version };
    const first = await attemptTls(broker.port('mutual'), options);
    expect([first.reasonCode, first.socket.isSessionReused()]).toEqual([0, false]);
    const session = first.session();
    first.socket.destroy();
    const again = await attemptTls(broker.port('mutual'), { ...options, ...(session && { session }) });
    expect([again.reasonCode, again.socket.isSessionReused()]).toEqual([0, true]);
    const line = await broker.logged(({ clientId }) => clientId === again.clientId, again.clientId);
    expect(line).toMatchObject({ certificate: 'CN=device,O=Acme', isVerified: true });
    again.socket.destroy();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: a bad certificate does not become good by it', async (version) => {
    const options = { ca, ...authority.selfSigned('rogue'), minVersion: version, maxVersion: version };
    const first = await attemptTls(broker.port('optional'), options);
    const session = first.session();
    first.socket.destroy();
    const again = await attemptTls(broker.port('optional'), { ...options, ...(session && { session }) });
    expect(again.reasonCode).toBe(0);
    const line = await broker.logged(({ clientId }) => clientId === again.clientId, again.clientId);
    expect(line).toMatchObject({ certificate: 'CN=rogue', isVerified: false });
    again.socket.destroy();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: a ticket of one listener is of no use at another', async (version) => {
    const options = { ca, minVersion: version, maxVersion: version };
    const first = await attemptTls(broker.port('optional'), options);
    const session = first.session();
    first.socket.destroy();
    const other = await attemptTls(broker.port('mutual'), { ...options, ...(session && { session }) });
    expect(other.reasonCode).toBeUndefined();
  });
});

interface Stalled {
  readonly socket: Socket;
  readonly localPort: number;
  readonly lifeMs: Promise<number>;
}

/** A TCP connection that says this much and no more; settles with how long it lived. */
async function stall(port: number, bytes: Uint8Array): Promise<Stalled> {
  const socket = connectTcp({ host: '127.0.0.1', port });
  // Without reading it would not see the end.
  socket.on('error', () => {}).resume();
  const began = performance.now();
  const lifeMs = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now() - began)));
  await new Promise((resolve) => socket.once('connect', resolve));
  const { localPort = 0 } = socket;
  socket.write(bytes);
  return { socket, localPort, lifeMs };
}

/** What a client of this runtime sends first. */
async function clientHello(): Promise<Uint8Array> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const bytes = new Promise<Uint8Array>((resolve) =>
    server.once('connection', (socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk: Buffer) => {
        socket.destroy();
        resolve(chunk);
      });
    }),
  );
  const socket = connectTls({ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
  socket.on('error', () => {});
  const hello = await bytes;
  server.close();
  return hello;
}

describe('handshakes that do not end', () => {
  it.each(['names', 'webSocket'])(
    'at %s: who stops within the ClientHello is cut off in time, and it is told',
    async (name) => {
      const hello = await clientHello();
      const said = [hello.subarray(0, 1), hello.subarray(0, hello.length >> 1), hello];
      const stalled = await Promise.all(said.map((bytes) => stall(broker.port(name), bytes)));
      for (const { localPort, lifeMs } of stalled) {
        expect(await lifeMs).toBeLessThan(10_000);
        const line = await broker.logged(({ port }) => port === localPort, `the end of ${localPort}`);
        expect(line).toMatchObject({ cause: 'handshake-timeout', msg: 'no whole TLS handshake within 1 s' });
      }
    },
  );

  it('who sends a byte now and then is cut off in the same time', async () => {
    const hello = await clientHello();
    const { socket, lifeMs } = await stall(broker.port('names'), hello.subarray(0, 1));
    let sent = 1;
    const drip = setInterval(() => {
      if (socket.writable) socket.write(hello.subarray(sent, sent + 1));
      sent += 1;
    }, 50);
    expect(await lifeMs).toBeLessThan(10_000);
    clearInterval(drip);
  });

  it('are bounded in number: those over it are cut off at once, and others come in afterwards', async () => {
    const hello = await clientHello();
    const half = hello.subarray(0, hello.length >> 1);
    const attackers = await Promise.all(Array.from({ length: 50 }, () => stall(broker.port('names'), half)));
    await broker.program.until(
      () => broker.log.filter(({ cause }) => cause === 'too-many-handshakes').length >= 30,
      '30 refusals',
    );
    // Another listener has a bound of its own.
    const neighbour = await attemptTls(broker.port('optional'), { ca });
    expect(neighbour.reasonCode).toBe(0);
    neighbour.socket.destroy();
    await Promise.all(attackers.map(({ lifeMs }) => lifeMs));
    const honest = await attemptTls(broker.port('names'), { ca });
    expect(honest.reasonCode).toBe(0);
    honest.socket.destroy();
  });

  it('renegotiation is refused', async () => {
    const { socket, reasonCode } = await attemptTls(broker.port('names'), { ca, maxVersion: 'TLSv1.2' });
    expect(reasonCode).toBe(0);
    const gone = new Promise((resolve) => socket.once('error', resolve).once('close', resolve));
    const again = new Promise((resolve) => socket.renegotiate({}, resolve));
    expect(await Promise.race([again, gone])).toBeInstanceOf(Error);
    socket.destroy();
  });
});
