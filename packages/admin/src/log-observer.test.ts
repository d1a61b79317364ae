import type { ClientInfo, ClosedEvent } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogLevel, logObserver } from './log-observer.ts';

const client: ClientInfo = {
  clientId: 'dev-7',
  username: 'sailor',
  protocolVersion: 5,
  remoteAddress: '10.0.0.7',
  remotePort: 4000,
  listener: 'mqtt://127.0.0.1:1883',
  tls: undefined,
  userProperties: [['token', 'secret']],
};

const cause = (code: string) =>
  ({ code, reasonCode: 0x8d, detail: { is: 'said', text: `because of ${code}` }, by: 'self' }) as ClosedEvent['cause'];

function start(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const clock = { ms: 0 };
  const logger = createLogger(level, { write: (line: string) => lines.push(JSON.parse(line)) });
  const observer = logObserver(logger, () => clock.ms);
  const traffic = {
    connectedForMs: 1,
    bytesIn: 1,
    bytesOut: 1,
    packetsIn: 1,
    packetsOut: 1,
    takenOverBy: undefined,
    at: 0,
  };
  return {
    lines,
    clock,
    observer,
    refuse: (i: number, code: string) => {
      const from = { listener: 'l', remoteAddress: `10.0.${i >> 8}.${i & 255}`, remotePort: 1, bytesIn: 0, at: 0 };
      observer.onRefused?.({ ...from, client: undefined, cause: cause(code) });
    },
    close: (code: string) => observer.onClosed?.({ client, cause: cause(code), ...traffic }),
    lose: (lost: 'queue-full' | 'offline-qos0', at: number) =>
      observer.onLost?.({ clientId: 'dev-7', cause: lost, topic: 't', qos: 1, count: 1, at }),
  };
}

describe('logObserver', () => {
  it('is silent at warn while nothing is wrong with the broker', () => {
    const { lines, observer, close, lose } = start('warn');
    observer.onConnected?.({ client, sessionPresent: false, cleanStart: true, negotiated: {}, at: 0 });
    close('keep-alive-timeout');
    close('normal-disconnection');
    lose('offline-qos0', 0);
    expect(lines).toEqual([]);
  });

  it('tells warnings with their code', () => {
    const { lines, observer } = start('warn');
    observer.onWarning?.('store-fault', 'the disk is full');
    expect(lines).toMatchObject([{ level: 40, cause: 'store-fault', msg: 'the disk is full' }]);
  });

  it('tells of lost messages once a minute for each client and cause', () => {
    const { lines, lose } = start('warn');
    for (let at = 0; at < 120_000; at += 1000) lose('queue-full', at);
    expect(lines).toMatchObject([0, 1].map(() => ({ clientId: 'dev-7', cause: 'queue-full' })));
  });

  it('says nothing at warn of a thousand who come and go, and of ten thousand who are refused', () => {
    const { lines, observer, close, refuse } = start('warn');
    for (let i = 0; i < 1000; i++) {
      observer.onConnected?.({ client, sessionPresent: false, cleanStart: true, negotiated: {}, at: 0 });
      close(i % 2 === 0 ? 'normal-disconnection' : 'network-lost');
    }
    for (let i = 0; i < 10_000; i++) refuse(i, 'bad-user-name-or-password');
    expect(lines).toEqual([]);
  });

  it('counts what an attack would fill the log with, each cause for itself', () => {
    const { lines, clock, refuse } = start('info');
    for (let i = 0; i < 10_000; i++) refuse(i, 'not-tls');
    refuse(1, 'wrong-path');
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toMatchObject({ cause: 'wrong-path' });
    clock.ms = 10_000;
    refuse(2, 'wrong-path');
    expect(lines.slice(51)).toMatchObject([
      { level: 30, cause: 'not-tls', count: 9950, msg: '9950 more in 10 s, not written one by one' },
      { cause: 'wrong-path', address: '10.0.0.2' },
    ]);
  });

  it('bounds warnings too, for what is wrong with a service meets everybody who connects', () => {
    const { lines, clock, observer } = start('warn');
    for (let i = 0; i < 10_000; i++) observer.onWarning?.('authenticator-failed', `nobody could say who dev-${i} is`);
    for (let i = 0; i < 10_000; i++)
      observer.onLost?.({ clientId: `dev-${i}`, cause: 'queue-full', topic: 't', qos: 1, count: 1, at: 0 });
    expect(lines).toHaveLength(100);
    clock.ms = 10_000;
    observer.onWarning?.('store-fault', 'the disk is full');
    expect(lines.slice(100)).toMatchObject([
      { level: 40, cause: 'authenticator-failed', count: 9950 },
      { level: 40, cause: 'lost-queue-full', count: 9950 },
      { level: 40, cause: 'store-fault' },
    ]);
  });

  it('writes everything at debug', () => {
    const { lines, refuse } = start('debug');
    for (let i = 0; i < 200; i++) refuse(i, 'not-tls');
    expect(lines).toHaveLength(200);
  });

  it('tells ends and refusals at info, with client and cause, and never what clients say of themselves', () => {
    const { lines, observer, close } = start('info');
    close('keep-alive-timeout');
    close('normal-disconnection');
    observer.onRefused?.({
      listener: 'l',
      remoteAddress: '10.0.0.9',
      remotePort: 1,
      client: undefined,
      cause: { code: 'not-tls', reasonCode: 0x80, detail: { is: 'not-tls' }, by: 'self' },
      bytesIn: 0,
      at: 0,
    });
    expect(lines).toMatchObject([
      { clientId: 'dev-7', address: '10.0.0.7', cause: 'keep-alive-timeout', reasonCode: 0x8d },
      { address: '10.0.0.9', cause: 'not-tls' },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});
