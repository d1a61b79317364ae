// Makes of the client what a page loads: packages/client/dist/page/index.js, one module without imports, out of what tsc has built.
// With a bundler it is what `@hawser/client` means in a browser; without one, a page imports the file itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const packages = fileURLToPath(new URL('../packages', import.meta.url));
const dist = `${packages}/client/dist`;

const bundle = await rolldown({
  input: `${dist}/browser/index.js`,
  platform: 'browser',
  resolve: { conditionNames: ['browser', 'import', 'default'] },
});
const { output } = await bundle.generate({
  format: 'es',
  sourcemap: true,
  minify: true,
});
if (output.filter(({ type }) => type === 'chunk').length !== 1)
  throw new Error('the client is more than one module now');
const [{ code, map }] = output;
mkdirSync(`${dist}/page`, { recursive: true });
writeFileSync(`${dist}/page/index.js`, `${code}//# sourceMappingURL=index.js.map\n`);
writeFileSync(`${dist}/page/index.js.map`, JSON.stringify(map));
