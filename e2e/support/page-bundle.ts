import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm run build` makes: all packages, and client and testkit as a page loads them; returns the client's file. */
export async function buildPageBundle(): Promise<string> {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { cwd: root });
  for (const script of ['bundle-page', 'bundle-testkit'])
    await run(process.execPath, [`scripts/${script}.mjs`], { cwd: root });
  return fileURLToPath(new URL('../../packages/client/dist/page/index.js', import.meta.url));
}
