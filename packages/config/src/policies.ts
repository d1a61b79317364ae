import { readFileSync } from 'node:fs';
import {
  type AuthenticatorLink,
  anonymous,
  authorizers,
  certificate,
  chain,
  filtering,
  type HttpService,
  httpAuthenticator,
  httpAuthorizer,
  type JwtKeySource,
  jwt,
  parsePasswordFile,
  passwordLinks,
  type Rule,
  rules,
  type ServiceLink,
  scram,
  tokenPermissions,
  type Users,
  WatchedFile,
} from '@hawser/auth';
import type { Authenticator, Authorizer, WarningCode } from '@hawser/broker';
import type { AuthenticationConfig, HttpServiceConfig, JwtConfig } from './schema/authentication-schema.ts';
import type { AuthorizationConfig } from './schema/authorization-schema.ts';
import type { OwnConfiguration } from './schema/configuration-schema.ts';
import { readSecret } from './secrets.ts';

/** Told of what does not work while the broker runs, and of what nobody checks. */
export type PolicyWarning = (code: WarningCode, text: string) => void;

/** What a configuration makes of identity and permission. */
export interface Policies {
  /** By the order of the listeners; undefined: anybody may come, and credentials are not looked at. */
  readonly authenticate: readonly (Authenticator | undefined)[];
  /** For connections that come by no listener of the configuration. */
  readonly shared: Authenticator | undefined;
  /** By the order of the listeners, and `shared` for connections that come by none of them; undefined: everybody may do everything. */
  readonly authorize: { readonly listeners: readonly Authorizer[]; readonly shared: Authorizer } | undefined;
}

/** What the parts of a policy are made with. */
interface PolicyParts {
  readonly onWarning: PolicyWarning;
  /** Of the salts that users who do not exist are shown (SCRAM): the same after a restart. */
  readonly decoySecret: Uint8Array | undefined;
}

/** Builds the policies; opens password files and key sets. Throws Error, with words, for what cannot be used. */
export function createPolicies(
  configuration: OwnConfiguration,
  onWarning: PolicyWarning = () => {},
  decoySecret?: Uint8Array,
): Policies {
  const { authentication, listeners } = configuration;
  const parts = { onWarning, decoySecret };
  const shared = createAuthenticator(authentication, parts);
  const authenticate = listeners.map((listener) =>
    listener.authentication === undefined ? shared : createAuthenticator(listener.authentication, parts),
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

/** All but what is the server's own. */
const ALLOW: Authorizer = authorizers([], 'allow');

/** Somebody has a name: from then on what is not permitted is denied. */
export function hasUsers({ authentication, listeners }: OwnConfiguration): boolean {
  return (
    authentication.chain.length > 0 || listeners.some((listener) => (listener.authentication?.chain.length ?? 0) > 0)
  );
}

function createAuthenticator(
  config: AuthenticationConfig,
  { onWarning, decoySecret }: PolicyParts,
): Authenticator | undefined {
  const open = config.chain.length === 0;
  const allowed = config.anonymous ?? (open ? 'loopback' : false);
  if (open && allowed === true) return undefined;
  const links = createChain(config.chain, { onWarning, decoySecret });
  if (allowed !== false) {
    const from = allowed === true ? 'anywhere' : 'loopback';
    links.push(anonymous({ from, ignoreCredentials: open, onIgnored: ignoredWarning(onWarning) }));
  }
  return chain(...links);
}

/**
 * The links in their order. Users whom a password file does not know are the next link's; where nobody knows them, the last link makes them cost
 * what a wrong password costs. Tokens are looked at before password files behind which they stand: what is said of a token does not depend on
 * whether a file knows the user name that came with it.
 */
function createChain(config: AuthenticationConfig['chain'], parts: PolicyParts): AuthenticatorLink[] {
  const { onWarning, decoySecret } = parts;
  const files = config.map(({ passwords }) =>
    passwords === undefined ? undefined : openUsers(passwords.file, onWarning),
  );
  const withScram = files.filter((users, i) => users !== undefined && config[i]?.passwords?.scram === true);
  const links: AuthenticatorLink[] = [];
  const tokens: AuthenticatorLink[] = [];
  if (withScram.length > 0) {
    links.push(scram({ users: allUsers(withScram.filter((users) => users !== undefined)), secret: decoySecret }));
  }
  let end: AuthenticatorLink | undefined;
  let firstFile = Number.POSITIVE_INFINITY;
  for (const [i, { jwt, http, certificate: certificates }] of config.entries()) {
    const users = files[i];
    if (users !== undefined) {
      const { known, all } = passwordLinks({ users });
      firstFile = Math.min(firstFile, links.length);
      links.push(known);
      end = all;
    }
    if (jwt !== undefined) (firstFile < links.length ? tokens : links).push(createJwt(jwt, onWarning));
    if (http !== undefined) links.push(httpAuthenticator(serviceOf(http)));
    if (certificates !== undefined) links.push(certificate(certificates));
  }
  links.splice(Math.min(firstFile, links.length), 0, ...tokens);
  return end === undefined ? links : [...links, end];
}

function openUsers(path: string, onWarning: PolicyWarning): () => Users {
  const onFault = (text: string): void => onWarning('password-file', text);
  const file = new WatchedFile(path, { parse: parsePasswordFile, onFault });
  return () => file.value;
}

/** Users of several files; the first file that knows one has it. Made anew when a file has changed. */
function allUsers(sources: readonly (() => Users)[]): () => Users {
  const [only, ...others] = sources;
  if (only !== undefined && others.length === 0) return only;
  let parts: readonly Users[] = [];
  let all: Users = new Map();
  return () => {
    const now = sources.map((users) => users());
    if (now.some((users, i) => users !== parts[i])) {
      parts = now;
      all = new Map(now.toReversed().flatMap((users) => [...users]));
    }
    return all;
  };
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
  const links: ServiceLink[] = [];
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
  const authorize = authorizers(links, otherwise);
  return authorization.wider === 'filter' ? filtering(authorize) : authorize;
}

/** Tokens and services can bring permissions along. */
function hasTokens({ authentication, listeners }: OwnConfiguration): boolean {
  const chains = [authentication.chain, ...listeners.map((listener) => listener.authentication?.chain ?? [])];
  return chains.flat().some((link) => link.jwt !== undefined || link.http !== undefined);
}

function serviceOf({ url, headers = {}, timeout, cache, atOnce, waiting }: HttpServiceConfig): HttpService {
  const read = Object.entries(headers).map(([name, secret]) => [name, readSecret(secret)] as const);
  const bounds = { timeoutMs: timeout * 1000, cacheMs: cache * 1000, atOnce, maximumWaiting: waiting };
  return { url, headers: Object.fromEntries(read), ...bounds };
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
