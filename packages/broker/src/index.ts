export { Broker, type BrokerOptions, createBroker, type ListenerOptions, type PublishOptions } from './broker.ts';
export type { ClientIdPolicy, ListenerInfo } from './intake/intake.ts';
export * from './policy/policies.ts';
export { Counters } from './recorder/counters.ts';
export type * from './recorder/observer.ts';
export type { LocalMessage } from './routing/subscription.ts';
export { isSettingKey, parseSetting, SETTINGS, SettingError, type SettingKey, type Settings, settingsWith } from './settings.ts';
export * from './stores/index.ts';
