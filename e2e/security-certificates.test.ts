import { type ConnectionOptions, connect } from 'node:tls';
import { type CertificateOptions, certificate, chain } from '@hawser/auth';
import { type ClientInfo, createBroker } from '@hawser/broker';
import { decodePacket, encodePacket, type Packet, PacketReader } from '@hawser/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificate } from '../packages/testkit/src/test-certificates.ts';
import { connectPacket, portOf } from './support/security-client.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
let server: TestCertificate;

beforeAll(() => {
  authority = new TestAuthority();
  stranger = new TestAuthority('Somebody Else');
  server = authority.issue('localhost');
});
afterAll(() => {
  authority?.[Symbol.dispose]();
  stranger?.[Symbol.dispose]();
});

/** Connects with these to a broker that goes by certificates; what the CONNACK said, and who it was let in as. */
async function enter(
  options: CertificateOptions,
  shown: TestCertificate | undefined,
  clientId = 'device-7',
  username?: string,
): Promise<{ readonly reasonCode: number | undefined; readonly client: ClientInfo | undefined }> {
  let client: ClientInfo | undefined;
  const broker = await createBroker({
    listeners: [{ url: 'mqtts://127.0.0.1:0', tls: { ...server, ca: authority.cert, verify: 'optional' } }],
    authenticate: chain(certificate(options)),
    observe: { onConnected: (event) => (client = event.client) },
  });
  try {
    const connack = await connackOf(
      { port: portOf(broker.urls[0]), ca: authority.cert, servername: 'localhost', ...shown },
      encodePacket(connectPacket(5, { clientId, username }), 5),
    );
    return { reasonCode: connack?.type === 'connack' ? connack.reasonCode : undefined, client };
  } finally {
    await broker.close();
  }
}

function connackOf(options: ConnectionOptions, packet: Uint8Array): Promise<Packet | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', ...options }, () => socket.write(packet));
    const reader = new PacketReader();
    socket.on('error', () => {});
    socket.once('close', () => resolve(undefined));
    socket.on('data', (chunk: Buffer) => {
      reader.push(new Uint8Array(chunk));
      if (!reader.next()) return;
      const { firstByte, bytes, bodyStart, end } = reader;
      resolve(decodePacket({ firstByte, bytes: bytes.slice(), bodyStart, end }, 5, 'to-client'));
      socket.destroy();
    });
  });
}

describe('who a certificate says it is', () => {
  it.each([
    ['cn', ['DNS:cam.example'], 'cam-7'],
    ['dn', ['DNS:cam.example'], 'CN=cam-7,O=Acme'],
    ['san', ['DNS:cam.example', 'DNS:other.example'], 'cam.example'],
    ['san', ['IP:10.0.0.7', 'URI:urn:dev:7'], 'urn:dev:7'],
    ['san', ['email:cam@acme.example'], 'cam@acme.example'],
  ] as const)('%s of %j is the user %s, whatever user name it gives', async (name, names, username) => {
    const shown = authority.issueWith({ commonName: 'cam-7', names });
    const { reasonCode, client } = await enter({ name }, shown, 'device-7', 'root');
    expect(reasonCode).toBe(0);
    expect(client).toMatchObject({ username, clientId: 'device-7' });
  });

  it('as a Client Identifier it is the only one; an empty one becomes it', async () => {
    const shown = authority.issue('cam-7');
    const options = { name: 'cn', as: 'clientId' } as const;
    expect((await enter(options, shown, 'cam-7')).client).toMatchObject({ clientId: 'cam-7', username: 'cam-7' });
    expect((await enter(options, shown, '')).client).toMatchObject({ clientId: 'cam-7' });
    expect(await enter(options, shown, 'cam-8')).toMatchObject({ reasonCode: 0x85, client: undefined });
  });

  it('is believed of this CA alone: not of another, not of itself, and nobody is nobody', async () => {
    const shown = [stranger.issue('cam-7'), authority.selfSigned('cam-7'), undefined];
    const outcomes = await Promise.all(shown.map((one) => enter({ name: 'cn' }, one)));
    expect(outcomes.map(({ reasonCode }) => reasonCode)).toEqual([0x87, 0x87, 0x87]);
  });

  it('a certificate without the name that is asked for is nobody', async () => {
    const shown = authority.issueWith({ commonName: 'cam-7', names: ['IP:10.0.0.7'] });
    expect((await enter({ name: 'san' }, shown)).reasonCode).toBe(0x87);
  });
});
