import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { Paging, registry } from '../schemas.ts';
import { matches, page, queryOf, type Route } from './route.ts';

const ConfigurationValue = z
  .object({
    key: z.string(),
    value: z.string().describe('as YAML in one line; secrets are ***'),
    source: z.string().describe('`default`, file and line, a variable, a flag'),
  })
  .register(registry, { id: 'ConfigurationValue' });

const ConfigurationChange = z.object({
  key: z.string(),
  from: z.string().optional().describe('absent: it was not there'),
  to: z.string().optional(),
  needsRestart: z.boolean().describe('it is in force only after a restart'),
});

const ReloadedSchema = z
  .object({ changes: z.array(ConfigurationChange).readonly() })
  .register(registry, { id: 'Reloaded' });

const Query = Paging.extend({
  filter: z.string().optional().describe('part of the key'),
  changed: z.stringbool().default(false).describe('only what is not the default'),
});

type Change = Omit<z.output<typeof ConfigurationChange>, 'from' | 'to'> & {
  readonly from: string | undefined;
  readonly to: string | undefined;
};

/** What came of reading the configuration again; what is wrong has left everything as it was. */
export type Reloaded =
  | { readonly isGood: true; readonly changes: readonly Change[] }
  | {
      readonly isGood: false;
      readonly text: string;
      readonly problems: readonly { readonly key: string; readonly source: string; readonly text: string }[];
    };

/** What only the program around a broker can do. */
export interface BrokerControl {
  /** Reads the configuration again, and certificates, as at SIGHUP. */
  reload(): Reloaded;
  /** What is in force, with who said it, secrets hidden. */
  configuration(): readonly z.output<typeof ConfigurationValue>[];
}

const NOT_HERE = 'The broker is part of another program, which has its configuration';

/** The configuration: what it is, and reading it again. */
export function configurationRoutes(control: BrokerControl | undefined): Route[] {
  /** Throws ApiError. */
  const program = (): BrokerControl => {
    if (control !== undefined) return control;
    const words = 'this broker is part of another program, which has its configuration: only hawser broker can do this';
    throw new ApiError(501, 'not-here', words);
  };

  return [
    {
      method: 'GET',
      path: '/configuration',
      summary: 'The configuration in force, with the source of each value: the same as `hawser config`',
      query: Query,
      answer: ConfigurationValue,
      paged: true,
      changes: false,
      role: 'admin',
      problems: { 501: NOT_HERE },
      serve(request) {
        const query = queryOf(Query, request);
        const values = program().configuration();
        const wanted = values.filter(
          ({ key, source }) => matches(key, query.filter) && !(query.changed && source === 'default'),
        );
        return page(wanted, query, (value) => value);
      },
    },
    {
      method: 'POST',
      path: '/reload',
      summary:
        'Reads configuration and certificates again, as at SIGHUP; a configuration that is wrong changes nothing (422)',
      query: undefined,
      answer: ReloadedSchema,
      paged: false,
      changes: true,
      role: 'admin',
      problems: { 422: 'The configuration is wrong, and the one before stays in force', 501: NOT_HERE },
      serve() {
        const reloaded = program().reload();
        if (reloaded.isGood) return { changes: reloaded.changes };
        const words = `the configuration was not read again, the old one stays in force: ${reloaded.text}`;
        throw new ApiError(422, 'configuration-wrong', words, { problems: reloaded.problems });
      },
    },
  ];
}
