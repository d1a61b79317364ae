import { type ClientInfo, causeText, fingerprint, type LossCause, type Observer } from '@hawser/broker';
import { escapeInJson } from '@hawser/parameters/safe-text';
import { type DestinationStream, type Logger, pino } from 'pino';
import { LogBudget } from './log-budget.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** Losses of a client for one cause are told at most once in this time. */
const TELL_LOSS_EVERY_MS = 60_000;
const MOST_REMEMBERED = 1000;
/** Nobody needs to be woken for these. */
const EXPECTED_LOSSES: ReadonlySet<LossCause> = new Set(['offline-qos0', 'expired', 'session-ended', 'not-authorized']);
const ORDERLY = new Set(['normal-disconnection', 'disconnect-with-will-message', 'server-shutting-down']);

/** A logger that writes lines of JSON to a stream (standard error, at once, when there is none). */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const to = destination ?? pino.destination({ dest: 2, sync: true });
  // JSON leaves control characters from U+0080 on and marks of direction as they are; a terminal would act on them.
  const write = (line: string): void => {
    to.write(escapeInJson(line));
  };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}

/**
 * Writes what a broker tells to a log: warnings at `warn`, messages that are lost too (once a minute for each client and
 * cause), connections that end badly or are refused at `info`, the rest at `debug`. At `warn` a healthy broker is silent, and
 * above `debug` no cause writes more than so many lines in ten seconds: the others are counted.
 */
export function logObserver(logger: Logger, now: () => number = Date.now): Observer {
  const toldAt = new Map<string, number>();
  /** Causes that are told at `warn`; none but those of the broker's own code. */
  const warned = new Set<string>();
  const hears = (level: 'debug' | 'info' | 'warn'): boolean => logger.isLevelEnabled(level);
  const budget = new LogBudget(now, (cause, count, seconds) => {
    logger[warned.has(cause) ? 'warn' : 'info'](
      { cause, count },
      `${count} more in ${seconds} s, not written one by one`,
    );
  });
  const mayWrite = (level: 'debug' | 'info' | 'warn', cause: string): boolean =>
    hears(level) && (hears('debug') || budget.take(cause));
  const observer: Observer = {
    onConnected({ client, sessionPresent, cleanStart }) {
      if (hears('debug')) logger.debug({ ...who(client), sessionPresent, cleanStart }, 'connected');
    },
    onClosed({ client, cause, connectedForMs, takenOverBy }) {
      const level = ORDERLY.has(cause.code) ? 'debug' : 'info';
      if (!mayWrite(level, cause.code)) return;
      logger[level](
        {
          ...who(client),
          cause: cause.code,
          reasonCode: cause.reasonCode,
          connectedForMs: Math.round(connectedForMs),
          takenOverBy,
        },
        causeText(cause, 'en'),
      );
    },
    onRefused({ client, remoteAddress, remotePort, listener, cause }) {
      if (!mayWrite('info', cause.code)) return;
      const from = client === undefined ? { address: remoteAddress, port: remotePort, listener } : who(client);
      logger.info({ ...from, cause: cause.code, reasonCode: cause.reasonCode }, causeText(cause, 'en'));
    },
    onSubscribeRefused({ client, topicFilter, code, reasonCode, detail }) {
      if (!mayWrite('info', code)) return;
      const figures = { ...who(client), cause: code, topicFilter, reasonCode };
      logger.info(figures, causeText({ code, detail }, 'en'));
    },
    onSessionEnded({ clientId, cause, queued }) {
      const level = cause === 'expired' && queued > 0 ? 'info' : 'debug';
      const code = `session-${cause}`;
      if (mayWrite(level, code)) logger[level]({ clientId, cause: code, queued }, 'session ended');
    },
    onWarning(code, text) {
      warned.add(code);
      if (mayWrite('warn', code)) logger.warn({ cause: code }, text);
    },
    onTlsReloaded(listener, text) {
      logger.info({ cause: 'tls-reloaded', listener }, `new TLS files are in use: ${text}`);
    },
  };
  if (!hears('warn')) return observer;
  return {
    ...observer,
    onLost({ clientId, cause, topic, at }) {
      const expected = EXPECTED_LOSSES.has(cause);
      if (expected && !hears('debug')) return;
      const key = `${cause} ${clientId}`;
      const told = toldAt.get(key);
      if (told !== undefined && at - told < TELL_LOSS_EVERY_MS) return;
      if (toldAt.size >= MOST_REMEMBERED) toldAt.clear();
      toldAt.set(key, at);
      const level = expected ? 'debug' : 'warn';
      if (!expected) warned.add(`lost-${cause}`);
      if (mayWrite(level, `lost-${cause}`)) logger[level]({ clientId, cause, topic }, 'messages are being lost');
    },
  };
}

function who({ clientId, username, claimedUsername, remoteAddress, remotePort, listener, tls }: ClientInfo) {
  return {
    clientId,
    ...(username === undefined ? {} : { username }),
    ...(claimedUsername === undefined ? {} : { claimedUsername: fingerprint(claimedUsername) }),
    address: remoteAddress,
    port: remotePort,
    listener,
    ...(tls === undefined ? {} : { tls: tls.protocol }),
    // Anybody can write any name into a certificate that nobody has verified.
    ...(tls?.peerSubject === undefined ? {} : { certificate: tls.peerSubject, isVerified: tls.authorized }),
  };
}
