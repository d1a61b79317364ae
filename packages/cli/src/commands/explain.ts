import { Command, Option } from 'commander';
import { DEFAULT_API } from '../api/default-api.ts';
import type { ExplainFlags } from '../explain/explain-flags.ts';
import { EXPLAIN_WORDS, type ExplainLanguage } from '../explain/explain-words.ts';

/** `hawser explain`: asks a running broker why a client is not connected, or lost what it lost. */
export function explainCommand(): Command {
  const words = EXPLAIN_WORDS.en;
  return new Command('explain')
    .description('say why a client was cut off or refused, why its session is gone, what it lost')
    .helpOption('-h, --help', 'print this help')
    .argument('<client-id>', words.argument)
    .addOption(new Option('--api <url>', words.api).default(DEFAULT_API).env('HAWSER_API'))
    .option('--token-file <file>', words.tokenFile)
    .option('--json', words.json)
    .addOption(new Option('--lang <language>', words.lang).choices(['en', 'zh']).default(languageOf(process.env)))
    .addHelpText('after', `\n${words.help}`)
    .action(async (clientId: string, flags: ExplainFlags) => {
      const { runExplain } = await import('../explain/run-explain.ts');
      await runExplain(clientId, flags);
    });
}

/** What the environment says people read here. */
export function languageOf({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): ExplainLanguage {
  return (LC_ALL || LC_MESSAGES || LANG || '').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
