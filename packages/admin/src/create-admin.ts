import type { Broker } from '@hawser/broker';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type AccessOptions, checkCredentials, checkOrigin, isAuthenticated, isLoopback } from './access/access.ts';
import { type ApiToken, apiToken } from './access/token.ts';
import { ApiError } from './api-error.ts';
import { createMetrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { backupRoutes } from './routes/backup.ts';
import { brokerRoutes } from './routes/broker.ts';
import { clientRoutes } from './routes/clients.ts';

export interface AdminOptions {
  readonly broker: Broker;
  /** Address to listen on. Beyond loopback only with a password. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the token is kept (file `api-token`, mode 0600); absent: it is made anew and must be shown to people. */
  readonly dataDirectory?: string | undefined;
  /** Asked for everything but health; needed beyond loopback. */
  readonly password?: string | undefined;
  /** Names the API may be called by, besides IP addresses and `localhost`. */
  readonly hostNames?: readonly string[] | undefined;
  /** Of the program, for the OpenAPI document. */
  readonly version?: string | undefined;
  /** Adds more to the same server, such as the files of a console, behind the same checks of Host, Origin and password. */
  readonly extend?: ((app: FastifyInstance) => void | Promise<void>) | undefined;
}

/** The API of a broker, listening. */
export interface Admin {
  /** `http://127.0.0.1:18083` */
  readonly url: string;
  readonly token: ApiToken;
  close(): Promise<void>;
}

/** The admin server may not, or cannot, listen where it was told to. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly code: 'password-required' | 'port-in-use' | 'listen-failed';

  constructor(code: AdminError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Serves the HTTP API of a broker: `/api/v1`, `/api/openapi.json`, `/metrics`, `/health`, `/ready`. Rejects with AdminError:
 * `password-required` for an address beyond loopback without one, `port-in-use`, `listen-failed`.
 */
export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, password } = options;
  if (!isLoopback(host) && (password === undefined || password === '')) {
    throw new AdminError(
      'password-required',
      `the console would be open to everybody who reaches ${host === '' ? 'this machine' : host}: set a password for it, or let it listen on 127.0.0.1`,
    );
  }
  const token = apiToken(options.dataDirectory);
  const app = await buildApp(options, token);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw explainListen(error, host, port);
  }
  const address = app.server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`, token, close: () => app.close() };
}

async function buildApp(options: AdminOptions, token: ApiToken): Promise<FastifyInstance> {
  const { broker, password, hostNames = [], host } = options;
  const app = fastify({ routerOptions: { maxParamLength: 16_384 }, bodyLimit: 64 * 1024, forceCloseConnections: true });
  const access: AccessOptions = {
    token: token.value,
    password: password || undefined,
    hostNames: [host, ...hostNames],
  };
  app.setErrorHandler((error, _request, reply) => sendError(error, reply));
  app.setNotFoundHandler((request, reply) => {
    sendError(
      new ApiError(404, 'no-such-path', `there is nothing at ${request.method} ${request.url}: see /api/openapi.json`),
      reply,
    );
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    checkOrigin(request, access);
    if (!OPEN.has(pathOf(request)))
      checkCredentials(request, access, request.method !== 'GET' && request.method !== 'HEAD');
  });
  addHealth(app, broker);
  addMetrics(app, broker);
  const routes = [
    ...clientRoutes(broker),
    ...brokerRoutes(broker, (request) => isAuthenticated(request, access)),
    ...backupRoutes(broker, options.dataDirectory),
  ];
  for (const route of routes) {
    const url = `/api/v1${route.path.replace(/\{(\w+)\}/g, ':$1')}`;
    app.route({ method: route.method, url, handler: async (request) => route.serve(request) });
  }
  const document = openApiDocument(routes, options.version ?? '0.0.0');
  app.get('/api/openapi.json', async () => document);
  await options.extend?.(app);
  await app.ready();
  return app;
}

/** Machines ask these without a password. */
const OPEN: ReadonlySet<string> = new Set(['/health', '/ready']);

function addHealth(app: FastifyInstance, broker: Broker): void {
  app.get('/health', async () => ({ status: 'ok' }));
  app.get('/ready', async (_request, reply) => {
    const problems = [
      ...(broker.isClosing ? ['the broker is being stopped'] : []),
      ...(broker.store?.fault === undefined
        ? []
        : [`the data directory cannot be written: ${broker.store.fault.message}`]),
      ...(broker.guard.spaceRefusal === undefined
        ? []
        : [`nothing is added to the data directory: ${broker.guard.spaceRefusal}`]),
    ];
    reply.code(problems.length === 0 ? 200 : 503);
    return { status: problems.length === 0 ? 'ready' : 'not-ready', problems };
  });
}

function addMetrics(app: FastifyInstance, broker: Broker): void {
  const metrics = createMetrics(broker);
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.read();
  });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function sendError(error: unknown, reply: FastifyReply): void {
  if (error instanceof ApiError) {
    if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="hawser"');
    reply.code(error.status).send({ code: error.code, message: error.message, ...error.details });
    return;
  }
  const { statusCode = 500, message = 'unknown' } = error as {
    readonly statusCode?: number;
    readonly message?: string;
  };
  reply.code(statusCode).send({ code: statusCode < 500 ? 'bad-request' : 'internal', message });
}

function explainListen(error: unknown, host: string, port: number): AdminError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new AdminError(
      'port-in-use',
      `port ${port} on ${host}, for the console and the HTTP API, is in use by another program`,
      error,
    );
  }
  return new AdminError(
    'listen-failed',
    `the console and the HTTP API cannot listen on ${host} port ${port}: ${message}`,
    error,
  );
}
