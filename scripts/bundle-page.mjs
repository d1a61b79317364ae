// Makes of the client what a page loads: packages/client/dist/page/index.js, one module without imports, out of what tsc has built.
// With a bundler it is what `@hawser/client` means in a browser; without one, a page imports the file itself.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { minify } from 'terser';

const packages = fileURLToPath(new URL('../packages', import.meta.url));
const dist = `${packages}/client/dist`;

/**
 * Members of the client's own parts, which a page loads under a letter: no minifier may rename a member by itself, for it cannot know
 * who else uses it. Nobody does: a name that users or the platform know must not stand here, and those of users are checked.
 */
const INNER_NAMES = `
  aliases assigned blocked congested contexts intern minimum objection phase proceed reconnects remaining repeatable resumes secret sequence
  severity versions warnings attach hold known peek pump reader sink
  admitPublish afterAttempt afterLoss afterTurn beginLength bodyStart bufferedBytes bytesIn checkFirstBytes checkMayReceive closeCause
  endLength expiresAtMs failWith fallsBack firstByte firstBytes forgetInbound handleAck handleAnswer
  handlePacket handlePublish handlePubrel handleTimeout hasSession inboundAliases isBoolean isReadingPaused isReleased keepInbound
  keepSession lastReceivedMs lastSentMs nextDelay nextTimeout nonZero objectionTo onAck onAnswer onAuth onClosed onConnack
  onEstablished onPublish onTurn onWritable packetIdentifier packetsIn peerMaximumPacketSize peerReceiveMaximum reasonCodes
  receiveEnd receivedAtMs removeWhere sentOn setPaused setReadingPaused startAnew topicLevels whenIdle
  wireType writeEncoded writeFarewell writePublish writeShortAck giveBack packetOf encoded isOnce
`.match(/\w+/g);

const bundle = await rolldown({
  input: `${dist}/browser/index.js`,
  platform: 'browser',
  resolve: { conditionNames: ['browser', 'import', 'default'] },
});
const { output } = await bundle.generate({
  format: 'es',
  sourcemap: true,
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
});
if (output.filter(({ type }) => type === 'chunk').length !== 1)
  throw new Error('the client is more than one module now');
const [{ code, map }] = output;
const small = await minify(
  { 'index.js': code },
  {
    module: true,
    // What a bundler makes smaller once more must not be put into sequences and inlined functions before: it compresses worse.
    compress: { passes: 2, sequences: false, reduce_funcs: false, pure_getters: true },
    mangle: { properties: { regex: new RegExp(`^(?:${INNER_NAMES.join('|')})$`) } },
    sourceMap: { content: JSON.stringify(map), includeSources: true, url: 'index.js.map' },
  },
);
checkNames(code, small.code);
mkdirSync(`${dist}/page`, { recursive: true });
writeFileSync(`${dist}/page/index.js`, small.code);
writeFileSync(`${dist}/page/index.js.map`, small.map);

/** Throws for a name that is used no more, that a user's program knows, or that is left in a text. */
function checkNames(before, after) {
  const index = readFileSync(`${dist}/browser/index.d.ts`, 'utf8');
  const files = [...index.matchAll(/from '(\.[^']+)\.ts'/g)].map(([, path]) => `${dist}/browser/${path}.d.ts`);
  // What a Platform of one's own is made of.
  files.push(`${packages}/transport/dist/clock.d.ts`, `${packages}/transport/dist/transport.d.ts`);
  const known = files.map((file) => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')).join('\n');
  for (const name of INNER_NAMES) {
    const word = new RegExp(`\\b${name}\\b`);
    if (!word.test(before)) throw new Error(`${name}: nothing in the bundle has this name any more`);
    if (word.test(known)) throw new Error(`${name}: users of @hawser/client know this name`);
    if (word.test(after)) throw new Error(`${name}: it stands in a text too, which is not renamed`);
  }
}
