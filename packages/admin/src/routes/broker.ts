import {
  type Broker,
  explainEvent,
  type HistoryEntry,
  inspectLosses,
  inspectOverview,
  inspectRetained,
} from '@hawser/broker';
import { isValidTopicFilter } from '@hawser/codec';
import { plainAddress } from '@hawser/transport';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import {
  ClientLosses,
  Done,
  HistoryEntry as HistorySchema,
  Lang,
  Overview,
  Paging,
  Retained,
  RetainedMessage,
} from '../schemas.ts';
import { longPage, matches, paramOf, queryOf, type Route } from './route.ts';

const RetainedQuery = Paging.extend({
  filter: z.string().default('#').describe('Topic Filter; # leaves out topics that begin with $'),
});
const LossesQuery = Paging.extend({ filter: z.string().optional().describe('part of the Client Identifier') });
const HistoryQuery = Paging.extend(Lang.shape).extend({
  clientId: z.string().optional(),
  address: z.string().optional(),
  kind: z.string().optional(),
  code: z.string().optional(),
});

const MOST_PAYLOAD = 64 * 1024;

/** The broker as a whole: figures, retained messages, losses, history. `mayRead`: payloads are for operators. */
export function brokerRoutes(broker: Broker, mayRead: (request: FastifyRequest) => boolean): Route[] {
  const { recorder, router } = broker;

  function* recordsWithLosses(filter: string | undefined) {
    for (const record of recorder.records()) {
      yield record.losses !== undefined && matches(record.clientId, filter) ? record : undefined;
    }
  }

  function* history(query: z.output<typeof HistoryQuery>): Iterable<HistoryEntry | undefined> {
    const address = query.address === undefined ? undefined : plainAddress(query.address);
    for (const entry of recorder.history()) {
      const { clientId, event } = entry;
      const isWanted =
        (query.clientId === undefined || query.clientId === clientId) &&
        (address === undefined || address === event.remoteAddress) &&
        (query.kind === undefined || query.kind === event.kind) &&
        (query.code === undefined || query.code === event.code);
      yield isWanted ? entry : undefined;
    }
  }

  const retained = (request: FastifyRequest) => {
    const topic = paramOf(request, 'topic');
    const message = router.retained.get(topic);
    if (message === undefined) throw new ApiError(404, 'unknown-topic', `nothing is retained for the topic "${topic}"`);
    return message;
  };

  return [
    {
      method: 'GET',
      path: '/overview',
      summary: 'Figures of the whole broker',
      query: Lang,
      answer: Overview,
      paged: false,
      changes: false,
      serve: (request) => inspectOverview(broker, queryOf(Lang, request).lang),
    },
    {
      method: 'GET',
      path: '/retained',
      summary: 'Retained messages, without their payloads',
      query: RetainedQuery,
      answer: Retained,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(RetainedQuery, request);
        if (!isValidTopicFilter(query.filter))
          throw new ApiError(400, 'bad-query', `'${query.filter}' is not a Topic Filter`);
        return longPage(broker, router.retained.matching(query.filter, broker.now()), query, (message) =>
          inspectRetained(broker, message),
        );
      },
    },
    {
      method: 'GET',
      path: '/retained/{topic}',
      summary: 'One retained message; its payload for operators',
      query: undefined,
      answer: RetainedMessage,
      paged: false,
      changes: false,
      serve(request) {
        const message = retained(request);
        const { payload } = message;
        const isShown = mayRead(request) && payload.length <= MOST_PAYLOAD;
        return {
          ...inspectRetained(broker, message),
          payload: isShown ? Buffer.from(payload).toString('base64') : null,
        };
      },
    },
    {
      method: 'DELETE',
      path: '/retained/{topic}',
      summary: 'Forgets the retained message of a topic',
      query: undefined,
      answer: Done,
      paged: false,
      changes: true,
      role: 'operator',
      serve(request) {
        router.retained.delete(retained(request).topic.name);
        return { done: true };
      },
    },
    {
      method: 'GET',
      path: '/losses',
      summary: 'Messages lost, by client and cause',
      query: LossesQuery,
      answer: ClientLosses,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(LossesQuery, request);
        return longPage(broker, recordsWithLosses(query.filter), query, ({ clientId, losses: ledger }) => {
          const losses = inspectLosses(ledger);
          return { clientId, dropped: losses.reduce((sum, { count }) => sum + count, 0), losses };
        });
      },
    },
    {
      method: 'GET',
      path: '/history',
      summary: 'Connections, ends and refusals of all clients, newest first',
      query: HistoryQuery,
      answer: HistorySchema,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(HistoryQuery, request);
        return longPage(broker, history(query), query, ({ clientId, event }) => ({
          clientId: clientId ?? null,
          ...explainEvent(event, query.lang),
        }));
      },
    },
  ];
}
