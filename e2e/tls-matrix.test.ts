import type { ConnectionOptions } from 'node:tls';
import { type ClientInfo, createBroker } from '@hawser/broker';
import { dial } from '@hawser/transport';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificate } from '../packages/testkit/src/test-certificates.ts';
import { run } from './support/processes.ts';
import { TlsBroker } from './support/tls-broker.ts';
import { attemptTls } from './support/tls-client.ts';

const HOUR_MS = 3_600_000;
const hence = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);

const authority = new TestAuthority();
const stranger = new TestAuthority('Somebody else');
const ca = authority.cert;

const certificates = {
  good: authority.issueWith({ commonName: 'device-7', usage: 'clientAuth' }),
  unlimited: authority.issueWith({ commonName: 'device-8' }),
  expired: authority.issueWith({ commonName: 'expired', from: hence(-48), until: hence(-24) }),
  notYetValid: authority.issueWith({ commonName: 'not-yet', from: hence(24), until: hence(48) }),
  untrusted: stranger.issueWith({ commonName: 'untrusted' }),
  revoked: authority.issueWith({ commonName: 'revoked' }),
  wrongUsage: authority.issueWith({ commonName: 'wrong-usage', usage: 'serverAuth' }),
  selfSigned: authority.selfSigned('self-signed'),
} satisfies Record<string, TestCertificate>;
authority.revoke(certificates.revoked);

const broker = new TlsBroker();

beforeAll(async () => {
  const server = authority.issueWith({ commonName: 'localhost', usage: 'serverAuth' });
  const own = files('server', server);
  const clients = { ca: broker.write('ca.crt', ca), crl: broker.write('ca.crl', authority.crl()) };
  const shown = {
    expired: authority.issueWith({ commonName: 'localhost', from: hence(-48), until: hence(-24) }),
    notYetValid: authority.issueWith({ commonName: 'localhost', from: hence(24), until: hence(48) }),
    wrongName: authority.issueWith({ commonName: 'elsewhere', names: ['DNS:elsewhere.example'] }),
    untrusted: stranger.issueWith({ commonName: 'localhost' }),
    selfSigned: authority.selfSigned('localhost'),
    wrongUsage: authority.issueWith({ commonName: 'localhost', usage: 'clientAuth' }),
  };
  await broker.start({
    none: { tls: own },
    optional: { tls: { ...own, ...clients, verify: 'optional' } },
    required: { tls: { ...own, ...clients, verify: 'required' } },
    webSocket: { scheme: 'wss', tls: { ...own, ...clients, verify: 'required' } },
    only13: { tls: { ...own, minVersion: 'TLSv1.3' } },
    oneCipher: { tls: { ...own, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' } },
    ...Object.fromEntries(
      Object.entries(shown).map(([name, certificate]) => [`server-${name}`, { tls: files(name, certificate) }]),
    ),
  });
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

function files(name: string, { cert, key }: TestCertificate): { readonly cert: string; readonly key: string } {
  return { cert: broker.write(`${name}.crt`, cert), key: broker.write(`${name}.key`, key) };
}

/** The broker's words about a client that it refused, or that went. */
function wordsOf(listener: string, localPort: number) {
  return broker.logged(
    ({ port, cause, listener: at }) => port === localPort && cause !== undefined && at === broker.url(listener),
    `a refusal of port ${localPort} at ${listener}`,
  );
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Client certificates, and what is wrong with them. */
const CLIENTS: readonly [name: keyof typeof certificates, subject: string, words: string | undefined][] = [
  ['good', 'CN=device-7,O=Acme', undefined],
  ['unlimited', 'CN=device-8,O=Acme', undefined],
  ['expired', 'CN=expired,O=Acme', 'it has expired'],
  ['notYetValid', 'CN=not-yet,O=Acme', 'it is not valid yet'],
  ['untrusted', 'CN=untrusted,O=Acme', 'its issuer is not among the trusted ones'],
  ['revoked', 'CN=revoked,O=Acme', 'it was revoked'],
  ['wrongUsage', 'CN=wrong-usage,O=Acme', 'it was issued for another purpose'],
  ['selfSigned', 'CN=self-signed', 'its issuer is not among the trusted ones'],
];
const rows = VERSIONS.flatMap((version) => CLIENTS.map((client) => [version, ...client] as const));

describe('certificates of clients', () => {
  it.each(rows)('%s, required: %s', async (version, name, subject, words) => {
    const attempt = await attemptTls(broker.port('required'), own(version, certificates[name]));
    if (words === undefined) {
      expect(attempt.reasonCode).toBe(0);
      const line = await broker.logged(({ clientId }) => clientId === attempt.clientId, attempt.clientId);
      expect(line).toMatchObject({ msg: 'connected', certificate: subject, isVerified: true, tls: version });
    } else {
      expect(attempt.reasonCode).toBeUndefined();
      const line = await wordsOf('required', attempt.localPort);
      expect(line.cause).toBe('client-certificate-rejected');
      expect(line.msg).toContain(`the client's certificate was not accepted: ${words}`);
    }
    attempt.socket.destroy();
  });

  it.each(rows)('%s, optional: %s comes in, verified or not', async (version, name, subject, words) => {
    const attempt = await attemptTls(broker.port('optional'), own(version, certificates[name]));
    expect(attempt.reasonCode).toBe(0);
    const line = await broker.logged(({ clientId }) => clientId === attempt.clientId, attempt.clientId);
    expect(line).toMatchObject({ certificate: subject, isVerified: words === undefined });
    attempt.socket.destroy();
  });

  it.each(VERSIONS)('%s: without one there is no way in where it is required', async (version) => {
    const attempt = await attemptTls(broker.port('required'), own(version));
    expect(attempt).toMatchObject({ reasonCode: undefined });
    const line = await wordsOf('required', attempt.localPort);
    expect(line).toMatchObject({
      cause: 'client-certificate-required',
      msg: 'the client sent no certificate, and this listener requires one',
    });
  });

  it.each([
    ['optional', undefined],
    ['none', undefined],
    ['none', certificates.good],
    ['none', certificates.selfSigned],
  ] as const)('%s: a client that shows none, or is not asked, comes in', async (listener, certificate) => {
    const attempt = await attemptTls(broker.port(listener), own('TLSv1.3', certificate));
    expect(attempt.reasonCode).toBe(0);
    const line = await broker.logged(({ clientId }) => clientId === attempt.clientId, attempt.clientId);
    expect(line.certificate).toBeUndefined();
    attempt.socket.destroy();
  });

  it('holds over WebSocket too', async () => {
    const url = broker.url('webSocket');
    const connect = (clientId: string, certificate: object): Promise<mqtt.MqttClient> =>
      mqtt.connectAsync(url, { clientId, ca, reconnectPeriod: 0, connectTimeout: 5000, ...certificate }, false);
    const client = await connect('over-ws', certificates.good);
    const line = await broker.logged(({ clientId }) => clientId === 'over-ws', 'over-ws');
    expect(line).toMatchObject({ certificate: 'CN=device-7,O=Acme', isVerified: true });
    await client.endAsync();
    for (const [certificate, cause] of [
      [{}, 'client-certificate-required'],
      [certificates.revoked, 'client-certificate-rejected'],
    ] as const) {
      await expect(connect('refused', certificate)).rejects.toThrow();
      await broker.logged((line) => line.listener === url && line.cause === cause, cause);
    }
  });

  it('reach the policies: subject, name, the certificate itself, whether it was verified', async () => {
    const seen: ClientInfo[] = [];
    const server = authority.issue('localhost');
    await using inProcess = await createBroker({
      listeners: [{ url: 'mqtts://127.0.0.1:0', tls: { ...server, ca, verify: 'optional' } }],
      authenticate: ({ client }) => {
        seen.push(client);
        return { kind: 'allow' };
      },
    });
    const port = inProcess.listeners[0]?.address.port ?? 0;
    for (const certificate of [certificates.good, certificates.expired]) {
      const { socket, reasonCode } = await attemptTls(port, own('TLSv1.3', certificate));
      expect(reasonCode).toBe(0);
      socket.destroy();
    }
    expect(seen.map(({ tls }) => tls)).toMatchObject([
      { authorized: true, peerSubject: 'CN=device-7,O=Acme', peerCommonName: 'device-7', protocol: 'TLSv1.3' },
      { authorized: false, peerSubject: 'CN=expired,O=Acme', peerCommonName: 'expired' },
    ]);
    expect(seen[0]?.tls?.peerCertificate?.length).toBeGreaterThan(100);
  });
});

function own(version: 'TLSv1.2' | 'TLSv1.3', certificate: TestCertificate | undefined = undefined): ConnectionOptions {
  return { ca, minVersion: version, maxVersion: version, ...certificate };
}

describe('certificates of the broker', () => {
  it.each([
    ['expired', 'expired', 'certificate expired'],
    ['notYetValid', 'not-yet-valid', 'bad certificate'],
    // mosquitto looks at the name itself, and has no word for it.
    ['wrongName', 'hostname-mismatch', 'internal error'],
    ['untrusted', 'untrusted-issuer', 'unknown ca'],
    ['selfSigned', 'self-signed', 'unknown ca'],
    ['wrongUsage', 'certificate-invalid', 'unsupported certificate'],
  ])('%s: refused by clients, and both ends say why', async (name, code, alert) => {
    const listener = `server-${name}`;
    const port = broker.port(listener);
    const refused = await dial({ transport: 'tls', host: 'localhost', port, tls: { ca } }).then(
      () => 'it was taken',
      (error: { readonly code: string }) => error.code,
    );
    expect(refused).toBe(code);
    const caFile = broker.write('client-ca.crt', ca);
    const args = ['-h', 'localhost', '-p', String(port), '--cafile', caFile, '-t', 't', '-m', 'm'];
    const { code: exit } = await run('mosquitto_pub', args);
    expect(exit).not.toBe(0);
    const line = await broker.logged(
      ({ msg, listener: at }) => msg.includes(alert) && at === broker.url(listener),
      `"${alert}" at ${listener}`,
    );
    expect(line.cause).toBe(name === 'wrongName' ? 'tls-failed' : 'server-certificate-rejected');
  });

  it('that clients will refuse are warned of at the start', () => {
    const warnings = broker.log.filter(({ cause }) => cause === 'tls-certificate').map(({ msg }) => msg);
    expect(warnings).toHaveLength(2);
    expect(warnings).toContainEqual(expect.stringContaining('expired.crt has expired on'));
    expect(warnings).toContainEqual(expect.stringContaining('notYetValid.crt is not valid before'));
  });
});

describe('versions and ciphers', () => {
  const OLD = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

  it.each([
    ['TLS 1.1', 'none', OLD],
    ['TLS 1.2 where 1.3 is the least', 'only13', own('TLSv1.2')],
  ])('%s is refused', async (_what, listener, options) => {
    const attempt = await attemptTls(broker.port(listener), options);
    expect(attempt).toMatchObject({ reasonCode: undefined, error: expect.stringMatching(/PROTOCOL_VERSION|ALERT/) });
    expect(await wordsOf(listener, attempt.localPort)).toMatchObject({
      cause: 'protocol-version',
      msg: 'the client speaks only versions of TLS that are too old for this listener',
    });
  });

  it.each([
    ['TLSv1.2', 'none'],
    ['TLSv1.3', 'none'],
    ['TLSv1.3', 'only13'],
  ] as const)('%s is taken at %s', async (version, listener) => {
    const { reasonCode, socket } = await attemptTls(broker.port(listener), own(version));
    expect([reasonCode, socket.getProtocol()]).toEqual([0, version]);
    socket.destroy();
  });

  it('takes the ciphers it was told, and no others', async () => {
    const { reasonCode, socket } = await attemptTls(broker.port('oneCipher'), own('TLSv1.2'));
    expect([reasonCode, socket.getCipher().name]).toEqual([0, 'ECDHE-ECDSA-AES256-GCM-SHA384']);
    socket.destroy();
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    const attempt = await attemptTls(broker.port('oneCipher'), { ...own('TLSv1.2'), ciphers });
    expect(attempt.reasonCode).toBeUndefined();
    expect(await wordsOf('oneCipher', attempt.localPort)).toMatchObject({ cause: 'no-shared-cipher' });
  });
});
