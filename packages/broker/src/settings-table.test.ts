import { expect, it } from 'vitest';
import { Broker } from './broker.ts';
import { type SettingKey, settingsWith } from './settings.ts';
import { SETTINGS, type Setting } from './settings-table.ts';

const reachOf = (key: SettingKey): Setting<unknown>['reach'] => (SETTINGS[key] as Setting<unknown>).reach;

it('says of a setting that a reload reaches it only where the running broker changes with it', () => {
  const broker = new Broker({ settings: {} });
  // What parts keep for themselves, and what has to become of it.
  const kept: Readonly<Partial<Record<SettingKey, () => number | undefined>>> = {
    'limits.inputBytesNode': () => broker.driverNode.input.limit,
    'limits.inputBytesStrangers': () => broker.driverNode.strangerInput.limit,
    'limits.outputBytesNode': () => broker.slab.limit,
    'limits.userProperties': () => broker.intake.decodeLimits.userProperties,
    'limits.filters': () => broker.intake.decodeLimits.topicFilters,
    'limits.unanswered': () => broker.intake.answerBounds.acks,
    'limits.unansweredBytes': () => broker.intake.answerBounds.unansweredBytes,
    'limits.answerBytes': () => broker.intake.answerBounds.bytes,
    'queues.memoryBytes': () => broker.registry.queueMemory.maximum,
  };
  for (const [key, read] of Object.entries(kept) as [SettingKey, () => number][]) {
    expect(reachOf(key), key).toBeUndefined();
    const value = Number(settingsWith()[key]) * 2;
    broker.configure({ [key]: value });
    expect(read(), key).toBe(value);
  }
});

it('names those that are read once', () => {
  const once = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => reachOf(key) === 'start');
  for (const key of ['queue.age', 'queue.messages', 'websocket.origins', 'limits.topics'] as const) {
    expect(once).toContain(key);
  }
});
