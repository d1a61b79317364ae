import { z } from 'zod';
import { needsOf, pageOf, type Route } from './routes/route.ts';
import { Problem, registry } from './schemas.ts';

const uri = (id: string): string => `#/components/schemas/${id}`;

/** The OpenAPI 3.1 document of the routes; its schemas are those that the answers are made and tested with. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(registry, { uri, io: 'input' });
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hawser',
      version,
      description: 'Reads and changes a running Hawser broker.',
      license: { name: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIds(schema)])),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The file api-token in the data directory, or printed at start. Its role is admin.',
        },
        login: { type: 'http', scheme: 'basic', description: 'Name and password of a user of the console.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'hawser-session-PORT',
          description: 'Of POST /api/v1/login. A change needs the header X-CSRF-Token besides.',
        },
      },
    },
  };
}

const NONE = {};

function operation(route: Route): Record<string, unknown> {
  const { summary, answer, paged, body, path, problems = {} } = route;
  const needs = needsOf(route);
  const isOpen = needs === 'open';
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const query = route.query === undefined ? NONE : (z.toJSONSchema(route.query, { io: 'input' }).properties ?? NONE);
  const problem = (description: string) => ({ description, content: json(reference(Problem)) });
  return {
    summary: isOpen ? summary : `${summary} (role: ${needs})`,
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(withoutIds(z.toJSONSchema(body, { io: 'input' }))) } }),
    responses: {
      200: { description: 'Done', content: json(paged ? pageSchema(answer) : reference(answer)) },
      ...Object.fromEntries(Object.entries(problems).map(([status, words]) => [status, problem(words)])),
      ...(names.length > 0 ? { 404: problem('Not known') } : {}),
      ...(query === NONE && body === undefined ? {} : { 400: problem('The query or the body is not as described') }),
      401: problem('Nobody has logged in, or what was shown is wrong'),
      ...(isOpen ? {} : { 403: problem('The role is too low, or the X-CSRF-Token of a session is missing') }),
      429: problem('Too many requests or failed logins; Retry-After says how long to wait'),
    },
    security: isOpen ? [] : [{ token: [] }, { login: [] }, { session: [] }],
  };
}

function pageSchema(answer: z.ZodType): unknown {
  const { properties, required } = z.toJSONSchema(pageOf(z.unknown()));
  return {
    type: 'object',
    properties: { ...properties, items: { type: 'array', items: reference(answer) } },
    required,
  };
}

function reference(schema: z.ZodType): { readonly $ref: string } {
  const id = registry.get(schema)?.id;
  if (id === undefined) throw new Error('an answer of the API has no name in the registry');
  return { $ref: uri(id) };
}

function json(schema: unknown): Record<string, unknown> {
  return { 'application/json': { schema } };
}

function withoutIds(schema: object): object {
  const { $id: _id, $schema: _schema, id: _name, ...rest } = schema as Record<string, unknown>;
  return rest;
}
