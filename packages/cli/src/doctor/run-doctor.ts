import { isValidTopicName } from '@hawser/codec';
import { type DoctorReport, examine } from '@hawser/doctor';
import { toJsonText, visible, visibleIn } from '@hawser/parameters/safe-text';
import { EXIT, usageError } from '../exit-error.ts';
import type { ConnectFlags } from '../flags/connect-flags.ts';
import { print, printNote } from '../output.ts';
import { stopSignal } from '../stop-signal.ts';
import type { DoctorFlags } from './doctor-flags.ts';
import { DOCTOR_WORDS } from './doctor-words.ts';
import { formatEnd, formatStage } from './format-doctor.ts';

const WHERE = ['url', 'host', 'port', 'transport'];

/** Examines a connection, prints the walk while it is walked, and sets the exit code. Throws ExitError 64. */
export async function runDoctor(url: string | undefined, flags: DoctorFlags, connection: ConnectFlags): Promise<void> {
  const isElsewhere = WHERE.some((name) => connection.given.has(name));
  if (url !== undefined && isElsewhere)
    throw usageError('the address is given twice: as URL, and with -L, -h, -p or --transport');
  if (url !== undefined) connection.given.set('url', url);
  const { topic } = flags;
  if (topic !== undefined && !isValidTopicName(`${topic}/echo`))
    throw usageError(`--topic: '${topic}' is no Topic Name; wildcards are not allowed`);
  const { options } = connection.options(process.env);
  const clientId = connection.given.get('clientId');
  if (flags.asClient === true && (typeof clientId !== 'string' || clientId === ''))
    throw usageError('--as-client needs the Client ID: -i ID');
  const words = DOCTOR_WORDS[flags.lang];
  const isJson = flags.json === true;
  const say = (text: string): void => {
    if (!isJson) print(`${text}\n`);
  };
  // Said before anything is opened, and to people who read JSON with a program too.
  if (flags.asClient === true) printNote(`hawser: ${words.asClientNotice(visible(String(clientId)))}\n`);
  const stop = new AbortController();
  stopSignal().then(() => stop.abort());
  const report = await examine({
    connect: options,
    asClient: flags.asClient,
    topic,
    language: flags.lang,
    signal: stop.signal,
    onStage: (stage) => say(formatStage(visibleIn(stage), flags.lang, process.stdout.columns)),
  }).catch((error: unknown) => {
    if (stop.signal.aborted) return undefined;
    throw error;
  });
  if (report === undefined) {
    process.exitCode = EXIT.failed;
    return;
  }
  if (isJson) print(`${toJsonText(report, 2)}\n`);
  else say(formatEnd(visibleIn(report), flags.lang, process.stdout.columns));
  process.exitCode = exitCodeOf(report);
}

/** What is wrong with the address or the options is wrong usage, not a server that cannot be reached. */
function exitCodeOf({ ok, error }: DoctorReport): number {
  if (error !== undefined) return error.stage === 'address' ? EXIT.usage : EXIT.unreachable;
  return ok ? EXIT.ok : EXIT.failed;
}
