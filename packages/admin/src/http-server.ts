import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { nodeTlsOptions, systemClock, type TlsFiles, type TlsListenOptions, watchTls } from '@hawser/transport';
import type { ApiContext } from './access/sessions.ts';

/** What an https server shows, and how it is told of something else. */
export interface ServerTls extends Disposable {
  readonly options: TlsListenOptions;
  /** Set by the server. Throws what Node throws. */
  apply: (options: TlsListenOptions) => void;
}

/** Files whose changes go to the server that is made with them. */
export function watchServerTls(files: TlsFiles, onFault: (text: string) => void): ServerTls {
  const watch = watchTls(files, { clock: systemClock, apply: (options) => tls.apply(options), onFault });
  const tls: ServerTls = {
    get options() {
      return files.options;
    },
    apply: () => {},
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
  return tls;
}

/** The server under the API, bounded in connections and in the time a request may take. */
export function createHttpServer(
  onRequest: RequestListener,
  tls: ServerTls | undefined,
  { settings, counters }: ApiContext,
): Server {
  const requestTimeout = settings['api.requestTimeout'] * 1000;
  const bounds = {
    requestTimeout,
    headersTimeout: requestTimeout,
    connectionsCheckingInterval: Math.min(1000, requestTimeout),
  };
  const server =
    tls === undefined
      ? createServer(bounds, onRequest)
      : secureServer({ ...bounds, handshakeTimeout: requestTimeout }, onRequest, tls);
  server.maxConnections = settings['api.connections'];
  server.on('drop', () => counters.apiRequestsLimited++);
  return server;
}

function secureServer(bounds: object, onRequest: RequestListener, tls: ServerTls): SecureServer {
  const server = createSecureServer({ ...nodeTlsOptions(tls.options), ...bounds }, onRequest);
  tls.apply = (options) => server.setSecureContext(nodeTlsOptions(options));
  return server;
}
