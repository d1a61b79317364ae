import type { ClientInfo } from '@hawser/broker';
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

const cause = (code: string) => ({ code, reasonCode: 0x8d, text: `because of ${code}`, by: 'self' as const });

function start(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const observer = logObserver(createLogger(level, { write: (line: string) => lines.push(JSON.parse(line)) }));
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
    observer,
    close: (code: string) => observer.onClosed?.({ client, cause: cause(code), ...traffic }),
    lose: (lost: 'queue-full' | 'offline-qos0', at: number) =>
      observer.onLost?.({ clientId: 'dev-7', cause: lost, topic: 't', qos: 1, at }),
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

  it('tells ends and refusals at info, with client and cause, and never what clients say of themselves', () => {
    const { lines, observer, close } = start('info');
    close('keep-alive-timeout');
    close('normal-disconnection');
    observer.onRefused?.({
      listener: 'l',
      remoteAddress: '10.0.0.9',
      remotePort: 1,
      client: undefined,
      cause: cause('not-tls'),
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
