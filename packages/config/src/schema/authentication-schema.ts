import { z } from 'zod';
import { secretSchema } from './common.ts';

export const httpServiceSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'takes an http or https URL' }).describe('Asked with POST and JSON.'),
  headers: z.record(z.string(), secretSchema).optional().describe('Sent with each request.'),
  timeout: z.number().min(0.01).max(600).default(3).describe('How long an answer may take before it is no. (s)'),
  cache: z.number().min(0).max(86_400).default(10).describe('How long an answer is good. 0: asked each time. (s)'),
  atOnce: z.int().min(1).max(10_000).default(64).describe('Requests under way at once; nobody gets all of them.'),
  waiting: z.int().min(0).max(1_000_000).default(1000).describe('Requests that wait; over it there is no answer.'),
});

export type HttpServiceConfig = z.infer<typeof httpServiceSchema>;

const passwordsSchema = z.strictObject({
  file: z.string().min(1).describe('Lines of user:hash, made with `hawser passwd` or mosquitto_passwd.'),
  scram: z
    .boolean()
    .default(true)
    .describe('SCRAM-SHA-256 for users whose line was made with `hawser passwd --scram`.'),
});

const jwtSchema = z
  .strictObject({
    secret: secretSchema.optional().describe('Secret of HS256, HS384 and HS512; 32 bytes at least.'),
    publicKey: z.string().min(1).optional().describe('PEM file of the public key of RS…, PS…, ES… or EdDSA.'),
    jwks: z.string().min(1).optional().describe('File or https URL of a JSON Web Key Set.'),
    algorithms: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Algorithms that are taken; all of the key when absent.'),
    from: z.enum(['password', 'username']).default('password').describe('Where the client puts its token.'),
    issuer: z.string().optional().describe('What `iss` has to be; tokens of others are the next link’s.'),
    audience: z.string().optional().describe('What `aud` has to have.'),
    usernameClaim: z.string().min(1).default('sub').describe('The claim that is the user name.'),
    clientIdClaim: z
      .string()
      .min(1)
      .optional()
      .describe('The claim that is the only Client Identifier it is good for.'),
    aclClaim: z.string().min(1).default('acl').describe('The claim with permissions: {publish: […], subscribe: […]}.'),
    claims: z
      .record(z.string(), z.string())
      .optional()
      .describe('Claims and what they have to be; %c and %u are filled in.'),
    requireExpiry: z.boolean().default(true).describe('Tokens without `exp` are refused.'),
    clockTolerance: z.number().min(0).max(3600).default(0).describe('How far clocks may differ. (s)'),
  })
  .refine(({ secret, publicKey, jwks }) => [secret, publicKey, jwks].filter((key) => key !== undefined).length === 1, {
    error: 'needs exactly one of secret, publicKey and jwks',
  });

export type JwtConfig = z.infer<typeof jwtSchema>;

const certificateSchema = z.strictObject({
  name: z.enum(['cn', 'dn', 'san']).default('cn').describe('The part of the certificate that is the name.'),
  as: z.enum(['username', 'clientId']).default('username').describe('Whether it is the only Client Identifier too.'),
});

const linkSchema = z
  .strictObject({
    passwords: passwordsSchema.optional().describe('User names and passwords out of a file.'),
    jwt: jwtSchema.optional().describe('JSON Web Tokens.'),
    http: httpServiceSchema.optional().describe('A service that decides.'),
    certificate: certificateSchema.optional().describe('Certificates of clients that the listener has verified.'),
  })
  .refine((link) => Object.values(link).filter((value) => value !== undefined).length === 1, {
    error: 'needs exactly one of passwords, jwt, http and certificate',
  });

export const authenticationSchema = z.strictObject({
  anonymous: z
    .union([z.boolean(), z.literal('loopback')], { error: 'takes true, false or loopback' })
    .optional()
    .describe('Who may come without a name: loopback (the default), or nobody (the default when there is a chain).'),
  chain: z.array(linkSchema).default([]).describe('Asked one after another; the first that decides has decided.'),
});

export type AuthenticationConfig = z.infer<typeof authenticationSchema>;
