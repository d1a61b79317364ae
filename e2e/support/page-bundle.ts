import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm run build` makes: all packages, and the client as a page loads it, whose file this returns. */
export async function buildPageBundle(): Promise<string> {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { cwd: root });
  await run(process.execPath, ['scripts/bundle-page.mjs'], { cwd: root });
  return fileURLToPath(new URL('../../packages/client/dist/page/index.js', import.meta.url));
}
