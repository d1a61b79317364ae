import { type Client, type ClientEvents, type ClientOptions, connect, type DisconnectedEvent } from '@hawser/client';
import { visible } from '@hawser/parameters/safe-text';
import type { ConnectFlags } from '../flags/connect-flags.ts';
import { printNote } from '../output.ts';
import { withAuthentication } from './authentication.ts';
import { explainClientError } from './explain-error.ts';
import { describeNegotiated } from './negotiated.ts';

export interface OpenOptions {
  readonly flags: ConnectFlags;
  /** Prints what was negotiated. */
  readonly verbose: boolean;
  /** Gives connecting up. */
  readonly signal: AbortSignal;
  /** Over what the flags say. */
  readonly more?: ClientOptions;
}

/** Connects as the flags say; notes for people go to standard error. Throws ExitError. */
export async function openClient({ flags, verbose, signal, more = {} }: OpenOptions): Promise<Client> {
  const { options, warnings } = flags.options(process.env);
  for (const { message } of warnings) note(`warning: ${message}`);
  // Those were said already, with the names of flags.
  const known = new Set<string>(warnings.map(({ code }) => code));
  const on: ClientOptions['on'] = {
    ...more.on,
    warning: ({ code, text }: ClientEvents['warning']) => {
      if (!known.has(code)) note(`warning: ${text} (${code})`);
    },
    connected: ({ negotiated, reconnected }: ClientEvents['connected']) => {
      if (reconnected) note(`connected again${negotiated.sessionPresent ? ', the session goes on' : ''}`);
      if (verbose) printNote(`${describeNegotiated(negotiated)}\n`);
    },
    disconnected: (event: DisconnectedEvent) => {
      if (event.willRetry)
        note(`connection lost (${event.code}): ${event.text}; trying again${inSeconds(event.delay)}`);
    },
  };
  try {
    return await connect({ ...withAuthentication(options), ...more, signal, on });
  } catch (error) {
    throw explainClientError(error);
  }
}

/** A line on standard error. */
export function note(text: string): void {
  printNote(`hawser: ${visible(text)}\n`);
}

function inSeconds(delay: number | undefined): string {
  return delay === undefined ? '' : ` in ${delay.toFixed(1)} s`;
}
