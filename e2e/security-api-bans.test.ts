import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, ConsoleProcess } from './support/console-process.ts';
import { Attacker, withAttacker } from './support/security-client.ts';

const broker = new ConsoleProcess();

beforeAll(async () => {
  broker.configure(`
listeners: [mqtt://127.0.0.1:0]
data: hawser-data
console: { listen: 127.0.0.1:0, users: users }
`);
  broker.addUsers({ vera: 'viewer', otto: 'operator' }, 'harbour-7');
  await broker.start();
});
afterAll(() => broker[Symbol.asyncDispose]());

describe('bans by API', () => {
  const operator = { headers: basic('otto', 'harbour-7') };
  const ban = (body: object) => broker.ask('/bans', { method: 'POST', ...operator, body });

  it('end connections, keep out newcomers, survive kill -9, and can be taken back', async () => {
    const peer = await Attacker.open(broker.port);
    await peer.connect({ clientId: 'cam-7' });
    const bystander = await Attacker.open(broker.port);
    await bystander.connect({ clientId: 'cam-8' });
    const answer = await ban({ target: 'client:cam-7', seconds: 3600, reason: 'it was stolen' });
    expect(answer).toMatchObject({ status: 200, json: { target: 'client:cam-7', by: 'operator', ended: 1 } });
    expect(await peer.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x98 });
    const again = () => withAttacker(broker.port, 5, (one) => one.connect({ clientId: 'cam-7' }));
    expect(await again()).toMatchObject({
      reasonCode: 0x8a,
      properties: { reasonString: expect.stringContaining('stolen') },
    });
    expect((await bystander.drain()).length).toBe(0);
    await bystander.end();

    const file = join(broker.directory, 'hawser-data', 'bans', 'events.jsonl');
    await expect.poll(() => readFileSync(file, 'utf8'), { timeout: 10_000 }).toContain('cam-7');
    await broker.program?.end('SIGKILL');
    await broker.start();
    expect((await broker.ask('/bans', operator)).json).toMatchObject({
      total: 1,
      items: [{ reason: 'it was stolen' }],
    });
    expect((await again())?.reasonCode).toBe(0x8a);
    const lift = () => broker.ask('/bans/client:cam-7', { method: 'DELETE', ...operator });
    expect((await lift()).status).toBe(200);
    expect((await lift()).status).toBe(404);
    expect((await again())?.reasonCode).toBe(0);
  });

  it.each([
    [{ target: '10.0.0.0/8' }, 400, 'bad-ban-target'],
    [{ target: 'cam-7' }, 400, 'bad-ban-target'],
    [{ target: '127.0.0.1' }, 409, 'ban-exempt'],
    [{ target: 'pair:cam@127.0.0.1' }, 409, 'ban-exempt'],
    [{ target: 'client:x', seconds: 0 }, 400, 'bad-body'],
    [{ target: 'client:x', until: 5 }, 400, 'bad-body'],
    [{}, 400, 'bad-body'],
  ])('%j is refused with words', async (body, status, code) => {
    const answer = await ban(body);
    expect(answer).toMatchObject({ status, json: { code, message: expect.stringMatching(/\w{4}/) } });
  });

  it('viewers may look, and no more', async () => {
    const viewer = { headers: basic('vera', 'harbour-7') };
    expect((await broker.ask('/bans', viewer)).status).toBe(200);
    expect((await broker.ask('/bans', { method: 'POST', ...viewer, body: { target: 'client:x' } })).status).toBe(403);
  });
});
