import { chain, hashScram, parsePasswordFile, passwords, scram, type Users } from '@hawser/auth';
import { type Broker, createBroker } from '@hawser/broker';
import { ConnectError, connect, scramSha256 } from '@hawser/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Client and broker prove themselves to each other: SCRAM-SHA-256 over AUTH, and credentials that are asked for anew.

let broker: Broker;
let url: string;
let users: Users;

beforeAll(async () => {
  users = parsePasswordFile(`ship:${hashScram('pencil', 4096)}\n`);
  broker = await createBroker({
    listeners: ['mqtt://127.0.0.1:0'],
    authenticate: chain(scram({ users: () => users }), passwords({ users: () => users })),
  });
  url = broker.urls[0] ?? '';
});
afterAll(() => broker.close());

describe('SCRAM-SHA-256', () => {
  it('lets in who knows the password, and again on the same connection', async () => {
    await using client = await connect(url, { authentication: scramSha256({ username: 'ship', password: 'pencil' }) });
    expect(client.negotiated?.authenticationMethod).toBe('SCRAM-SHA-256');
    await client.reauthenticate();
    await client.reauthenticate();
    expect((await client.publish('a', 'b', { qos: 1 })).qos).toBe(1);
  });

  it('refuses who does not', async () => {
    const connecting = connect(url, { authentication: scramSha256({ username: 'ship', password: 'pen' }) });
    await expect(connecting).rejects.toBeInstanceOf(ConnectError);
    await expect(connecting).rejects.toMatchObject({ code: expect.stringMatching(/not-authorized|bad-user-name/) });
  });

  it('asks for the password before every exchange', async () => {
    let asked = 0;
    const password = async (): Promise<string> => {
      asked += 1;
      return 'pencil';
    };
    await using client = await connect(url, { authentication: scramSha256({ username: 'ship', password }) });
    await client.reauthenticate();
    expect(asked).toBe(2);
  });

  it('says so when two clients at once share what each needs of its own', async () => {
    const authentication = scramSha256({ username: 'ship', password: 'pencil' });
    const [first, second] = await Promise.allSettled([
      connect(url, { authentication }),
      connect(url, { authentication }),
    ]);
    expect(first).toMatchObject({
      reason: { code: 'mechanism-failed', message: expect.stringContaining('each client needs one of its own') },
    });
    expect(second.status).toBe('fulfilled');
    if (second.status === 'fulfilled') await second.value.disconnect();
  });

  it('a method that the server does not know is named', async () => {
    const connecting = connect(url, { authentication: { method: 'KERBEROS', start: () => 'x' } });
    await expect(connecting).rejects.toMatchObject({ stage: 'auth', code: 'method-not-supported' });
  });
});

describe('user name and password', () => {
  it('come from functions that are asked before every attempt', async () => {
    const given: string[] = [];
    const next = ['wrong', 'pencil'];
    const password = async (): Promise<string> => {
      const one = next.shift() ?? 'pencil';
      given.push(one);
      return one;
    };
    await using client = await connect(url, {
      username: () => 'ship',
      password,
      reconnect: { initial: true, delay: 0.01 },
    });
    expect(client.state).toBe('connected');
    expect(given).toEqual(['wrong', 'pencil']);
  });

  it('that are wrong are refused by name', async () => {
    const connecting = connect(url, { username: 'ship', password: 'no' });
    await expect(connecting).rejects.toMatchObject({
      stage: 'connack',
      code: 'bad-user-name-or-password',
      retry: 'after-change',
    });
  });
});
