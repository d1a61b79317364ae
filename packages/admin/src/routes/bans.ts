import { type Ban, type Broker, banTarget, iso, parseBanTarget } from '@hawser/broker';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { Done, Paging, registry } from '../schemas.ts';
import { bodyOf, matches, page, paramOf, queryOf, type Route } from './route.ts';

/** Ten years: whoever is to stay out for ever has no account any more. */
const MOST_SECONDS = 315_360_000;

const target = z
  .string()
  .min(1)
  .max(70_000)
  .describe('203.0.113.7, 2001:db8::7 (its /64), client:ID, user:NAME, or pair:ID@ADDRESS');

const BanView = z
  .object({
    target,
    until: z.iso.datetime().describe('ISO 8601, UTC'),
    reason: z.string(),
    times: z.number().int().describe('how often in a row'),
    by: z.enum(['offence', 'operator']),
  })
  .register(registry, { id: 'Ban' });

const Banned = BanView.extend({
  ended: z.number().int().describe('connections that were ended with it'),
}).register(registry, { id: 'Banned' });

const NewBan = z.strictObject({
  target,
  seconds: z
    .number()
    .min(1)
    .max(MOST_SECONDS)
    .optional()
    .describe('absent: bans.first, and twice as long each further time in a row'),
  reason: z.string().max(300).default('an operator has banned it').describe('the one who is banned may read it'),
});

const Query = Paging.extend({ filter: z.string().optional().describe('part of the target') });

/** Who is kept out. */
export function banRoutes(broker: Broker): Route[] {
  function* bans(filter: string | undefined) {
    for (const ban of broker.bans.list()) if (matches(ban.target, filter)) yield ban;
  }

  return [
    {
      method: 'GET',
      path: '/bans',
      summary: 'Who is kept out, by offence or by an operator, and until when',
      query: Query,
      answer: BanView,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(Query, request);
        return page(bans(query.filter), query, viewOf);
      },
    },
    {
      method: 'POST',
      path: '/bans',
      summary: 'Keeps somebody out, and ends its connections (Reason Code 0x98); its session stays',
      query: undefined,
      body: NewBan,
      answer: Banned,
      paged: false,
      changes: true,
      role: 'operator',
      problems: { 409: 'The address is never banned (bans.exempt)' },
      target: wantedOf,
      serve(request) {
        const wanted = bodyOf(NewBan, request);
        const whom = parseTarget(wanted.target);
        const address = whom.startsWith('pair:')
          ? wanted.target.slice(wanted.target.lastIndexOf('@') + 1)
          : wanted.target;
        if (broker.intake.gatekeeper.isExempt(address.trim())) {
          const words = `${wanted.target} is never banned: take it out of bans.exempt first`;
          throw new ApiError(409, 'ban-exempt', words);
        }
        const { ban, ended } = banTarget(broker, whom, wanted.reason, wanted.seconds);
        return { ...viewOf(ban), ended };
      },
    },
    {
      method: 'DELETE',
      path: '/bans/{target}',
      summary: 'Takes a ban back',
      query: undefined,
      answer: Done,
      paged: false,
      changes: true,
      role: 'operator',
      serve(request) {
        const wanted = paramOf(request, 'target');
        if (!broker.bans.remove(parseTarget(wanted))) throw new ApiError(404, 'not-banned', `${wanted} is not banned`);
        return { done: true };
      },
    },
  ];
}

function viewOf({ until, ...ban }: Ban): z.output<typeof BanView> {
  return { ...ban, until: iso(until) };
}

/** Throws ApiError 400. */
function parseTarget(text: string): string {
  try {
    return parseBanTarget(text);
  } catch (error) {
    if (error instanceof RangeError) throw new ApiError(400, 'bad-ban-target', error.message);
    throw error;
  }
}

function wantedOf(request: FastifyRequest): string {
  const { target: text } = (request.body ?? {}) as { readonly target?: unknown };
  return typeof text === 'string' ? text : '';
}
