import type { Configuration } from './load.ts';
import { hasUsers } from './policies.ts';
import type { AuthenticationConfig } from './schema/authentication-schema.ts';
import type { AuthorizationConfig } from './schema/authorization-schema.ts';

/** What a person means by rules and names, and does not get: for `hawser check`. */
export function permissionWarnings(configuration: Configuration): readonly string[] {
  const { authentication, authorization, listeners } = configuration;
  const isNamed = hasUsers(configuration);
  const warnings: string[] = [];
  if (restrictsNothing(authorization, isNamed)) warnings.push(onlyAllows('authorization'));
  for (const [i, listener] of listeners.entries()) {
    const own = listener.authorization;
    if (own !== undefined && restrictsNothing(own, isNamed)) warnings.push(onlyAllows(`listeners[${i}].authorization`));
    if (!takesUncheckedNames(listener.authentication ?? authentication)) continue;
    const believed = [
      ...(namesUsers(own ?? authorization) ? ['rules with users or %u'] : []),
      ...(listener.clientIds === 'same-principal' ? ['clientIds: same-principal'] : []),
    ];
    if (believed.length === 0) continue;
    warnings.push(
      `nobody checks the user names that clients of ${listener.url} give, so they count as no names: ${believed.join(' and ')} take all of them for the same anonymous client; give it an authentication.chain`,
    );
  }
  return warnings;
}

function onlyAllows(key: string): string {
  return `${key}.rules restrict nothing: all of them allow, and what no rule is about is allowed too, for clients have no names here; write ${key}.default: deny`;
}

function restrictsNothing({ default: otherwise, rules, http }: AuthorizationConfig, isNamed: boolean): boolean {
  const isOpen = (otherwise ?? (isNamed ? 'deny' : 'allow')) === 'allow';
  return isOpen && http === undefined && rules.length > 0 && rules.every(({ deny }) => deny === undefined);
}

/** Where there is no chain, credentials are not looked at. */
function takesUncheckedNames({ anonymous, chain }: AuthenticationConfig): boolean {
  return chain.length === 0 && anonymous !== false;
}

function namesUsers({ rules }: AuthorizationConfig): boolean {
  return rules.some(
    ({ users, topics }) => users !== undefined || [topics].flat().some((topic) => topic.includes('%u')),
  );
}
