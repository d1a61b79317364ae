import type { AuthorizationRequest, Decision } from '@hawser/broker';
import { isValidTopicFilter } from '@hawser/codec';
import { type AddressSet, addressSet } from '../addresses.ts';
import type { AuthorizerLink } from '../chain.ts';
import { compileTemplate, type Template } from './template.ts';

/** What a rule is about. `retain`: a PUBLISH that is to be retained; `publish`: any PUBLISH. */
export type RuleAction = 'publish' | 'subscribe' | 'retain' | 'all';

/** A rule as it stands in the configuration; what is absent holds for everybody and everything. */
export interface Rule {
  /** Exactly one of `allow` and `deny`. */
  readonly allow?: RuleAction | readonly RuleAction[] | undefined;
  readonly deny?: RuleAction | readonly RuleAction[] | undefined;
  /** Topic Filters with `%c`, `%u`, `%cert`. */
  readonly topics: string | readonly string[];
  readonly users?: string | readonly string[] | undefined;
  /** True: it is about clients without a user name, and about no others. */
  readonly anonymous?: boolean | undefined;
  readonly clients?: string | readonly string[] | undefined;
  /** Addresses, networks, `loopback`. */
  readonly addresses?: string | readonly string[] | undefined;
  /** QoS levels it is about. */
  readonly qos?: 0 | 1 | 2 | readonly (0 | 1 | 2)[] | undefined;
}

interface CompiledRule {
  readonly decision: Decision;
  readonly actions: ReadonlySet<RuleAction>;
  readonly topics: readonly Template[];
  readonly users: ReadonlySet<string> | undefined;
  readonly anonymous: boolean;
  readonly clients: ReadonlySet<string> | undefined;
  readonly addresses: AddressSet | undefined;
  readonly qos: ReadonlySet<number> | undefined;
}

/**
 * The first rule that is about a request decides. A subscription is allowed by a rule that covers all its topics, and
 * denied by one that any of its topics falls under: `deny secret/#` is not got round with `#`. Throws RangeError.
 */
export function rules(list: readonly Rule[]): AuthorizerLink {
  const compiled = list.map(compileRule);
  return (request) => compiled.find((rule) => isAbout(rule, request))?.decision;
}

function isAbout(rule: CompiledRule, request: AuthorizationRequest): boolean {
  const { client, topic } = request;
  if (!concernsAction(rule.actions, request)) return false;
  if (rule.users !== undefined && !(client.username !== undefined && rule.users.has(client.username))) return false;
  if (rule.anonymous && client.username !== undefined) return false;
  if (rule.clients !== undefined && !rule.clients.has(client.clientId)) return false;
  if (rule.addresses !== undefined && !rule.addresses(client.remoteAddress)) return false;
  if (rule.qos !== undefined && !rule.qos.has(request.qos)) return false;
  return rule.decision === 'allow'
    ? rule.topics.some((template) => template.covers(topic, client))
    : rule.topics.some((template) => template.overlaps(topic, client));
}

function concernsAction(actions: ReadonlySet<RuleAction>, { action, retain }: AuthorizationRequest): boolean {
  if (actions.has('all') || actions.has(action === 'publish' ? 'publish' : 'subscribe')) return true;
  return action === 'publish' && retain && actions.has('retain');
}

function compileRule(rule: Rule): CompiledRule {
  const { allow, deny, topics, users, anonymous = false, clients, addresses, qos } = rule;
  const actions = allow ?? deny;
  if (actions === undefined || (allow !== undefined && deny !== undefined)) {
    throw new RangeError('a rule has exactly one of `allow` and `deny`');
  }
  if (anonymous && users !== undefined)
    throw new RangeError('a rule is about `users` or about `anonymous` clients, not about both');
  const filters = listOf(topics);
  if (filters.length === 0) throw new RangeError("a rule needs `topics`; '#' is all of them");
  for (const filter of filters) {
    if (!isValidTopicFilter(filter) || filter.startsWith('$share/'))
      throw new RangeError(`'${filter}' is no Topic Filter`);
  }
  return {
    decision: allow === undefined ? 'deny' : 'allow',
    actions: new Set(listOf(actions)),
    topics: filters.map(compileTemplate),
    users: users === undefined ? undefined : new Set(listOf(users)),
    anonymous,
    clients: clients === undefined ? undefined : new Set(listOf(clients)),
    addresses: addresses === undefined ? undefined : addressSet(listOf(addresses)),
    qos: qos === undefined ? undefined : new Set(listOf(qos)),
  };
}

function listOf<T extends string | number>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}
