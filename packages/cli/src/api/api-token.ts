import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { EXIT, ExitError } from '../exit-error.ts';

const DEFAULT_DATA = 'hawser-data';
const TOKEN_FILE = 'api-token';

/** What a person has said to show the API: `--token-file`, or HAWSER_API_TOKEN. Undefined: nothing. Throws ExitError. */
export function givenApiToken(tokenFile: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  if (tokenFile === undefined) return environment.HAWSER_API_TOKEN || undefined;
  try {
    return readFileSync(tokenFile, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(EXIT.failed, `cannot read the token file ${tokenFile}: ${String(code)}`, { cause: error });
  }
}

/**
 * The token of a broker of this machine, out of its data directory: the one named, or the one a broker takes by default. It is
 * shown to no other machine.
 */
export function foundApiToken(
  api: URL,
  environment: NodeJS.ProcessEnv,
  dataDirectory = environment.HAWSER_DATA || environment.HAWSER_DATA_DIRECTORY || DEFAULT_DATA,
): string | undefined {
  const host = api.hostname.replace(/^\[|\]$/g, '');
  if (host !== 'localhost' && host !== '::1' && !(isIP(host) === 4 && host.startsWith('127.'))) return undefined;
  try {
    return readFileSync(join(dataDirectory, TOKEN_FILE), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
