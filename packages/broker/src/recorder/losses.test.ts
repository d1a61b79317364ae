import { systemClock } from '@hawser/transport';
import { expect, it } from 'vitest';
import { settingsWith } from '../settings.ts';
import { Counters } from './counters.ts';
import { Losses } from './losses.ts';
import type { LostEvent } from './observer.ts';
import { Recorder } from './recorder.ts';

it('tells counters, recorder and observer the same', () => {
  const counters = new Counters();
  const recorder = new Recorder({ settings: settingsWith(), clock: systemClock });
  const told: LostEvent[] = [];
  const losses = new Losses(counters, recorder, { onLost: (event) => told.push(event) }, () => 7);
  losses.count('a', 'session-ended', 't', 1, 500);
  losses.count('a', 'session-ended', 'u', 1);
  losses.count('', 'offline-qos0', 'v', 0);
  losses.count('a', 'expired', 't', 1, 0);
  expect(counters.lost).toEqual({ 'session-ended': 501, 'offline-qos0': 1 });
  expect(recorder.get('a')?.losses).toMatchObject({ 'session-ended': { count: 501, topic: 'u' } });
  expect(told.map(({ clientId, cause, topic, count }) => [clientId, cause, topic, count])).toEqual([
    ['a', 'session-ended', 't', 500],
    ['a', 'session-ended', 'u', 1],
    ['', 'offline-qos0', 'v', 1],
  ]);
});
