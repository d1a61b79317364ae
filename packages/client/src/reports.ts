import { type Emitter, emitterOf } from './emitter.ts';
import type { ClientEvents } from './events.ts';
import type { Platform } from './platform.ts';

/** Warnings that are kept for the first listener. */
const EARLY_WARNINGS = 100;

/** The events of one client. A warning waits for its first listener; an error always reaches somebody. */
export interface Reports extends Emitter<ClientEvents> {
  warn(code: string, text: string): void;
  /** Without a listener of `error` the platform gets the error; without that, it is thrown in a turn of its own. */
  reportError(error: unknown): void;
}

/** `onChange`: somebody has begun to listen to an event, or nobody listens to it any more. */
export function reportsOf(
  platform: Platform,
  onChange: (event: keyof ClientEvents, isHeard: boolean) => void,
): Reports {
  const early: ClientEvents['warning'][] = [];
  let isReporting = false;

  const throwLater = (error: Error): void =>
    queueMicrotask(() => {
      throw error;
    });

  const reports: Reports = {
    ...emitterOf(
      (error) => reports.reportError(error),
      (event, isHeard) => {
        if (event === 'warning' && isHeard) for (const { code, text } of early.splice(0)) reports.warn(code, text);
        onChange(event, isHeard);
      },
    ),

    warn(code, text) {
      if (!reports.emit('warning', { code, text }) && early.length < EARLY_WARNINGS) early.push({ code, text });
    },

    reportError(reported) {
      const error = reported instanceof Error ? reported : new Error(String(reported), { cause: reported });
      // An error that a listener of `error` throws does not go to the same listener.
      if (isReporting || !reports.hears('error')) {
        (platform.onUnheard ?? throwLater)(error);
        return;
      }
      isReporting = true;
      reports.emit('error', error);
      isReporting = false;
    },
  };
  return reports;
}
