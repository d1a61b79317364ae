import { z } from 'zod';
import { configurationSchema } from './configuration-schema.ts';

interface JsonSchemaNode {
  [key: string]: unknown;
  properties?: Record<string, JsonSchemaNode>;
  items?: JsonSchemaNode;
}

/** JSON Schema (2020-12) of the file, for editors: `# yaml-language-server: $schema=…`. */
export function configurationJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configurationSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchemaNode;
  const listeners = schema.properties?.listeners;
  // A URL alone is a listener too.
  if (listeners?.items !== undefined) listeners.items = { anyOf: [{ type: 'string' }, listeners.items] };
  const { properties = {} } = schema;
  for (const name of ['data', 'console']) {
    const long = properties[name];
    if (long !== undefined) properties[name] = { description: long.description, anyOf: [{ type: 'string' }, long] };
  }
  return { ...schema, title: 'Configuration of a Hawser broker' };
}
