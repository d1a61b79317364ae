import type { AddressSet, Broker } from '@hawser/broker';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Guard } from './access/guard.ts';
import type { UserStore } from './access/identify.ts';
import { hasRole } from './access/principal.ts';
import type { ApiContext } from './access/sessions.ts';
import { ApiError } from './api-error.ts';
import type { AuditLog } from './audit-log.ts';
import { auditRequests } from './audit-requests.ts';
import { createHttpServer, type ServerTls } from './http-server.ts';
import { openApiDocument } from './openapi.ts';
import { accessRoutes } from './routes/access.ts';
import { backupRoutes } from './routes/backup.ts';
import { banRoutes } from './routes/bans.ts';
import { brokerRoutes } from './routes/broker.ts';
import { clientRoutes } from './routes/clients.ts';
import { type BrokerControl, configurationRoutes } from './routes/configuration.ts';
import { addMachineRoutes } from './routes/machines.ts';
import { needsOf, type Route } from './routes/route.ts';
import { userRoutes } from './routes/users.ts';

export interface AppOptions {
  readonly broker: Broker;
  /** The broker's, but for tests with a clock of their own. */
  readonly context: ApiContext;
  readonly audit: AuditLog;
  readonly host: string;
  readonly token: string;
  readonly password?: string | undefined;
  readonly users?: UserStore | undefined;
  readonly control?: BrokerControl | undefined;
  /** With it the API speaks https. */
  readonly tls?: ServerTls | undefined;
  readonly hostNames?: readonly string[] | undefined;
  readonly isProxy?: AddressSet | undefined;
  /** The broker's, beside which backups lie. */
  readonly dataDirectory?: string | undefined;
  readonly version?: string | undefined;
  readonly extend?: ((app: FastifyInstance) => void | Promise<void>) | undefined;
}

/** The HTTP server of a broker, with all its routes; it does not listen yet. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { broker, context, audit, token, password, users, host, hostNames = [], isProxy = () => false } = options;
  const app = fastify({
    routerOptions: { maxParamLength: 16_384 },
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    serverFactory: (onRequest) => createHttpServer(onRequest, options.tls, context),
  });
  const guard = new Guard({ context, token, password, users, hostNames: [host, ...hostNames], isProxy });
  const codes = new WeakMap<FastifyRequest, string>();
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, codes));
  app.setNotFoundHandler((request, reply) => {
    const words = `there is nothing at ${request.method} ${request.url}: see /api/openapi.json`;
    sendError(new ApiError(404, 'no-such-path', words), request, reply, codes);
  });
  app.addHook('onRequest', (request, reply) => guard.admit(request, reply));
  auditRequests(app, guard, audit, codes);
  addMachineRoutes(app, broker);
  const routes: readonly Route[] = [
    ...clientRoutes(broker),
    ...brokerRoutes(broker, (request) => hasRole(guard.principalOf(request), 'operator')),
    ...banRoutes(broker),
    ...accessRoutes(guard, audit, context),
    ...userRoutes(guard, users),
    ...configurationRoutes(options.control),
    ...backupRoutes(broker, options.dataDirectory),
  ];
  for (const route of routes) {
    const { path, method, changes } = route;
    app.route({
      method,
      url: `/api/v1${path.replace(/\{(\w+)\}/g, ':$1')}`,
      config: { needs: needsOf(route), ...(changes ? { audited: route } : {}) },
      handler: async (request, reply) => route.serve(request, reply),
    });
  }
  const document = openApiDocument(routes, options.version ?? '0.0.0');
  app.get('/api/openapi.json', { config: { needs: 'viewer' } }, async () => document);
  await options.extend?.(app);
  return app;
}

function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  codes: WeakMap<FastifyRequest, string>,
): void {
  const { status, code, message, details } = error instanceof ApiError ? error : fromFastify(error);
  const { retryAfter } = details;
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="hawser"');
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  codes.set(request, code);
  reply.code(status).send({ code, message, ...details });
}

function fromFastify(error: unknown): ApiError {
  const { statusCode = 500, message = 'unknown' } = error as {
    readonly statusCode?: number;
    readonly message?: string;
  };
  return new ApiError(statusCode, statusCode < 500 ? 'bad-request' : 'internal', message);
}
