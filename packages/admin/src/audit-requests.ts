import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Guard } from './access/guard.ts';
import type { AuditLog } from './audit-log.ts';

/** How a request is described in the audit log. */
export interface AuditedRoute {
  readonly path: string;
  target?(request: FastifyRequest): string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What comes of it goes into the audit log. Refusals always do. */
    readonly audited?: AuditedRoute;
  }
}

/** Statuses of who was not let. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 429]);

/** Writes an entry for each change when it has been answered, and for what was refused. `codes`: of the answers that were errors. */
export function auditRequests(
  app: FastifyInstance,
  guard: Guard,
  audit: AuditLog,
  codes: WeakMap<FastifyRequest, string>,
): void {
  app.addHook('onResponse', async (request, reply) => {
    const { audited } = request.routeOptions.config;
    const code = codes.get(request) ?? null;
    const { name, role, kind } = guard.principalOf(request);
    const isRefused = REFUSED.has(reply.statusCode) || (kind === 'nobody' && reply.statusCode >= 400);
    // A console that asks before anybody has logged in is nothing to look into, and neither is a path that there is not.
    const isNothing = audited === undefined && (!isRefused || code === 'login-required' || reply.statusCode === 404);
    if (isNothing) return;
    audit.add({
      who: name,
      role: role ?? null,
      address: guard.addressOf(request),
      action: actionOf(request, audited),
      target: audited === undefined ? null : targetOf(request, audited),
      outcome: isRefused ? 'refused' : reply.statusCode < 400 ? 'done' : 'failed',
      code,
    });
  });
}

function actionOf(request: FastifyRequest, audited: AuditedRoute | undefined): string {
  if (audited?.path === '/login' || audited?.path === '/logout') return audited.path.slice(1);
  return `${request.method} ${audited?.path ?? request.routeOptions.url?.replace('/api/v1', '') ?? '(no such path)'}`;
}

function targetOf(request: FastifyRequest, audited: AuditedRoute): string | null {
  if (audited.target !== undefined) return audited.target(request);
  const parameters = Object.values((request.params ?? {}) as Record<string, string>);
  return parameters.length === 0 ? null : parameters.join(' ');
}
