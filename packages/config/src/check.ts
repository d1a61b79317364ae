import { readFileSync } from 'node:fs';
import { parsePasswordFile } from '@hawser/auth';
import { openConsoleUsers } from './console-users.ts';
import type { Configuration } from './load.ts';
import { permissionWarnings } from './permission-warnings.ts';
import { createPolicies } from './policies.ts';
import { ConfigurationError, type ConfigurationProblem } from './problems.ts';
import type { AuthenticationConfig } from './schema/authentication-schema.ts';
import type { ConsoleConfig } from './schema/console-schema.ts';
import type { TlsConfig } from './schema/listener-schema.ts';
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
  const checkTls = (key: string, config: TlsConfig | undefined): void => {
    if (config !== undefined) attempt(key, () => warnings.push(...createTlsFiles(config).warnings(Date.now())));
  };
  checkTls('tls', tls);
  for (const [index, listener] of listeners.entries()) {
    checkTls(`listeners.${index}.tls`, listener.tls);
    const nobody = whyNobody(listener.authentication ?? authentication);
    if (nobody !== undefined) warnings.push(`nobody can log in at ${listener.url}: ${nobody}`);
    if (isOpenToAll(listener.url) && authentication.anonymous === true && listener.authentication === undefined) {
      warnings.push(`${listener.url} can be reached from other machines and takes anonymous clients`);
    }
    if (/^(?:mqtt|tcp|ws):/i.test(listener.url) && isOpenToAll(listener.url) && authentication.chain.length > 0) {
      warnings.push(`passwords go to ${listener.url} in clear: use mqtts or wss`);
    }
  }
  warnings.push(...permissionWarnings(configuration));
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
  if (tls !== undefined) attempt('console.tls', () => warnings.push(...createTlsFiles(tls).warnings(Date.now())));
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

/** Why a listener lets nobody in; undefined: it may let somebody in. Files that cannot be read are told elsewhere. */
function whyNobody({ anonymous, chain }: AuthenticationConfig): string | undefined {
  if (anonymous === true || anonymous === 'loopback') return undefined;
  if (chain.length === 0)
    return anonymous === false ? 'authentication.anonymous is false and authentication.chain is empty' : undefined;
  const files = chain.map(({ passwords }) => passwords?.file);
  if (files.some((file) => file === undefined || hasUsersIn(file))) return undefined;
  return `there is no user in ${files.join(', ')}; make one with "hawser passwd ${files[0]} NAME"`;
}

function hasUsersIn(file: string): boolean {
  try {
    return parsePasswordFile(readFileSync(file, 'utf8')).size > 0;
  } catch {
    // createPolicies says what is wrong with the file.
    return true;
  }
}

function isOpenToAll(url: string): boolean {
  return !/^[a-z]+:\/\/(?:127\.|localhost\b|\[::1\])/i.test(url);
}
