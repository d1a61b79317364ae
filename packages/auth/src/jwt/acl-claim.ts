import type { AuthorizationRequest, ClientAttributes } from '@hawser/broker';
import { isValidTopicFilter } from '@hawser/codec';
import type { AuthorizerLink } from '../chain.ts';
import { compileTemplate, type Template } from '../rules/template.ts';

/** What a token permits: Topic Filters, with `%c`, `%u` and `%cert`. */
export interface TokenAcl {
  readonly publish: readonly Template[];
  readonly subscribe: readonly Template[];
}

/**
 * Reads a claim `{ "publish": [filters], "subscribe": [filters], "all": [filters] }` (`pub` and `sub` for short). Throws
 * RangeError for anything else: a permission that is not understood is none.
 */
export function parseAclClaim(claim: unknown): TokenAcl {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim))
    throw new RangeError('the ACL claim is no object');
  const publish: Template[] = [];
  const subscribe: Template[] = [];
  for (const [key, value] of Object.entries(claim)) {
    const filters = readFilters(key, value);
    if (key === 'publish' || key === 'pub' || key === 'all') publish.push(...filters);
    if (key === 'subscribe' || key === 'sub' || key === 'all') subscribe.push(...filters);
  }
  return { publish, subscribe };
}

function readFilters(key: string, value: unknown): Template[] {
  if (!['publish', 'pub', 'subscribe', 'sub', 'all'].includes(key))
    throw new RangeError(`the ACL claim has a part ${key}`);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((filter) => {
    if (typeof filter !== 'string' || !isValidTopicFilter(filter))
      throw new RangeError('the ACL claim has a bad Topic Filter');
    return compileTemplate(filter);
  });
}

/**
 * Permissions out of the token a client has come with: what the token's ACL does not have is denied. Clients without
 * such a token are the next link's. A session whose client has not come back since a restart of the broker is asked about when it does, with the
 * token it brings then.
 */
export function tokenPermissions(): AuthorizerLink {
  return (request) => {
    const acl = aclOf(request.client.attributes);
    return acl === undefined ? undefined : permits(acl, request) ? 'allow' : 'deny';
  };
}

function permits(acl: TokenAcl, { action, topic, client }: AuthorizationRequest): boolean {
  return acl[action === 'publish' ? 'publish' : 'subscribe'].some((template) => template.covers(topic, client));
}

const ACLS = Symbol('acl');

/** Attributes that have an ACL with them. */
export function withAcl(attributes: ClientAttributes, acl: TokenAcl): ClientAttributes {
  return { ...attributes, [ACLS]: acl };
}

function aclOf(attributes: ClientAttributes | undefined): TokenAcl | undefined {
  return (attributes as { readonly [ACLS]?: TokenAcl } | undefined)?.[ACLS];
}
