import type { LogLevel } from '@hawser/admin/log';

/** Flags of `hawser broker` as they were given. */
export interface BrokerFlags {
  readonly listen?: readonly string[];
  readonly data?: string;
  /** `HOST:PORT`; false for `--no-console`. */
  readonly console?: string | boolean;
  readonly consoleUsers?: string;
  readonly consolePasswordFile?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly logLevel?: LogLevel;
}
