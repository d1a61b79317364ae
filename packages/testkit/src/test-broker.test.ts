import { dial } from '@hawser/transport';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { startTestBroker } from './test-broker.ts';
import { TransportRecorder } from './transport-recorder.ts';

/** CONNECT of 3.1.1, Clean Session, Client ID `t`. */
function connect(keepAlive: number): Uint8Array {
  const fixed = [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2];
  return Uint8Array.from([...fixed, keepAlive >> 8, keepAlive & 0xff, 0, 1, 0x74]);
}

const CONNACK = Uint8Array.of(0x20, 2, 0, 0);

describe('startTestBroker', () => {
  it('listens on a port of its own until the block is left', async () => {
    let port: number;
    {
      await using first = await startTestBroker();
      await using second = await startTestBroker();
      expect(first.url).not.toBe(second.url);
      port = Number(new URL(first.url).port);
      const transport = await dial({ transport: 'tcp', host: '127.0.0.1', port });
      const client = new TransportRecorder(transport);
      transport.write([connect(60)]);
      expect(await client.received(4)).toEqual(CONNACK);
    }
    await expect(dial({ transport: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'refused' });
  });

  it('runs under a fake clock, over connections in memory', async () => {
    const clock = new FakeClock();
    await using broker = await startTestBroker({ clock });
    expect(broker.url).toBe('');
    const transport = broker.connect();
    const client = new TransportRecorder(transport);
    transport.write([connect(3600)]);
    await clock.settle();
    expect(client.bytes).toEqual(CONNACK);
    await clock.advance(1.5 * 3_600_000 - 1000);
    expect(client.closes).toBe(0);
    await clock.advance(2000);
    expect(client.closes).toBe(1);
  });
});
