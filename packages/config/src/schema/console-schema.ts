import { z } from 'zod';
import { addressesSchema } from './common.ts';
import { certificateShape, protocolShape } from './listener-schema.ts';

const ADDRESS = /^(?:\[[0-9a-f:.]+\]|[^:[\]/]*):\d{1,5}$/i;
const NAME = /^[a-z0-9_.-]+$/i;

/** `console: HOST:PORT` is `console: { listen: HOST:PORT }`. */
export const consoleSchema = z.union(
  [
    z.strictObject({
      listen: z
        .string()
        .regex(ADDRESS, { error: 'takes HOST:PORT, such as 127.0.0.1:8080' })
        .optional()
        .describe('Where it listens; 127.0.0.1:18083 when it is absent.'),
      users: z
        .string()
        .min(1)
        .optional()
        .describe('File with its users and their roles, made with `hawser passwd --console-role`.'),
      passwordFile: z.string().min(1).optional().describe('File with one password for all, which makes an admin.'),
      tls: z
        .strictObject({ ...certificateShape, ...protocolShape })
        .optional()
        .describe('Certificate and key: with them it speaks https alone.'),
      hostNames: z
        .array(z.string().regex(NAME, { error: 'takes host names, without a port' }))
        .default([])
        .describe('Names it is called by, besides its addresses and localhost.'),
      forwardedFrom: addressesSchema
        .optional()
        .describe('Addresses of proxies in front of it, whose X-Forwarded-For and X-Forwarded-Proto are believed.'),
    }),
    z.literal(false),
  ],
  { error: 'takes HOST:PORT, such as 127.0.0.1:8080, or keys and values, or false' },
);

export type ConsoleConfig = Exclude<z.infer<typeof consoleSchema>, false>;
