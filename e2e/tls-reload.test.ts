import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority, type TestCertificate } from '../packages/testkit/src/test-certificates.ts';
import { type LogLine, TlsBroker } from './support/tls-broker.ts';
import { attemptTls, type TlsAttempt } from './support/tls-client.ts';

const LIVE = 100;
const PINGREQ = Uint8Array.of(0xc0, 0x00);
const PINGRESP = Buffer.of(0xd0, 0x00);

const before = new TestAuthority('CA before');
const after = new TestAuthority('CA after');
const server = { before: before.issue('server-before'), after: after.issue('server-after') };
const device = { before: before.issueWith({ commonName: 'device' }), after: after.issueWith({ commonName: 'device' }) };

afterAll(() => {
  before[Symbol.dispose]();
  after[Symbol.dispose]();
});

let broker: TlsBroker;
const open: TLSSocket[] = [];

beforeAll(startBroker);

async function startBroker(): Promise<void> {
  broker = new TlsBroker();
  writeServer(server.before);
  broker.write('ca.crt', before.cert);
  broker.write('ca.crl', before.crl());
  const at = (name: string): string => `${broker.folder}/${name}`;
  const own = { cert: at('server.crt'), key: at('server.key') };
  await broker.start({
    mutual: { tls: { ...own, ca: at('ca.crt'), crl: at('ca.crl'), verify: 'required' } },
    plain: { tls: own },
  });
}

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

afterAll(() => broker[Symbol.asyncDispose]());

function writeServer({ cert, key }: TestCertificate): void {
  broker.write('server.crt', cert);
  broker.write('server.key', key);
}

async function attempt(
  by: TestCertificate,
  listener = 'mutual',
  session: Buffer | undefined = undefined,
): Promise<TlsAttempt> {
  // The test looks at the certificate itself.
  const made = await attemptTls(broker.port(listener), {
    ...by,
    rejectUnauthorized: false,
    ...(session === undefined ? {} : { session }),
  });
  open.push(made.socket);
  return made;
}

function shown({ socket }: TlsAttempt): string | undefined {
  return String(socket.getPeerCertificate().subject?.CN);
}

/** Settles when it is answered. */
function ping({ socket }: TlsAttempt): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('a live connection was dropped')));
    socket.once('data', (bytes: Buffer) =>
      bytes.equals(PINGRESP) ? resolve() : reject(new Error(bytes.toString('hex'))),
    );
    socket.write(PINGREQ);
  });
}

/** Settles when files with this certificate were taken so many times in all: once for each listener that has them. */
async function reloaded(commonName: string, times: number): Promise<void> {
  const fits = ({ cause, msg }: LogLine): boolean => cause === 'tls-reloaded' && msg.includes(`CN=${commonName},`);
  await broker.program.until(() => broker.log.filter(fits).length >= times, `${times} reloads of ${commonName}`);
}

describe('new TLS files', () => {
  let ticket: Buffer | undefined;

  it('drop none of a hundred live connections; who comes then sees the new certificate, the old CA is refused', async () => {
    const live = await Promise.all(Array.from({ length: LIVE }, () => attempt(device.before)));
    expect(live.map(({ reasonCode }) => reasonCode)).toEqual(Array.from({ length: LIVE }, () => 0));
    await Promise.all(live.map(ping));
    ticket = live[0]?.session();
    expect(ticket).toBeDefined();

    broker.write('ca.crt', after.cert);
    broker.write('ca.crl', after.crl());
    writeServer(server.after);
    await reloaded('server-after', 2);

    await Promise.all(live.map(ping));
    const fresh = await attempt(device.after);
    expect([fresh.reasonCode, shown(fresh)]).toEqual([0, 'server-after']);
    expect(shown(await attempt(device.after, 'plain'))).toBe('server-after');
    const stale = await attempt(device.before);
    expect(stale.reasonCode).toBeUndefined();
    const line = await broker.logged(({ port }) => port === stale.localPort, 'the refusal of the old CA');
    expect(line.msg).toContain('its issuer is not among the trusted ones');
    await Promise.all(live.map(ping));
    expect(broker.log.filter(({ cause }) => cause === 'network-lost')).toEqual([]);
  });

  it('nobody comes in with a ticket that was given under the old CA', async () => {
    const stale = await attempt(device.before, 'mutual', ticket);
    expect(stale.reasonCode).toBeUndefined();
  });

  it('a certificate that is revoked is refused from then on', async () => {
    const doomed = after.issueWith({ commonName: 'doomed' });
    const first = await attempt(doomed);
    expect(first.reasonCode).toBe(0);
    await ping(first);
    after.revoke(doomed);
    broker.write('ca.crl', after.crl());
    await reloaded('server-after', 3);
    for (const session of [undefined, first.session()]) {
      const again = await attempt(doomed, 'mutual', session);
      expect(again.reasonCode).toBeUndefined();
      expect((await broker.logged(({ port }) => port === again.localPort, 'its refusal')).msg).toContain(
        'it was revoked',
      );
    }
    expect((await attempt(device.after)).reasonCode).toBe(0);
  });

  it('that are no good change nothing, with a warning that names the file', async () => {
    broker.write('server.key', device.after.key);
    await broker.logged(
      ({ cause, msg }) => cause === 'tls-files' && msg.includes('do not belong together'),
      'a warning of the wrong key',
    );
    broker.write('server.crt', 'nonsense');
    await broker.logged(
      ({ cause, msg }) => cause === 'tls-files' && msg.includes("server.crt can't be used as the certificate"),
      'a warning of nonsense',
    );
    expect(shown(await attempt(device.after))).toBe('server-after');
  });

  it('are read at SIGHUP', async () => {
    writeServer(server.before);
    broker.program.child.kill('SIGHUP');
    await reloaded('server-before', 2);
    expect(shown(await attempt(device.after))).toBe('server-before');
    broker.write('server.crt', 'nonsense again');
    const warnings = (): number => broker.log.filter(({ cause }) => cause === 'tls-files').length;
    const told = warnings();
    broker.program.child.kill('SIGHUP');
    await broker.program.until(() => warnings() > told, 'a warning at SIGHUP');
    expect(shown(await attempt(device.after))).toBe('server-before');
  });

  it('that the configuration names from now on are taken at SIGHUP, and what is to be done with them', async () => {
    const { cert, key } = after.issue('server-other');
    const other = { cert: broker.write('other.crt', cert), key: broker.write('other.key', key) };
    const listeners = [
      { url: 'mqtts://127.0.0.1:0', tls: { ...other, ca: `${broker.folder}/ca.crt`, verify: 'optional' } },
      { url: 'mqtts://127.0.0.1:0', tls: other },
    ];
    broker.write('hawser.yaml', JSON.stringify({ listeners }));
    broker.program.child.kill('SIGHUP');
    await reloaded('server-other', 2);
    const known = await attempt(device.after);
    expect([known.reasonCode, shown(known)]).toEqual([0, 'server-other']);
    const stranger = await attempt(device.before);
    expect([stranger.reasonCode, shown(stranger)]).toEqual([0, 'server-other']);
    const line = await broker.logged(({ clientId }) => clientId === stranger.clientId, 'the stranger');
    expect(line.isVerified).toBe(false);
  });
});
