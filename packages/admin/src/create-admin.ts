import { join } from 'node:path';
import { type AddressSet, type Broker, FileRecorderLog, type Observer } from '@hawser/broker';
import { isLoopbackHost, type TlsFiles } from '@hawser/transport';
import type { FastifyInstance } from 'fastify';
import type { UserStore } from './access/identify.ts';
import { type ApiToken, apiToken } from './access/token.ts';
import { AuditLog } from './audit-log.ts';
import { buildApp } from './build-app.ts';
import { watchServerTls } from './http-server.ts';
import type { BrokerControl } from './routes/configuration.ts';

export interface AdminOptions {
  readonly broker: Broker;
  /** Address to listen on. Beyond loopback only with a password. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * Where the token (file `api-token`, mode 0600) and the audit log are kept; absent: a token is made anew and must be shown
   * to people, and the audit log ends with the process.
   */
  readonly dataDirectory?: string | undefined;
  /** One password for all, which makes an admin. With it or with users everything but health has to be logged in for. */
  readonly password?: string | undefined;
  /** A ConsoleUsersFile of @hawser/auth, or another store. One of `password` and `users` is needed beyond loopback. */
  readonly users?: UserStore | undefined;
  /** Proxies in front, whose X-Forwarded-For and X-Forwarded-Proto are believed; absent: none. */
  readonly isProxy?: AddressSet | undefined;
  /** What else of the program can be asked and told; absent: the routes for it answer 501. */
  readonly control?: BrokerControl | undefined;
  /** Files of certificate and key, which are read again when they change: with them it speaks https alone. */
  readonly tls?: TlsFiles | undefined;
  /** Told of what does not work while it runs. */
  readonly onWarning?: Observer['onWarning'];
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
  const { broker, host, port, dataDirectory, users, isProxy } = options;
  const password = options.password || undefined;
  if (password === undefined && users === undefined && (!isLoopbackHost(host) || isProxy !== undefined)) {
    const where = isLoopbackHost(host) ? 'the proxy in front of it' : host === '' ? 'this machine' : host;
    throw new AdminError(
      'password-required',
      `the console would be open to everybody who reaches ${where}: set a password for it or give it users, or let it listen on 127.0.0.1`,
    );
  }
  const token = apiToken(dataDirectory);
  const log =
    dataDirectory === undefined
      ? undefined
      : new FileRecorderLog({ directory: join(dataDirectory, 'audit'), bytes: broker.settings['api.auditBytes'] });
  const audit = new AuditLog({ context: broker, log });
  await audit.open();
  const { tls: files, onWarning } = options;
  const tls = files && watchServerTls(files, (text) => onWarning?.('console-tls', text));
  const app = await buildApp({ ...options, password, token: token.value, audit, context: broker, tls });
  app.addHook('onClose', async () => tls?.[Symbol.dispose]());
  app.addHook('onClose', () => audit.close());
  await app.ready();
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw explainListen(error, host, port);
  }
  const address = app.server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  const scheme = tls === undefined ? 'http' : 'https';
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${taken}`, token, close: () => app.close() };
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
