import { FakeClock } from '@hawser/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Settings, settingsWith } from '../settings.ts';
import { ALLOWED, DENIED, type Permission, POLICY_FAILED, UNKNOWN } from './answers.ts';
import { Asker } from './asker.ts';
import {
  ALLOW_CONNECT,
  type AuthenticationRequest,
  type Authenticator,
  type Authorizer,
  type ClientInfo,
  type Interceptor,
} from './policies.ts';
import { PolicyDesk, type PolicyHooks } from './policy-desk.ts';

const CLIENT: ClientInfo = {
  clientId: 'dev-7',
  username: undefined,
  protocolVersion: 5,
  remoteAddress: '127.0.0.1',
  remotePort: 1,
  listener: 'mqtt:',
  tls: undefined,
  userProperties: [],
};
const LOGIN: AuthenticationRequest = {
  client: CLIENT,
  password: undefined,
  authenticationMethod: undefined,
  authenticationData: undefined,
  again: false,
};
const PUBLISH = { client: CLIENT, action: 'publish', topic: 'a', qos: 0, retain: false } as const;
const MESSAGE = { client: CLIENT, topic: 'a', payload: new Uint8Array(), qos: 0, retain: false } as const;

function desk(hooks: PolicyHooks = {}, settings: Partial<Settings> = {}) {
  const clock = new FakeClock();
  const warnings: string[] = [];
  const made = new PolicyDesk(
    {
      settings: settingsWith(settings),
      driverNode: { clock },
      observer: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
    },
    hooks,
  );
  return { clock, warnings, policies: made };
}

/** A hook as a program without types may write it. */
const answering = <Hook>(answer: unknown): Hook => (() => answer) as Hook;

/** Anything but what is an answer. */
const NO_ANSWER = [
  false,
  true,
  0,
  1,
  null,
  undefined,
  'deny ',
  'ALLOW',
  'yes',
  {},
  [],
  { allow: false },
  { allow: true },
  { kind: 'Allow' },
  { kind: true },
  () => 'allow',
];

describe('an Authenticator', () => {
  it.each(NO_ANSWER)(
    'lets nobody in with %j, at once or later, and the warning shows the right form',
    async (answer) => {
      for (const given of [answer, Promise.resolve(answer)]) {
        const { policies, warnings } = desk();
        const decision = await policies.mayConnect(new Asker(), answering<Authenticator>(given), LOGIN);
        expect(decision).toBe(POLICY_FAILED);
        expect(warnings).toEqual([
          expect.stringContaining('authenticator-failed: nobody could say whether dev-7 may connect: it answered '),
        ]);
        expect(warnings[0]).toContain("{ kind: 'allow', username:");
        expect(warnings[0]).toContain("{ kind: 'deny', reasonCode: 0x86");
      }
    },
  );

  it.each([
    { kind: 'allow', username: 7 },
    { kind: 'allow', clientId: null },
    { kind: 'allow', expiresAt: '2030' },
    { kind: 'allow', expiresAt: Number.NaN },
    { kind: 'allow', attributes: null },
    { kind: 'allow', anonymous: 'no' },
    { kind: 'deny', reason: 'without a Reason Code' },
    { kind: 'deny', reasonCode: 0, reason: 'a success' },
    { kind: 'continue', authenticationData: undefined },
  ])('is not taken at its kind alone: %j', async (answer) => {
    const { policies, warnings } = desk();
    expect(await policies.mayConnect(new Asker(), answering<Authenticator>(answer), LOGIN)).toBe(POLICY_FAILED);
    expect(warnings).toHaveLength(1);
  });

  it('may go on with AUTH packets only where the CONNECT had a method', async () => {
    const goesOn = answering<Authenticator>({
      kind: 'continue',
      authenticationData: undefined,
      next: () => ALLOW_CONNECT,
    });
    const { policies } = desk();
    expect(await policies.mayConnect(new Asker(), goesOn, LOGIN)).toBe(POLICY_FAILED);
    const withMethod = { ...LOGIN, authenticationMethod: 'X' };
    const step = await policies.mayConnect(new Asker(), goesOn, withMethod);
    expect(step).toMatchObject({ kind: 'continue' });
    if (step.kind !== 'continue') return;
    expect(await policies.mayGoOn(new Asker(), step, undefined)).toBe(ALLOW_CONNECT);
    expect(await policies.mayGoOn(new Asker(), { ...step, next: answering(true) }, undefined)).toBe(POLICY_FAILED);
  });

  it('allows with nothing but an object of the kind allow (property)', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (answer) => {
        const isAllow = typeof answer === 'object' && answer !== null && 'kind' in answer && answer.kind === 'allow';
        fc.pre(!isAllow && !(typeof answer === 'object' && answer !== null && 'then' in answer));
        const { policies } = desk();
        expect(policies.mayConnect(new Asker(), answering<Authenticator>(answer), LOGIN)).not.toMatchObject({
          kind: 'allow',
        });
      }),
    );
  });
});

describe('an Authorizer and an interceptor', () => {
  it.each([...NO_ANSWER, { kind: 'allow' }, { decision: 'allow', expiresAt: 'soon' }])(
    'permit nothing with %j, and the warning shows the right form',
    async (answer) => {
      for (const given of [answer, Promise.resolve(answer)]) {
        const { policies, warnings } = desk({
          authorize: answering<Authorizer>(given),
          intercept: answering<Interceptor>(given),
        });
        expect(await policies.mayPublish(new Asker(), PUBLISH)).toBe(UNKNOWN);
        expect(await policies.maySubscribe(undefined, { ...PUBLISH, action: 'subscribe' })).toBe(UNKNOWN);
        expect(await policies.mayPublishWill(undefined, CLIENT, PUBLISH)).toBe(UNKNOWN);
        expect(await policies.mayPass(new Asker(), MESSAGE)).toBe(UNKNOWN);
        expect(warnings).toHaveLength(4);
        for (const warning of warnings) expect(warning).toMatch(/it answered .*; an answer is 'allow'/);
      }
    },
  );

  it('give their answers as they are, with a time where they have one', async () => {
    const said: unknown[] = ['allow', 'deny', { decision: 'allow', expiresAt: 5 }];
    const { policies } = desk({ authorize: (() => said.shift()) as Authorizer, intercept: () => 'deny' });
    expect(policies.mayPublish(new Asker(), PUBLISH)).toBe(ALLOWED);
    expect(policies.mayPublish(new Asker(), PUBLISH)).toBe(DENIED);
    expect(policies.mayPublish(new Asker(), PUBLISH)).toEqual({ decision: 'allow', expiresAt: 5 });
    expect(policies.mayPass(new Asker(), MESSAGE)).toBe(DENIED);
  });
});

describe('a policy that fails', () => {
  it('has allowed nothing when it throws or rejects, and the warning says why', async () => {
    const { policies, warnings } = desk({
      authorize: () => {
        throw new Error('no rules');
      },
    });
    expect(policies.mayPublish(new Asker(), PUBLISH)).toBe(UNKNOWN);
    const rejecting = () => Promise.reject(new Error('no service'));
    expect(await policies.mayConnect(new Asker(), rejecting, LOGIN)).toBe(POLICY_FAILED);
    expect(warnings).toEqual([
      'authorizer-failed: nobody could say whether dev-7 may publish a: it threw: no rules',
      'authenticator-failed: nobody could say whether dev-7 may connect: it failed: no service',
    ]);
  });

  it('is aborted after policy.timeout, and what it says afterwards is not heard', async () => {
    let given: AbortSignal | undefined;
    let answer: (value: 'allow') => void = () => {};
    const { clock, policies, warnings } = desk(
      {
        authorize: (_request, signal) => {
          given = signal;
          return new Promise<'allow'>((resolve) => {
            answer = resolve;
          });
        },
      },
      { 'policy.timeout': 3 },
    );
    const permission = policies.mayPublish(new Asker(), PUBLISH) as Promise<Permission>;
    await clock.advance(2999);
    expect(given?.aborted).toBe(false);
    await clock.advance(1);
    expect(await permission).toBe(UNKNOWN);
    expect(given?.aborted).toBe(true);
    answer('allow');
    await clock.advance(10_000);
    expect(warnings).toEqual([expect.stringContaining('it gave no answer within 3 s')]);
  });

  it('is a hook that is no function: refused before anybody can connect', () => {
    expect(() => desk({ authenticate: false as unknown as Authenticator })).toThrow(
      /authenticate is false; it has to be a function/,
    );
    expect(() => desk({ authorize: null as unknown as Authorizer })).toThrow(/authorize is null/);
    const { policies } = desk();
    expect(() => policies.setAuthorizer('deny' as unknown as Authorizer)).toThrow(/authorize is 'deny'/);
  });
});

describe('an Asker', () => {
  it('aborts every question that is open when it ends, without a warning, and leaves no timer', async () => {
    const signals: AbortSignal[] = [];
    const { clock, policies, warnings } = desk({
      authorize: (_request, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const asker = new Asker();
    const asked = [policies.mayPublish(asker, PUBLISH), policies.mayPublish(asker, PUBLISH)];
    expect(asker.open).toBe(2);
    asker.end();
    expect(await Promise.all(asked)).toEqual([UNKNOWN, UNKNOWN]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(asker.open).toBe(0);
    await clock.advance(60_000);
    expect(warnings).toEqual([]);
    expect(await policies.mayPublish(asker, PUBLISH)).toBe(UNKNOWN);
  });

  it('gives each question that waits a signal of its own, and those that do not wait the same', async () => {
    const signals: AbortSignal[] = [];
    const waits = [false, false, true, true];
    const { policies } = desk({
      authorize: (_request, signal) => {
        signals.push(signal);
        return waits.shift() === true ? Promise.resolve('allow') : 'allow';
      },
    });
    const asker = new Asker();
    for (let i = 0; i < 4; i++) await policies.mayPublish(asker, PUBLISH);
    expect(new Set(signals).size).toBe(2);
    expect(signals[0]).toBe(signals[1]);
  });
});

describe("topics that begin with '$'", () => {
  it('are the server’s own where no Authorizer says otherwise, but for what bridges say of themselves', () => {
    const { policies } = desk();
    const publish = (topic: string) => policies.mayPublish(new Asker(), { ...PUBLISH, topic });
    for (const topic of ['$SYS/broker/uptime', '$SYS', '$', '$share/g/a', '$SYS/broker/connection/a/b/state'])
      expect(publish(topic), topic).toBe(DENIED);
    for (const topic of ['a', 'a/$SYS', '$SYS/broker/connection/bridge.7/state'])
      expect(publish(topic), topic).toBe(ALLOWED);
  });
});
