import { readFileSync } from 'node:fs';
import {
  type AuthenticatorLink,
  type AuthorizerLink,
  anonymous,
  authorizers,
  certificate,
  chain,
  type HttpService,
  httpAuthenticator,
  httpAuthorizer,
  type JwtKeySource,
  jwt,
  parsePasswordFile,
  passwords,
  type Rule,
  rules,
  scram,
  tokenPermissions,
  WatchedFile,
} from '@hawser/auth';
import type { Authenticator, Authorizer } from '@hawser/broker';
import type {
  AuthenticationConfig,
  AuthenticationLinkConfig,
  HttpServiceConfig,
  JwtConfig,
} from './schema/authentication-schema.ts';
import type { AuthorizationConfig } from './schema/authorization-schema.ts';
import type { OwnConfiguration } from './schema/configuration-schema.ts';
import { readSecret } from './secrets.ts';

/** Told of what does not work while the broker runs, and of what nobody checks. */
export type PolicyWarning = (code: string, text: string) => void;

/** What a configuration makes of identity and permission. */
export interface Policies {
  /** By the order of the listeners; undefined: anybody may come, and credentials are not looked at. */
  readonly authenticate: readonly (Authenticator | undefined)[];
  /** For connections that come by no listener of the configuration. */
  readonly shared: Authenticator | undefined;
  /** By the order of the listeners, and `shared` for connections that come by none of them; undefined: everybody may do everything. */
  readonly authorize: { readonly listeners: readonly Authorizer[]; readonly shared: Authorizer } | undefined;
}

/** Builds the policies; opens password files and key sets. Throws Error, with words, for what cannot be used. */
export function createPolicies(configuration: OwnConfiguration, onWarning: PolicyWarning = () => {}): Policies {
  const { authentication, listeners } = configuration;
  const shared = createAuthenticator(authentication, onWarning);
  const authenticate = listeners.map((listener) =>
    listener.authentication === undefined ? shared : createAuthenticator(listener.authentication, onWarning),
  );
  return { authenticate, shared, authorize: createAuthorizers(configuration, onWarning) };
}

function createAuthorizers(configuration: OwnConfiguration, onWarning: PolicyWarning): Policies['authorize'] {
  const { authorization, listeners } = configuration;
  const shared = createAuthorizer(authorization, configuration, onWarning);
  const own = listeners.map((listener) =>
    listener.authorization === undefined ? shared : createAuthorizer(listener.authorization, configuration, onWarning),
  );
  if (shared === undefined && own.every((authorize) => authorize === undefined)) return undefined;
  return { listeners: own.map((authorize) => authorize ?? ALLOW), shared: shared ?? ALLOW };
}

const ALLOW: Authorizer = () => 'allow';

/** Somebody has a name: from then on what is not permitted is denied. */
export function hasUsers({ authentication, listeners }: OwnConfiguration): boolean {
  return (
    authentication.chain.length > 0 || listeners.some((listener) => (listener.authentication?.chain.length ?? 0) > 0)
  );
}

function createAuthenticator(config: AuthenticationConfig, onWarning: PolicyWarning): Authenticator | undefined {
  const open = config.chain.length === 0;
  const allowed = config.anonymous ?? (open ? 'loopback' : false);
  if (open && allowed === true) return undefined;
  const links = config.chain.flatMap((link) => createLinks(link, onWarning));
  if (allowed !== false) {
    const from = allowed === true ? 'anywhere' : 'loopback';
    links.push(anonymous({ from, ignoreCredentials: open, onIgnored: ignoredWarning(onWarning) }));
  }
  return chain(...links);
}

function createLinks(link: AuthenticationLinkConfig, onWarning: PolicyWarning): AuthenticatorLink[] {
  if (link.passwords !== undefined) {
    const { file: path, scram: withScram } = link.passwords;
    const onFault = (text: string): void => onWarning('password-file', text);
    const file = new WatchedFile(path, { parse: parsePasswordFile, onFault });
    const users = () => file.value;
    return [...(withScram ? [scram({ users })] : []), passwords({ users, passUnknownUsers: false })];
  }
  if (link.jwt !== undefined) return [createJwt(link.jwt, onWarning)];
  if (link.http !== undefined) return [httpAuthenticator(serviceOf(link.http))];
  return link.certificate === undefined ? [] : [certificate(link.certificate)];
}

function createJwt(config: JwtConfig, onWarning: PolicyWarning): AuthenticatorLink {
  const { algorithms, issuer, audience, clientIdClaim, claims, secret, publicKey, jwks, ...rest } = config;
  const onFault = (text: string): void => onWarning('token-keys', text);
  let keys: JwtKeySource;
  if (secret !== undefined) keys = { kind: 'secret', secret: readSecret(secret) };
  else if (publicKey !== undefined) keys = { kind: 'public-key', pem: readFileSync(publicKey, 'utf8') };
  else if (/^https?:/.test(jwks ?? '')) keys = { kind: 'jwks-url', url: jwks ?? '' };
  else keys = { kind: 'jwks-file', path: jwks ?? '', onFault };
  return jwt({
    ...rest,
    keys,
    onFault,
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    ...(clientIdClaim === undefined ? {} : { clientIdClaim }),
    ...(claims === undefined ? {} : { claims }),
  });
}

function createAuthorizer(
  authorization: AuthorizationConfig,
  configuration: OwnConfiguration,
  onWarning: PolicyWarning,
): Authorizer | undefined {
  const named = hasUsers(configuration);
  const otherwise = authorization.default ?? (named ? 'deny' : 'allow');
  const links: AuthorizerLink[] = [];
  if (hasTokens(configuration)) links.push(tokenPermissions());
  if (authorization.rules.length > 0) links.push(rules(authorization.rules as readonly Rule[]));
  if (authorization.http !== undefined) links.push(httpAuthorizer(serviceOf(authorization.http)));
  if (links.length === 0 && otherwise === 'allow') return undefined;
  if (links.length === 0) {
    onWarning(
      'nothing-permitted',
      'clients have names, and no rule permits them anything: write authorization.rules, or authorization.default: allow',
    );
  }
  return authorizers(links, otherwise);
}

/** Tokens and services can bring permissions along. */
function hasTokens({ authentication, listeners }: OwnConfiguration): boolean {
  const chains = [authentication.chain, ...listeners.map((listener) => listener.authentication?.chain ?? [])];
  return chains.flat().some((link) => link.jwt !== undefined || link.http !== undefined);
}

function serviceOf({ url, headers = {}, timeout, cache }: HttpServiceConfig): HttpService {
  const read = Object.entries(headers).map(([name, secret]) => [name, readSecret(secret)] as const);
  return { url, headers: Object.fromEntries(read), timeoutMs: timeout * 1000, cacheMs: cache * 1000 };
}

function ignoredWarning(onWarning: PolicyWarning): () => void {
  let warned = false;
  return () => {
    if (warned) return;
    warned = true;
    onWarning(
      'credentials-ignored',
      'a client sent a user name or password, but nothing here checks them: anybody is let in',
    );
  };
}
