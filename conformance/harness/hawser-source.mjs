// `hawser` from its sources: node --conditions=hawser-source conformance/harness/hawser-source.mjs broker ...
import { main } from '../../packages/cli/src/main.ts';

await main(process.argv.slice(2));
