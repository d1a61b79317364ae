import {
  CAUSES,
  COMPLAINTS,
  explain,
  inspectClientDetail,
  inspectOverview,
  LOSSES,
  SESSION_ENDS,
} from '@hawser/broker';
import { afterAll, describe, expect, test } from 'vitest';
import { TestAuthority } from './test-certificates.ts';
import { CONNECT_REFUSALS } from './testing/causes/connect-refusals.ts';
import { CLIENT_COMPLAINTS, ENDS, SESSION_ENDINGS } from './testing/causes/ends.ts';
import { LISTENER_REFUSALS, type ListenerScenario, Quay } from './testing/causes/listeners.ts';
import { LOSSES_REACHED, LOST } from './testing/causes/losses.ts';
import { ADDRESS, CLIENT, type Scenario, type Scenarios, Stage } from './testing/causes/stage.ts';
import { SUBSCRIBE_REFUSALS, VIOLATIONS } from './testing/causes/violations.ts';

const authority = new TestAuthority();
afterAll(() => authority[Symbol.dispose]());

async function play(scenario: Scenario): Promise<Stage> {
  const stage = new Stage(scenario);
  await stage.open();
  await scenario.run(stage);
  await stage.settle();
  return stage;
}

describe.each<[string, Scenarios]>([
  ['refused before the CONNACK', CONNECT_REFUSALS],
  ['a violation of the protocol', VIOLATIONS],
  ['a subscription that is refused', SUBSCRIBE_REFUSALS],
  ['the end of a connection', ENDS],
  ["the client's own DISCONNECT", CLIENT_COMPLAINTS],
  ['the end of a session', SESSION_ENDINGS],
])('%s', (_what, scenarios) => {
  test.each(Object.keys(scenarios))('%s is recorded, and explained in words', async (code) => {
    const scenario = scenarios[code] as Scenario;
    const { broker } = await play(scenario);
    const who = scenario.at === 'address' ? ADDRESS : CLIENT;
    const { recorder } = broker;
    const events = scenario.at === 'address' ? [...recorder.refusals()] : [...(recorder.get(who)?.events ?? [])];
    const event = events.find((candidate) => candidate.code === code);
    expect(event, events.map((candidate) => candidate.code).join()).toBeDefined();
    // What is recorded is data: a broker of today writes no sentence down.
    expect(event?.text).toBeUndefined();
    const [english, chinese] = (['en', 'zh'] as const).map((language) => explain(broker, who, language));
    const textOf = (answer: typeof english) => answer?.explanation.events.find((event) => event.code === code)?.text;
    expect(english?.known).toBe(true);
    expect(textOf(english)).toMatch(/[a-z]{3}/);
    expect(textOf(chinese)).toMatch(/\p{Script=Han}/u);
    // Only what a packet's bytes are wrong in, and what policies say, is not translated.
    if (!(code in VIOLATIONS) && !(code in DETAILED))
      expect(textOf(chinese)).not.toMatch(/（[^）]*\b[a-z]{2,} [a-z]{2,}/);
  });
});

/** Causes whose text is of the codec, or of the policy of a scenario. */
const DETAILED: Readonly<Record<string, true>> = Object.fromEntries(
  [
    'not-mqtt',
    'unsupported-protocol-version',
    'invalid-connect-flags',
    'authentication-data-without-method',
    'authentication-method-missing',
    'not-connected',
    'second-connect',
    'unspecified-error',
    'malformed-packet',
    'implementation-specific-error',
    'retain-not-supported',
    'qos-not-supported',
    'use-another-server',
    'server-moved',
  ].map((code) => [code, true]),
);

describe('refused by a listener', () => {
  test.each(Object.keys(LISTENER_REFUSALS))('%s is recorded, and explained in words', async (code) => {
    const scenario = LISTENER_REFUSALS[code] as ListenerScenario;
    const quay = new Quay(authority);
    let onRefused = (): void => {};
    const refused = new Promise<void>((resolve) => {
      onRefused = resolve;
    });
    const broker = await quay.open(scenario, { onRefused });
    scenario.run(quay);
    await refused;
    const [event] = broker.recorder.refusals();
    await quay.close();
    expect(event).toMatchObject({ code, kind: 'refused' });
    const { explanation } = explain(broker, event?.remoteAddress ?? '', 'zh');
    expect(explanation.verdict).toMatch(/\p{Script=Han}/u);
    expect(explain(broker, event?.remoteAddress ?? '').explanation.advice.join()).not.toMatch(/undefined/);
  });
});

describe('a loss', () => {
  test.each(Object.entries(LOSSES_REACHED))('%s is counted, everywhere the same', async (cause, scenario) => {
    const { broker } = await play(scenario);
    expect(broker.recorder.get(CLIENT)?.losses).toMatchObject({ [cause]: { count: LOST } });
    expect(broker.counters.lost).toMatchObject({ [cause]: LOST });
    expect(inspectOverview(broker).lostByCause).toMatchObject({ [cause]: LOST });
    const detail = inspectClientDetail(broker, CLIENT);
    expect(detail?.losses).toContainEqual(expect.objectContaining({ cause, count: LOST }));
    for (const language of ['en', 'zh'] as const) {
      const { losses, verdict } = explain(broker, CLIENT, language).explanation;
      expect(losses).toContainEqual(expect.objectContaining({ cause, count: LOST }));
      expect(verdict).toContain(losses.find((loss) => loss.cause === cause)?.text);
    }
  });
});

describe('the table of causes', () => {
  const keys = (...tables: readonly object[]) => [...new Set(tables.flatMap((table) => Object.keys(table)))].sort();

  test('has no words that nothing reaches', () => {
    expect(keys(LISTENER_REFUSALS, CONNECT_REFUSALS, VIOLATIONS, SUBSCRIBE_REFUSALS, ENDS)).toEqual(keys(CAUSES));
    expect(keys(CLIENT_COMPLAINTS)).toEqual(keys(COMPLAINTS));
    expect(keys(SESSION_ENDINGS)).toEqual(keys(SESSION_ENDS));
    expect(keys(LOSSES_REACHED)).toEqual(keys(LOSSES));
  });
});
