import type { AuthorizationRequest, Authorizer } from '@hawser/broker';
import { connectTestClient, FakeClock, startTestBroker } from '@hawser/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorizers, filtering } from './chain.ts';
import { type Rule, rules } from './rules/rules.ts';

type Client = Awaited<ReturnType<typeof connectTestClient>>;

// `wider: filter`: a subscription that is wider than what the rules permit is granted, and each delivery is held against them.

const TOPICS = ['a', 'a/b', 'a/b/c', 'b', 'b/c', 'c/a'];
const FILTERS = ['#', '+', 'a/#', '+/b', 'a/b/c', '$share/g/#', '$share/g/+/c', '$share/h/a/#'];

const never = new AbortController().signal;
const decide = (list: readonly Rule[]): Authorizer => authorizers([rules(list)], 'deny');

/** What the rules say of one topic, asked as for a subscription to just that topic. */
function mayReceive(list: readonly Rule[], client: AuthorizationRequest['client'], topic: string): boolean {
  return decide(list)({ client, action: 'subscribe', topic, qos: 0, retain: false }, never) === 'allow';
}

const rule = fc.record({
  verb: fc.constantFrom('allow', 'deny'),
  topics: fc.constantFrom(...TOPICS, '#', 'a/#', '+/c', '%c/#'),
});
const ruleList = fc
  .array(rule, { maxLength: 4 })
  .map((list) =>
    list.map(
      ({ verb, topics }): Rule => (verb === 'allow' ? { allow: 'subscribe', topics } : { deny: 'subscribe', topics }),
    ),
  );

const publishing: Rule = { allow: 'publish', topics: '#' };

interface Seen {
  readonly clientId: string;
  readonly topic: string;
  readonly retain: boolean;
}

describe('subscriptions that are wider than what is permitted', () => {
  it('get what the rules permit and nothing else: live, retained, shared, and after the rules have changed', async () => {
    const seen: Seen[] = [];
    await fc.assert(
      fc.asyncProperty(
        ruleList,
        ruleList,
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...FILTERS)), { minLength: 1, maxLength: 5 }),
        fc.constantFrom<4 | 5>(4, 5),
        async (before, after, wanted, protocolVersion) => {
          seen.length = 0;
          const clock = new FakeClock();
          let list: readonly Rule[] = [publishing, ...before];
          const infos = new Map<string, AuthorizationRequest['client']>();
          const authorize: Authorizer = (request, signal) => {
            infos.set(request.client.clientId, request.client);
            return filtering(decide(list))(request, signal);
          };
          await using test = await startTestBroker({ clock, authorize });
          const clients = new Map<string, Client>();
          for (const clientId of ['a', 'b']) {
            const client = await connectTestClient(test, { clientId, protocolVersion });
            client.on('message', ({ topic, retain }) => seen.push({ clientId, topic, retain }));
            clients.set(clientId, client);
          }
          for (const topic of TOPICS) test.broker.publish(topic, 'kept', { retain: true });
          for (const [clientId, filter] of wanted)
            await clock.waitFor(Promise.resolve(clients.get(clientId)?.subscribe(filter, { qos: 1 })));
          await clock.advance(1000);
          const check = (): void => {
            for (const { clientId, topic } of seen) {
              const info = infos.get(clientId);
              expect(info !== undefined && mayReceive(list, info, topic), `${clientId} got ${topic}`).toBe(true);
            }
          };
          check();
          // All of a plain subscription that is permitted has come.
          const plain = (clientId: string): string[] =>
            wanted
              .filter(([id, filter]) => id === clientId && !filter.startsWith('$share/'))
              .map(([, filter]) => filter);
          const isDue = (clientId: string, topic: string): boolean => {
            const info = infos.get(clientId);
            return plain(clientId).includes('#') && info !== undefined && mayReceive(list, info, topic);
          };
          for (const clientId of ['a', 'b'])
            for (const topic of TOPICS)
              if (isDue(clientId, topic))
                expect(seen).toContainEqual(expect.objectContaining({ clientId, topic, retain: true }));
          seen.length = 0;
          list = [publishing, ...after];
          test.broker.forgetPermissions();
          for (const topic of TOPICS) test.broker.publish(topic, 'live', { qos: 1 });
          await clock.advance(1000);
          check();
          for (const clientId of ['a', 'b'])
            for (const topic of TOPICS)
              if (isDue(clientId, topic))
                expect(seen).toContainEqual(expect.objectContaining({ clientId, topic, retain: false }));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says so in the SUBACK of 5.0, and asks at once: a promise delivers nothing', async () => {
    const clock = new FakeClock();
    const warnings: string[] = [];
    await using test = await startTestBroker({
      clock,
      authorize: ({ action }) =>
        action === 'subscribe' ? 'filter' : action === 'publish' ? 'allow' : Promise.resolve('allow'),
      observe: { onWarning: (code, text) => warnings.push(`${code}: ${text}`) },
    });
    await using client = await connectTestClient(test, { clientId: 'c' });
    const received: string[] = [];
    client.on('message', ({ topic }) => received.push(topic));
    const granted = await clock.waitFor(client.subscribe('#', { qos: 1 }));
    expect(granted).toMatchObject([{ topicFilter: '#', qos: 1 }]);
    expect(warnings).toEqual([]);
    test.broker.publish('a', 'x');
    await clock.advance(1000);
    expect(received).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^authorizer-failed: .* c may receive a: .* no promise$/)]);
  });
});
