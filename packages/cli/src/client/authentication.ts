import { type ClientOptions, scramSha256 } from '@hawser/client';
import { usageError } from '../exit-error.ts';

const SCRAM = 'SCRAM-SHA-256';

/**
 * Options with what `--authentication-method` stands for: with SCRAM-SHA-256 user name and password go into the exchange and
 * not into the CONNECT. Throws ExitError 64 for a method that a command line cannot do.
 */
export function withAuthentication(options: ClientOptions): ClientOptions {
  const method = options.authentication?.method;
  if (method === undefined) return options;
  if (method.toUpperCase() !== SCRAM) {
    throw usageError(`--authentication-method: '${method}' needs a program; from here there is ${SCRAM}`);
  }
  const { username, password, ...rest } = options;
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw usageError(`--authentication-method ${SCRAM}: needs --username and --password`);
  }
  return { ...rest, authentication: scramSha256({ username, password }) };
}
