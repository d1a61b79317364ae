export { Broker, createBroker } from './broker.ts';
export type * from './broker-options.ts';
export { causeText } from './causes/cause-text.ts';
export { CAUSES } from './causes/close-codes.ts';
export { COMPLAINTS } from './causes/complaints.ts';
export { LOSSES, type LossCause } from './causes/losses.ts';
export { storeProblem } from './causes/message-sentences.ts';
export type { Detail } from './causes/sentences.ts';
export { SESSION_ENDS } from './causes/session-ends.ts';
export type { WarningCode } from './causes/warnings.ts';
export type { CauseWords, Language } from './causes/words.ts';
export {
  type ExplainAnswer,
  type ExplainedEvent,
  type ExplainedLoss,
  type Explanation,
  explain,
  explainEvent,
  explainInSlices,
} from './inspect/explain.ts';
export * from './inspect/inspect.ts';
export { startSysTopics } from './inspect/sys-topics.ts';
export type * from './inspect/views.ts';
export { AddressRates } from './intake/address-rates.ts';
export type { Ban, BanList } from './intake/ban-list.ts';
export { parseBanTarget } from './intake/ban-target.ts';
export type { ClientIdPolicy, ListenerInfo } from './intake/listener-info.ts';
export type { Delivery } from './messages/delivery.ts';
export { Message } from './messages/message.ts';
export { TokenBucket } from './node/token-bucket.ts';
export * from './operate.ts';
export { type AddressSet, addressSet, isLoopback, subscriberOf } from './policy/addresses.ts';
export { fingerprint } from './policy/claimed-name.ts';
export * from './policy/policies.ts';
export { isForBridges, isOfServer } from './policy/server-topics.ts';
export { Counters } from './recorder/counters.ts';
export { FileRecorderLog, type FileRecorderLogOptions } from './recorder/file-recorder-log.ts';
export type * from './recorder/observer.ts';
export type * from './recorder/recorded-event.ts';
export { Recorder, type RecorderOptions } from './recorder/recorder.ts';
export type { RecorderLog } from './recorder/recorder-log.ts';
export { Ring } from './recorder/ring.ts';
export type { LocalMessage } from './routing/subscription.ts';
export { Session, type SessionHost } from './sessions/session.ts';
export {
  isSettingKey,
  parseSetting,
  SettingError,
  type SettingKey,
  type Settings,
  settingsWith,
} from './settings.ts';
export { SETTINGS, type Setting } from './settings-table.ts';
export * from './stores/index.ts';
