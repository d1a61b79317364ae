import { resolve } from 'node:path';
import { isValues, type Values } from './values.ts';

/** Keys of a certificate, wherever a map `tls` or a list `certificates` has them. */
const OF_TLS = ['cert', 'key', 'ca', 'crl'];

/**
 * Makes the paths in a configuration file absolute: they are relative to the directory of that file, so that the file means
 * the same wherever the broker is started. Changes `values`. What is no path there is left for the schema to refuse.
 */
export function resolvePaths(values: Values, directory: string): void {
  resolveIn(values, 'data', ['directory', 'backups'], directory);
  resolveIn(values, 'console', ['users', 'passwordFile'], directory);
  resolveBelow(values, directory);
}

function resolveBelow(value: unknown, directory: string): void {
  if (Array.isArray(value)) for (const item of value) resolveBelow(item, directory);
  if (!isValues(value)) return;
  // `{ file: PATH }`: a password file, or a secret in a file.
  resolveKeys(value, ['file'], directory);
  resolveIn(value, 'tls', OF_TLS, directory);
  if (Array.isArray(value.certificates))
    for (const certificate of value.certificates)
      if (isValues(certificate)) resolveKeys(certificate, OF_TLS, directory);
  resolveIn(value, 'jwt', ['publicKey', 'jwks'], directory);
  for (const below of Object.values(value)) resolveBelow(below, directory);
}

function resolveIn(values: Values, key: string, names: readonly string[], directory: string): void {
  const below = values[key];
  if (isValues(below)) resolveKeys(below, names, directory);
}

function resolveKeys(values: Values, names: readonly string[], directory: string): void {
  for (const name of names) {
    const value = values[name];
    if (typeof value === 'string') values[name] = absolute(value, directory);
    else if (Array.isArray(value))
      values[name] = value.map((one) => (typeof one === 'string' ? absolute(one, directory) : one));
  }
}

/** `memory` is no directory, and a URL no path. */
function absolute(path: string, directory: string): string {
  return path === '' || path === 'memory' || /^https?:/i.test(path) ? path : resolve(directory, path);
}
