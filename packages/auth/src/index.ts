export { type AddressSet, addressSet, isLoopback } from './addresses.ts';
export { type AnonymousOptions, anonymous } from './anonymous.ts';
export { type CertificateOptions, certificate } from './certificate.ts';
export {
  type AuthenticatorLink,
  type AuthorizerLink,
  authorizers,
  chain,
  filtering,
  hasCredentials,
  type ServiceLink,
  type TimedPass,
} from './chain.ts';
export { httpAuthenticator, httpAuthorizer } from './http/http-policies.ts';
export type { HttpService } from './http/post-json.ts';
export { parseAclClaim, type TokenAcl, tokenPermissions } from './jwt/acl-claim.ts';
export { type JwtOptions, jwt } from './jwt/jwt-authenticator.ts';
export type { JwtKeySource } from './jwt/jwt-keys.ts';
export {
  CONSOLE_ROLES,
  type ConsoleRole,
  type ConsoleUser,
  type ConsoleUsers,
  parseConsoleUsers,
} from './passwords/console-users.ts';
export { type ConsoleUserChange, ConsoleUsersFile } from './passwords/console-users-file.ts';
export { ARGON2_COST, type Argon2Cost, hashPassword, type PasswordHash, parseHash } from './passwords/hash.ts';
export { changePassword, type PasswdRequest } from './passwords/passwd.ts';
export {
  type PasswordLinks,
  type PasswordOptions,
  passwordLinks,
  passwords,
} from './passwords/password-authenticator.ts';
export { PasswordChecker, type PasswordCheckerOptions } from './passwords/password-checker.ts';
export { editPasswordFile, PasswordFileError, parsePasswordFile, type Users } from './passwords/password-file.ts';
export { SCRAM_SHA_256, type ScramOptions, scram } from './passwords/scram-authenticator.ts';
export { hashScram, SCRAM_ITERATIONS } from './passwords/scram-credentials.ts';
export { type Rule, type RuleAction, rules } from './rules/rules.ts';
export { compileTemplate, type Template } from './rules/template.ts';
export { WatchedFile, type WatchedFileOptions } from './watched-file.ts';
