export type { UserStore } from './access/identify.ts';
export type { ApiToken } from './access/token.ts';
export { ApiError } from './api-error.ts';
export { type Admin, AdminError, type AdminOptions, createAdmin } from './create-admin.ts';
export * from './log.ts';
export type { BrokerControl, Reloaded } from './routes/configuration.ts';
