import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';

/** One operation of the API: what serves it and what describes it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/api/v1`, parameters as `{name}`. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject | undefined;
  /** What comes back; with `paged` a page of these. */
  readonly answer: z.ZodType;
  readonly paged: boolean;
  /** Needs the token. */
  readonly changes: boolean;
  serve(request: FastifyRequest): unknown;
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

/** A part of the path. */
export function paramOf(request: FastifyRequest, name: string): string {
  return (request.params as Record<string, string | undefined>)[name] ?? '';
}

/** Text that must be part of a name, case aside. */
export function matches(name: string, filter: string | undefined): boolean {
  return filter === undefined || name.toLowerCase().includes(filter.toLowerCase());
}
