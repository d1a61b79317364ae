import { z } from 'zod';
import { authenticationSchema } from './authentication-schema.ts';
import { authorizationSchema } from './authorization-schema.ts';
import { consoleSchema } from './console-schema.ts';
import { listenerSchema, tlsSchema } from './listener-schema.ts';
import { settingsShape } from './settings-schema.ts';

/** Where `hawser broker` listens when nobody says where. Loopback: nobody checks who connects. */
export const DEFAULT_LISTENERS: readonly string[] = [
  'mqtt://127.0.0.1:1883',
  'mqtts://127.0.0.1:8883',
  'ws://127.0.0.1:8083/mqtt',
  'wss://127.0.0.1:8084/mqtt',
];

/** `data: DIR` is `data: { directory: DIR }`. */
const dataShape = {
  directory: z
    .string()
    .min(1)
    .default('./hawser-data')
    .describe('The directory of sessions and messages, or `memory` for nowhere.'),
};

/** The keys that are not settings of the broker. */
const ownShape = {
  listeners: z
    .array(listenerSchema)
    .min(1)
    .prefault(DEFAULT_LISTENERS.map((url) => ({ url })))
    .describe('Where clients come in: URLs, or maps with `url` and more.'),
  console: consoleSchema
    .optional()
    .describe('The web console and the HTTP API: where they listen, for whom; false: they are not there.'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('warn')
        .describe('What is logged, as lines of JSON on standard error.'),
    })
    .prefault({})
    .describe('The log.'),
  tls: tlsSchema.optional().describe('Certificate and key of the listeners that have none of their own.'),
  authentication: authenticationSchema.prefault({}).describe('Who may connect.'),
  authorization: authorizationSchema.prefault({}).describe('Who may publish and subscribe what.'),
};

/** The whole configuration. */
export const configurationSchema = z.strictObject({ ...ownShape, ...settingsShape({ data: dataShape }) });

const ownSchema = z.object({ ...ownShape, data: z.object(dataShape) });

/** What is not a setting, checked and with its defaults. */
export type OwnConfiguration = z.infer<typeof ownSchema>;
