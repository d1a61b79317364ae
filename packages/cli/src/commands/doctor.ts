import { Command, Option } from 'commander';
import type { DoctorFlags } from '../doctor/doctor-flags.ts';
import { DOCTOR_WORDS } from '../doctor/doctor-words.ts';
import { ConnectFlags } from '../flags/connect-flags.ts';
import { languageOf } from './explain.ts';

/** `hawser doctor`: walks a connection stage by stage, tries what it is for, and says what to change. */
export function doctorCommand(): Command {
  const words = DOCTOR_WORDS.en;
  const command = new Command('doctor')
    .description('walk a connection to any broker stage by stage, try it, and say what to change')
    .helpOption('--help', 'print this help')
    .argument('[url]', words.argument)
    .option('--json', words.json)
    .addOption(new Option('--lang <language>', words.lang).choices(['en', 'zh']).default(languageOf(process.env)))
    .option('--as-client', words.asClient)
    .option('-t, --topic <topic>', words.topic)
    .addHelpText('after', `\n${words.help}`);
  const connection = new ConnectFlags(command);
  return command.action(async (url: string | undefined, flags: DoctorFlags) => {
    const { runDoctor } = await import('../doctor/run-doctor.ts');
    await runDoctor(url, flags, connection);
  });
}
