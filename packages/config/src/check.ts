import { openConsoleUsers } from './console-users.ts';
import type { Configuration } from './load.ts';
import { createPolicies } from './policies.ts';
import { ConfigurationError, type ConfigurationProblem } from './problems.ts';
import type { ConsoleConfig } from './schema/console-schema.ts';
import { readSecret } from './secrets.ts';
import { createTlsFiles } from './tls.ts';

/**
 * Tries all that a start would: files of certificates, passwords, keys and secrets. Returns warnings; throws
 * ConfigurationError.
 */
export function checkConfiguration(configuration: Configuration): readonly string[] {
  const warnings: string[] = [];
  const problems: ConfigurationProblem[] = [];
  const attempt = (key: string, what: () => void): void => {
    try {
      what();
    } catch (error) {
      const path = key.split('.');
      // A map has no line of its own; what is needed in it has.
      const [source = ''] = [path, [...path, 'cert']].map(configuration.sourceOf).filter((said) => said !== 'default');
      const text = error instanceof Error ? error.message : String(error);
      problems.push({ key, source, text: `${key}: ${text}` });
    }
  };
  const { tls, listeners, authentication, console } = configuration;
  if (tls !== undefined) attempt('tls', () => createTlsFiles(tls));
  for (const [index, listener] of listeners.entries()) {
    const own = listener.tls;
    if (own !== undefined) attempt(`listeners.${index}.tls`, () => createTlsFiles(own));
    if (isOpenToAll(listener.url) && authentication.anonymous === true && listener.authentication === undefined) {
      warnings.push(`${listener.url} can be reached from other machines and takes anonymous clients`);
    }
    if (/^(?:mqtt|tcp|ws):/i.test(listener.url) && isOpenToAll(listener.url) && authentication.chain.length > 0) {
      warnings.push(`passwords go to ${listener.url} in clear: use mqtts or wss`);
    }
  }
  if (console !== undefined && console !== false) checkConsole(console, attempt, warnings);
  attempt('authentication', () => createPolicies(configuration, (_code, text) => warnings.push(text)));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return warnings;
}

function checkConsole(
  { listen = '127.0.0.1:', users, passwordFile, tls, forwardedFrom }: ConsoleConfig,
  attempt: (key: string, what: () => void) => void,
  warnings: string[],
): void {
  if (tls !== undefined) attempt('console.tls', () => createTlsFiles(tls));
  if (users !== undefined) attempt('console.users', () => openConsoleUsers(users));
  if (passwordFile !== undefined) attempt('console.passwordFile', () => readSecret({ file: passwordFile }));
  const isOpen = isOpenToAll(`http://${listen}`);
  if (isOpen && users === undefined && passwordFile === undefined && !process.env.HAWSER_CONSOLE_PASSWORD) {
    attempt('console.listen', () => {
      throw new Error(
        `the console would be open to everybody who reaches ${listen}: make a user with "hawser passwd --console-role admin FILE NAME" and name the file in console.users (--console-users)`,
      );
    });
  }
  if (isOpen && tls === undefined && forwardedFrom === undefined)
    warnings.push(`passwords of the console go to ${listen} in clear: give it console.tls, or a proxy (forwardedFrom)`);
}

function isOpenToAll(url: string): boolean {
  return !/^[a-z]+:\/\/(?:127\.|localhost\b|\[::1\])/i.test(url);
}
