import { readFileSync } from 'node:fs';
import type { BrokerControl } from '@hawser/admin';
import { addressSet, type Broker, type WarningCode } from '@hawser/broker';
import { type ConsoleConfig, createTlsFiles, openConsoleUsers } from '@hawser/config';
import { colors } from '../colors.ts';
import { EXIT, ExitError } from '../exit-error.ts';
import { readVersion } from '../version.ts';

/** What runs beside a broker and ends with it. */
export interface RunningConsole {
  /** What people are told about it at start. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export interface ConsoleOptions {
  /** `listen` undefined: the default address, and the broker does without when its port is taken. */
  readonly console: ConsoleConfig;
  /** Undefined: in memory. */
  readonly dataDirectory: string | undefined;
  readonly control: BrokerControl;
  onWarning(code: WarningCode, text: string): void;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 18083;

/** Starts the web console and the HTTP API. Throws ExitError where they may not or cannot listen. */
export async function startConsole(broker: Broker, options: ConsoleOptions): Promise<RunningConsole> {
  const { console, dataDirectory, control } = options;
  const { listen, hostNames, forwardedFrom } = console;
  const { AdminError, createAdmin } = await import('@hawser/admin');
  const { host, port } = listen === undefined ? { host: DEFAULT_HOST, port: DEFAULT_PORT } : splitAddress(listen);
  try {
    const admin = await createAdmin({
      broker,
      host,
      port,
      dataDirectory,
      control,
      hostNames,
      password: readPassword(console.passwordFile),
      users: console.users === undefined ? undefined : openConsoleUsers(console.users, options.onWarning),
      tls: console.tls === undefined ? undefined : createTlsFiles(console.tls),
      onWarning: options.onWarning,
      isProxy: forwardedFrom === undefined ? undefined : addressSet(forwardedFrom),
      version: readVersion(),
    });
    const { file, value } = admin.token;
    return {
      lines: [
        `  console    ${colors.cyan(admin.url)}`,
        `  API token  ${file === undefined ? shownToken(value, process.stdout.isTTY) : `in ${file}`}`,
      ],
      close: () => admin.close(),
    };
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    if (error.code === 'port-in-use' && listen === undefined) {
      return { lines: [`  console    none: ${error.message} (choose another with --console)`], close: async () => {} };
    }
    const hint =
      error.code === 'password-required'
        ? 'make a user with "hawser passwd --console-role admin FILE NAME" and name the file with --console-users'
        : 'choose another with --console 127.0.0.1:18084, or none with --no-console';
    throw new ExitError(EXIT.failed, error.message, { hint, cause: error });
  }
}

/** A person sees it; a pipe ends in a file or a journal that others read. */
export function shownToken(value: string, isTerminal: boolean): string {
  return isTerminal ? value : 'shown on a terminal only; with --data DIRECTORY it stands in a file';
}

/** `:8080` listens everywhere. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  return { host: host === '' ? '::' : host, port: Number(address.slice(at + 1)) };
}

function readPassword(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.HAWSER_CONSOLE_PASSWORD;
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new ExitError(
      EXIT.failed,
      `cannot read the password file ${file}: ${String((error as NodeJS.ErrnoException).code)}`,
    );
  }
  if (text === '') throw new ExitError(EXIT.failed, `the password file ${file} is empty`);
  return text;
}
