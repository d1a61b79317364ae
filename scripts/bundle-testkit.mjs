// Makes of the testkit what a page's tests load: packages/testkit/dist/page/index.js, with the broker in it and without Node, out of what tsc
// has built. The client stays an import of its own, so that the page under test and its tests have the same one.
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../packages/testkit/dist', import.meta.url));
const node = `${dist}/page/node.js`;

const bundle = await rolldown({
  input: `${dist}/index.js`,
  platform: 'browser',
  external: ['@hawser/client'],
  resolve: { conditionNames: ['browser', 'import', 'default'] },
  transform: {
    inject: { Buffer: [node, 'Buffer'], process: [node, 'process'], setImmediate: [node, 'setImmediate'] },
  },
  plugins: [{ name: 'node', resolveId: (id) => (id === 'ws' || id.startsWith('node:') ? node : undefined) }],
});
await bundle.write({ file: `${dist}/page/index.js`, format: 'es', sourcemap: true });
