import type { Broker } from '@hawser/broker';
import {
  type ConfigurationChange,
  ConfigurationError,
  type ConfigurationProblem,
  compareConfigurations,
  type ExplainedValue,
  explainConfiguration,
  type LivePolicies,
} from '@hawser/config';
import type { BrokerFlags } from './broker-flags.ts';
import { type BrokerConfiguration, readConfiguration } from './configuration.ts';

/** What came of reading the configuration again. */
export type Reloaded =
  | { readonly isGood: true; readonly changes: readonly ConfigurationChange[] }
  | { readonly isGood: false; readonly text: string; readonly problems: readonly ConfigurationProblem[] };

/** Reads the configuration again and puts into force what can be; what is wrong leaves everything as it is. */
export class Reloader {
  readonly #broker: Broker;
  readonly #policies: LivePolicies;
  readonly #flags: BrokerFlags;
  #configuration: BrokerConfiguration;

  constructor(broker: Broker, policies: LivePolicies, flags: BrokerFlags, configuration: BrokerConfiguration) {
    this.#broker = broker;
    this.#policies = policies;
    this.#flags = flags;
    this.#configuration = configuration;
  }

  /** What was last put into force. Some of it may need a restart. */
  get configuration(): readonly ExplainedValue[] {
    return explainConfiguration(this.#configuration.loaded);
  }

  reload(): Reloaded {
    try {
      const next = readConfiguration(this.#flags);
      // Listeners stay as they are: their places are what policies go by.
      if (next.listeners.length === this.#configuration.listeners.length) this.#policies.replace(next.loaded);
      else {
        const text = 'the number of listeners has changed: that needs a restart; nothing was changed';
        const source = next.loaded.sourceOf(['listeners']);
        return { isGood: false, text, problems: [{ key: 'listeners', source, text }] };
      }
      const changes = compareConfigurations(this.#configuration.loaded, next.loaded);
      this.#broker.configure(next.settings);
      this.#broker.setAuthorizer(this.#policies.authorize);
      next.listeners.forEach(({ url, tls }, i) => {
        if (tls !== undefined && url === this.#configuration.listeners[i]?.url) this.#broker.setTls(i, tls);
      });
      // The development certificate is of no configuration.
      this.#broker.reloadTls();
      this.#configuration = next;
      return { isGood: true, changes };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { isGood: false, text, problems: problemsOf(error) ?? [{ key: '', source: '', text }] };
    }
  }
}

function problemsOf(error: unknown): readonly ConfigurationProblem[] | undefined {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return cause instanceof ConfigurationError ? cause.problems : undefined;
}

/** For people, a line each. */
export function reloadWords(reloaded: Reloaded): readonly string[] {
  if (!reloaded.isGood) return [`the configuration was not read again, the old one stays in force: ${reloaded.text}`];
  if (reloaded.changes.length === 0) return ['the configuration was read again; nothing has changed'];
  return reloaded.changes.map(({ key, from, to, needsRestart }) => {
    const what = `${key} changed from ${from ?? 'nothing'} to ${to ?? 'nothing'}`;
    return needsRestart ? `${what}; this needs a restart` : what;
  });
}
