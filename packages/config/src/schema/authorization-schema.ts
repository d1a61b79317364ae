import { type Rule, rules } from '@hawser/auth';
import { z } from 'zod';
import { httpServiceSchema } from './authentication-schema.ts';
import { addressesSchema, textsSchema } from './common.ts';

const actionSchema = z.enum(['publish', 'subscribe', 'retain', 'all']);
const actionsSchema = z.union([actionSchema, z.array(actionSchema).min(1)], {
  error: 'takes publish, subscribe, retain, all, or a list of these',
});
const qosSchema = z.union([z.literal(0), z.literal(1), z.literal(2)]);

const ruleSchema = z
  .strictObject({
    allow: actionsSchema.optional().describe('What it permits: publish, subscribe, retain, all.'),
    deny: actionsSchema.optional().describe('What it forbids.'),
    topics: textsSchema.describe('Topic Filters; %c is the Client Identifier, %u the user, %cert the CN.'),
    users: textsSchema.optional().describe('The users it is about; all when it is absent.'),
    anonymous: z.boolean().optional().describe('true: it is about clients without a user name, and about no others.'),
    clients: textsSchema.optional().describe('The Client Identifiers it is about.'),
    addresses: addressesSchema.optional().describe('Where they have to come from.'),
    qos: z
      .union([qosSchema, z.array(qosSchema).min(1)], { error: 'takes 0, 1, 2, or a list of these' })
      .optional()
      .describe('The QoS levels it is about.'),
  })
  .superRefine((rule, context) => {
    try {
      rules([rule as Rule]);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });

export const authorizationSchema = z
  .strictObject({
    default: z
      .enum(['allow', 'deny'])
      .optional()
      .describe('The answer when no rule is about it: deny as soon as clients have names, else allow.'),
    rules: z.array(ruleSchema).default([]).describe('The first that is about a request decides.'),
    wider: z
      .enum(['refuse', 'filter'])
      .default('refuse')
      .describe(
        'A subscription to more topics than the rules permit: it is refused, or granted and filtered: of what it matches only that is delivered which the rules permit.',
      ),
    http: httpServiceSchema.optional().describe('A service that decides where no rule does.'),
  })
  .refine(({ wider, http }) => wider === 'refuse' || http === undefined, {
    path: ['wider'],
    error: 'filter needs rules alone: while a message is routed nobody waits for authorization.http',
  });

export type AuthorizationConfig = z.infer<typeof authorizationSchema>;
