import { connect, type Socket } from 'node:net';
import { parseConsoleUsers } from '@hawser/auth';
import { type Broker, createBroker } from '@hawser/broker';
import { encodePacket } from '@hawser/codec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Guard } from '../access/guard.ts';
import { AuditLog } from '../audit-log.ts';
import { openApiDocument } from '../openapi.ts';
import { accessRoutes } from './access.ts';
import { banRoutes } from './bans.ts';
import { brokerRoutes } from './broker.ts';
import { clientRoutes } from './clients.ts';
import { configurationRoutes } from './configuration.ts';
import { needsOf, pageOf, type Route } from './route.ts';
import { userRoutes } from './users.ts';

let broker: Broker;
let routes: Route[];
let socket: Socket;

beforeAll(async () => {
  const connected = Promise.withResolvers<void>();
  broker = await createBroker({
    listeners: ['mqtt://127.0.0.1:0'],
    observe: { onConnected: () => connected.resolve() },
  });
  const guard = new Guard({ context: broker, token: 't', password: undefined, users: USERS, hostNames: [], isProxy });
  const audit = new AuditLog({ context: broker });
  audit.add({ who: 'otto', role: 'admin', address: '::1', action: 'a', target: null, outcome: 'done', code: null });
  const configuration = () => [{ key: 'a.b', value: '1', source: 'default' }];
  const control = { configuration, reload: () => ({ isGood: true, changes: [] }) as const };
  routes = [
    ...clientRoutes(broker),
    ...brokerRoutes(broker, () => true),
    ...banRoutes(broker),
    ...accessRoutes(guard, audit, broker),
    ...userRoutes(guard, USERS),
    ...configurationRoutes(control),
  ];
  const will = { topic: 'w', payload: new Uint8Array(1), qos: 1, retain: false, properties: undefined } as const;
  const properties = { sessionExpiryInterval: 60 };
  const packet = {
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 60,
    clientId: 'dev/7',
    username: undefined,
    password: undefined,
    bridge: false,
  } as const;
  socket = connect(Number(new URL(broker.urls[0] ?? '').port), '127.0.0.1');
  socket.write(encodePacket({ type: 'connect', ...packet, will, properties }, 5));
  await connected.promise;
  broker.bans.add('client:x', 'because', 60);
  broker.publish('lamp/north', 'on', { retain: true });
  broker.recorder.countLost('dev/7', 'queue-full', 't', 7);
});

afterAll(() => {
  socket.destroy();
  return broker.close();
});

const users = parseConsoleUsers(`otto:admin:$6$c2FsdA==$${Buffer.alloc(64).toString('base64')}`);
const USERS = { users, put: async () => {}, remove: () => false };
const isProxy = () => false;
const NO_REPLY = undefined as unknown as FastifyReply;
const params = { clientId: 'dev/7', topic: 'lamp/north' };

/** An answer as it goes over the wire, against its schema; nothing may be in it that the schema does not have. */
async function serve(route: Route, query: Record<string, string> = {}): Promise<unknown> {
  const answer: unknown = JSON.parse(
    JSON.stringify(await route.serve({ query, params } as unknown as FastifyRequest, NO_REPLY)),
  );
  const schema = route.paged ? pageOf(strict(route.answer)) : strict(route.answer);
  return schema.parse(answer);
}

function strict(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject ? schema.strict() : schema;
}

describe('the routes', () => {
  it('answer what their schemas say', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const answer = (await serve(route)) as { readonly total?: number };
      if (route.paged && !['/subscriptions'].includes(route.path)) expect(answer.total, route.path).toBeGreaterThan(0);
    }
  });

  it('give a part of a list, and say how long it is', async () => {
    const clients = routes.find(({ path }) => path === '/clients') as Route;
    expect(await serve(clients, { offset: '1' })).toEqual({ items: [], total: 1, offset: 1, limit: 100 });
    await expect(serve(clients, { limit: '0' })).rejects.toThrow(/limit/);
    await expect(serve(clients, { limit: '100000' })).rejects.toThrow(/limit/);
    expect(await serve(clients, { filter: 'nobody' })).toMatchObject({ total: 0 });
  });

  it('change something only where it is said that they do', () => {
    expect(routes.filter(({ method }) => method !== 'GET').every(({ changes }) => changes)).toBe(true);
    expect(routes.filter(({ method }) => method === 'GET').some(({ changes }) => changes)).toBe(false);
  });

  it('ask for more than reading where they change something', () => {
    const weak = routes.filter((route) => route.changes && ['open', 'viewer'].includes(needsOf(route)));
    expect(weak.map(({ path }) => path)).toEqual(['/login', '/logout']);
  });

  it('are described, each schema where it is referred to', () => {
    const document = openApiDocument(routes, '1.2.3');
    const text = JSON.stringify(document);
    for (const { path } of routes) expect(document.paths).toHaveProperty([`/api/v1${path}`]);
    const { schemas } = document.components as { readonly schemas: object };
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(schemas).toHaveProperty(name ?? '');
    expect(text).not.toContain('"$id"');
  });
});
