// The figures of bench/large-store.mjs in RESULTS.md.

/** A section; nothing where it was not measured. */
export function renderLargeStore(found) {
  if (found === undefined) return '';
  const { sessions, messages, dataBytes, runs } = found;
  const count = (value) => value.toLocaleString('en-US');
  const head = ['Start', 'Listens after', 'All counted after', 'RSS, MB', 'First session served', 'Caught up'];
  const lines = runs.map(({ title, listeningMs, countedMs, listeningMb, countedMb, firstMs, caughtUp, caughtUpMs }) => [
    title,
    `${count(listeningMs)} ms`,
    `${count(countedMs)} ms`,
    `${listeningMb} / ${countedMb}`,
    `${count(firstMs)} ms`,
    `${count(caughtUp)} messages in ${count(caughtUpMs)} ms`,
  ]);
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `## A large store

${count(sessions)} sessions with ${count(messages)} messages that wait, ${count(Math.round(dataBytes / 1e6))} MB on disk (bench/large-store.mjs; half of the messages
are for one session each, half for all of them and stored once). RSS when it listens and when all is counted.

${table}
`;
}
