import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { EXIT, ExitError } from './exit-error.ts';

const DEFAULT_DATA = 'hawser-data';

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

/** The token of a broker of this machine whose data directory stands where it does by default. It is shown to no other machine. */
export function foundApiToken(api: URL, environment: NodeJS.ProcessEnv): string | undefined {
  const host = api.hostname.replace(/^\[|\]$/g, '');
  if (host !== 'localhost' && host !== '::1' && !(isIP(host) === 4 && host.startsWith('127.'))) return undefined;
  const directory = environment.HAWSER_DATA || environment.HAWSER_DATA_DIRECTORY || DEFAULT_DATA;
  try {
    return readFileSync(join(directory, 'api-token'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
