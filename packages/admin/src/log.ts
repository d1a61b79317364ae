export { createLogger, LOG_LEVELS, type LogLevel, logObserver } from './log-observer.ts';
