import { CONSOLE_ROLES } from '@hawser/auth';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Guard } from '../access/guard.ts';
import type { Principal } from '../access/principal.ts';
import type { ApiContext } from '../access/sessions.ts';
import type { AuditLog } from '../audit-log.ts';
import { Paging, registry } from '../schemas.ts';
import { bodyOf, page, queryOf, type Route } from './route.ts';

const Login = z.object({
  name: z.string().max(1000).optional().describe('absent: the password or the token alone'),
  password: z.string().min(1).max(4096).describe('of the user; the token of the file api-token will do too'),
});

const role = z.enum(CONSOLE_ROLES);
const time = z.iso.datetime().describe('ISO 8601, UTC');

const Me = z
  .object({
    name: z.string(),
    kind: z.enum(['user', 'token', 'password', 'nobody']),
    role: role.nullable(),
    csrfToken: z.string().nullable().describe('goes into the header X-CSRF-Token of changes; null: none is needed'),
    expiresAt: time.nullable().describe('when the session ends if it is not used'),
  })
  .register(registry, { id: 'Me' });

const Audited = z
  .object({
    at: time,
    who: z.string().describe('a user, `token`, `password` or `nobody`'),
    role: role.nullable(),
    address: z.string(),
    action: z.string(),
    target: z.string().nullable(),
    outcome: z.enum(['done', 'failed', 'refused']),
    code: z.string().nullable(),
    repeated: z.number().int().describe('refusals of the same kind since the last entry about them'),
  })
  .register(registry, { id: 'AuditEntry' });

const AuditQuery = Paging.extend({
  who: z.string().optional(),
  action: z.string().optional().describe('part of it'),
  outcome: z.enum(['done', 'failed', 'refused']).optional(),
});

/** Who may use the API, who does, and what they have done. */
export function accessRoutes(guard: Guard, audit: AuditLog, context: ApiContext): Route[] {
  const me = ({ name, kind, role, session }: Principal): z.output<typeof Me> => {
    const endsInMs = session === undefined ? undefined : guard.sessions.endsAtMs(session) - context.now();
    return {
      name,
      kind,
      role: role ?? null,
      csrfToken: session?.csrfToken ?? null,
      expiresAt: endsInMs === undefined ? null : new Date(context.wallNow() + endsInMs).toISOString(),
    };
  };

  function* entries(query: z.output<typeof AuditQuery>) {
    for (const entry of audit.newestFirst()) {
      if (query.who !== undefined && query.who !== entry.who) continue;
      if (query.action !== undefined && !entry.action.includes(query.action)) continue;
      if (query.outcome !== undefined && query.outcome !== entry.outcome) continue;
      yield entry;
    }
  }

  return [
    {
      method: 'POST',
      path: '/login',
      summary: 'Opens a session: a cookie for browsers, which need the X-CSRF-Token of the answer for changes',
      query: undefined,
      body: Login,
      answer: Me,
      paged: false,
      changes: true,
      role: 'open',
      target: (request) => nameOfKnown(guard, request),
      async serve(request, reply) {
        const { name, password } = bodyOf(Login, request);
        return me(await guard.logIn(request, reply, { name, secret: password }));
      },
    },
    {
      method: 'POST',
      path: '/logout',
      summary: 'Ends the session of the cookie',
      query: undefined,
      answer: Me,
      paged: false,
      changes: true,
      role: 'viewer',
      serve(request, reply) {
        const { name, kind, role } = guard.principalOf(request);
        guard.logOut(request, reply);
        return me({ name, kind, role, session: undefined });
      },
    },
    {
      method: 'GET',
      path: '/me',
      summary: 'Who is asking, what it may do, and the X-CSRF-Token of its session',
      query: undefined,
      answer: Me,
      paged: false,
      changes: false,
      serve: (request) => me(guard.principalOf(request)),
    },
    {
      method: 'GET',
      path: '/audit',
      summary: 'Changes, logins and refusals, newest first',
      query: AuditQuery,
      answer: Audited,
      paged: true,
      changes: false,
      role: 'admin',
      serve(request) {
        const query = queryOf(AuditQuery, request);
        return page(entries(query), query, (entry) => entry);
      },
    },
  ];
}

/** Some write their password where the name belongs: only names that there are get into the log. */
function nameOfKnown(guard: Guard, request: FastifyRequest): string {
  const { name } = (request.body ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' && guard.users.has(name) ? name : '(no user)';
}
