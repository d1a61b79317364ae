#!/usr/bin/env node
// Committed as it is, so that `npm ci` links `hawser` before the first build. Everything else lives in ../src.
import { existsSync } from 'node:fs';

const [major] = process.versions.node.split('.');

if (Number(major) < 24) {
  console.error(
    `hawser needs Node 24 or newer; this is ${process.version} (${process.execPath}). ` +
      'In a checkout, "npm start" and "npx hawser" bring their own; elsewhere install a newer Node.',
  );
  process.exitCode = 1;
} else if (!existsSync(new URL('../dist/main.js', import.meta.url))) {
  console.error('hawser is not built yet: run "npm run build" first');
  process.exitCode = 1;
} else {
  const { main } = await import('../dist/main.js');
  await main(process.argv.slice(2));
}
