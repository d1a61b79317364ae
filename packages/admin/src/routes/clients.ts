import {
  type Broker,
  clearSession,
  explain,
  explainInSlices,
  inspectClient,
  inspectClientDetail,
  inspectSession,
  inspectSubscription,
  inspectWill,
  kickClient,
} from '@hawser/broker';
import { plainAddress } from '@hawser/transport';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { Client, ClientDetails, Done, Explained, Lang, Paging, Session, Subscription, Will } from '../schemas.ts';
import { longPage, matches, paramOf, queryOf, type Route } from './route.ts';

const Filter = Paging.extend({ filter: z.string().optional().describe('part of the Client Identifier') });
const ClientsQuery = Filter.extend({ username: z.string().optional(), address: z.string().optional() });
const SubscriptionsQuery = Filter.extend({ topicFilter: z.string().optional().describe('part of the Topic Filter') });

/** Clients, sessions, and what belongs to them. */
export function clientRoutes(broker: Broker): Route[] {
  const { registry } = broker;

  function* connectedSessions(query: z.output<typeof ClientsQuery>) {
    const address = query.address === undefined ? undefined : plainAddress(query.address);
    for (const session of registry.values()) {
      const client = session.handler === undefined ? undefined : session.client;
      const isWanted =
        client !== undefined &&
        matches(session.clientId, query.filter) &&
        (query.username === undefined || client.username === query.username) &&
        (address === undefined || client.remoteAddress === address);
      yield isWanted ? session : undefined;
    }
  }

  function* sessions(filter: string | undefined) {
    for (const session of registry.values()) yield matches(session.clientId, filter) ? session : undefined;
  }

  function* subscriptions(query: z.output<typeof SubscriptionsQuery>) {
    for (const session of sessions(query.filter)) {
      yield undefined;
      for (const subscription of session?.subscriptions.values() ?? [])
        yield matches(subscription.topicFilter, query.topicFilter) ? subscription : undefined;
    }
  }

  function* sessionsWithWill(filter: string | undefined) {
    for (const session of sessions(filter)) yield session?.will === undefined ? undefined : session;
  }

  /** Throws ApiError 404 with what may have been meant. */
  const unknown = async (clientId: string, message: string): Promise<never> => {
    const { near } = await explainInSlices(broker, clientId);
    throw new ApiError(404, 'unknown-client', message, near.length === 0 ? {} : { near });
  };

  return [
    {
      method: 'GET',
      path: '/clients',
      summary: 'Clients that are connected',
      query: ClientsQuery,
      answer: Client,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(ClientsQuery, request);
        return longPage(broker, connectedSessions(query), query, (session) => inspectClient(broker, session));
      },
    },
    {
      method: 'GET',
      path: '/clients/{clientId}',
      summary: 'One client: what it asked for and was granted, counters, queue, subscriptions, losses, history',
      query: Lang,
      answer: ClientDetails,
      paged: false,
      changes: false,
      serve(request) {
        const clientId = paramOf(request, 'clientId');
        const { lang } = queryOf(Lang, request);
        const detail = inspectClientDetail(broker, clientId);
        if (detail === undefined) return unknown(clientId, `nothing is known of the client "${clientId}"`);
        return { ...detail, history: explain(broker, clientId, lang).explanation.events };
      },
    },
    {
      method: 'DELETE',
      path: '/clients/{clientId}',
      summary: 'Ends the connection of a client (Reason Code 0x98, Administrative action); its session stays',
      query: undefined,
      answer: Done,
      paged: false,
      changes: true,
      role: 'operator',
      serve(request) {
        const clientId = paramOf(request, 'clientId');
        const done = kickClient(broker, clientId);
        return done ? { done } : unknown(clientId, `"${clientId}" is not connected`);
      },
    },
    {
      method: 'GET',
      path: '/explain/{clientId}',
      summary: 'Why a client is not connected, or lost what it lost: the same as `hawser explain`',
      query: Lang,
      answer: Explained,
      paged: false,
      changes: false,
      async serve(request) {
        const clientId = paramOf(request, 'clientId');
        const { lang } = queryOf(Lang, request);
        const { known, near, explanation } = await explainInSlices(broker, clientId, lang);
        if (!known) throw new ApiError(404, 'unknown-client', explanation.verdict, { near, explanation });
        return explanation;
      },
    },
    {
      method: 'GET',
      path: '/sessions',
      summary: 'Sessions, of connected clients and of those that are away',
      query: Filter,
      answer: Session,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(Filter, request);
        return longPage(broker, sessions(query.filter), query, (session) => inspectSession(broker, session));
      },
    },
    {
      method: 'DELETE',
      path: '/sessions/{clientId}',
      summary: 'Ends a session with its subscriptions and messages, and its connection',
      query: undefined,
      answer: Done,
      paged: false,
      changes: true,
      role: 'operator',
      serve(request) {
        const clientId = paramOf(request, 'clientId');
        return clearSession(broker, clientId) ? { done: true } : unknown(clientId, `"${clientId}" has no session`);
      },
    },
    {
      method: 'GET',
      path: '/subscriptions',
      summary: 'Subscriptions of all sessions',
      query: SubscriptionsQuery,
      answer: Subscription,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(SubscriptionsQuery, request);
        return longPage(broker, subscriptions(query), query, inspectSubscription);
      },
    },
    {
      method: 'GET',
      path: '/wills',
      summary: 'Wills that are set, and those that wait for their delay',
      query: Filter,
      answer: Will,
      paged: true,
      changes: false,
      serve(request) {
        const query = queryOf(Filter, request);
        return longPage(broker, sessionsWithWill(query.filter), query, (session) => inspectWill(broker, session));
      },
    },
  ];
}
