import type { ConsoleRole } from '@hawser/auth';
import type { Broker } from '@hawser/broker';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Needs } from '../access/guard.ts';
import { ApiError } from '../api-error.ts';

/** One operation of the API: what serves it and what describes it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, parameters as `{name}`. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject | undefined;
  /** JSON that has to come along. */
  readonly body?: z.ZodObject;
  /** What comes back; with `paged` a page of these. */
  readonly answer: z.ZodType;
  readonly paged: boolean;
  /** Something is another after it: it is in the audit log. */
  readonly changes: boolean;
  /** Who may. Absent: an admin what changes something, a viewer the rest. */
  readonly role?: Needs;
  /** By status, in words: what it may answer besides what every route may. */
  readonly problems?: Readonly<Record<number, string>>;
  /** What it is about, for the audit log; the parameters of the path when absent. */
  target?(request: FastifyRequest): string;
  serve(request: FastifyRequest, reply: FastifyReply): unknown;
}

export function needsOf({ role, changes }: Route): Needs {
  return role ?? (changes ? 'admin' : ('viewer' satisfies ConsoleRole));
}

/** A part of a long list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are in all. */
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
}

export function pageOf(items: z.ZodType): z.ZodObject {
  const count = z.number().int();
  return z.object({ items: z.array(items), total: count, offset: count, limit: count });
}

/** The same of what may be long: in slices, beside the work of the clients. Undefined in `all`: one that is passed over. */
export function longPage<T, V>(
  broker: Broker,
  all: Iterable<T | undefined>,
  { offset, limit }: { offset: number; limit: number },
  view: (item: T) => V,
): Promise<Page<V>> {
  return broker.inSlices(
    (function* () {
      const items: V[] = [];
      let total = 0;
      for (const item of all) {
        yield;
        if (item === undefined) continue;
        if (total >= offset && items.length < limit) items.push(view(item));
        total++;
      }
      return { items, total, offset, limit };
    })(),
  );
}

/** Counts all, makes views of those of the page only. */
export function page<T, V>(
  all: Iterable<T>,
  { offset, limit }: { offset: number; limit: number },
  view: (item: T) => V,
): Page<V> {
  const items: V[] = [];
  let total = 0;
  for (const item of all) {
    if (total >= offset && items.length < limit) items.push(view(item));
    total++;
  }
  return { items, total, offset, limit };
}

/** The query as the schema has it. Throws ApiError 400. */
export function queryOf<S extends z.ZodObject>(schema: S, request: FastifyRequest): z.output<S> {
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  throw new ApiError(400, 'bad-query', z.prettifyError(parsed.error).replaceAll('\n', ' '));
}

/** The body as the schema has it. Throws ApiError 400. */
export function bodyOf<S extends z.ZodObject>(schema: S, request: FastifyRequest): z.output<S> {
  const parsed = schema.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  throw new ApiError(400, 'bad-body', z.prettifyError(parsed.error).replaceAll('\n', ' '));
}

/** A part of the path. */
export function paramOf(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string | undefined>)[name] ?? '';
}

/** Text that must be part of a name, case aside. */
export function matches(name: string, filter: string | undefined): boolean {
  return filter === undefined || name.toLowerCase().includes(filter.toLowerCase());
}
