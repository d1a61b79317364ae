import type { ClientView, OverviewView, RetainedView, SessionView, SubscriptionView, WillView } from '@hawser/broker';
import { z } from 'zod';

const count = z.number().int().nonnegative();
const time = z.iso.datetime().describe('ISO 8601, UTC');
const byCode = z.record(z.string(), count);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const qos = z.number().int().min(0).max(2);

/** Every shape of the API by its name in the OpenAPI document. */
export const registry = z.registry<{ id: string; description?: string }>();

export const Queue = z
  .object({ messages: count, bytes: count, maximumMessages: count, maximumBytes: count })
  .register(registry, { id: 'Queue', description: 'Messages that wait for a session, and their bounds' });

export const Loss = z
  .object({ cause: z.string(), count, firstAt: time, lastAt: time, topic: z.string() })
  .register(registry, { id: 'Loss', description: 'Messages that a session has lost for one cause' });

export const NegotiatedParameter = z
  .object({
    requested: scalar.optional().describe('what the CONNECT said; absent: nothing'),
    granted: scalar.optional().describe('what the CONNACK said; absent: nothing'),
    effective: scalar.optional().describe('what holds'),
  })
  .register(registry, {
    id: 'NegotiatedParameter',
    description:
      'receiveMaximum, maximumPacketSize and topicAliasMaximum are what each side takes itself: requested is the client, granted and effective the server',
  });

export const Subscription = z
  .object({
    clientId: z.string(),
    topicFilter: z.string(),
    qos,
    noLocal: z.boolean(),
    retainAsPublished: z.boolean(),
    retainHandling: qos,
    subscriptionIdentifier: count.nullable(),
  })
  .register(registry, { id: 'Subscription' }) satisfies z.ZodType<SubscriptionView>;

export const Will = z
  .object({
    clientId: z.string(),
    topic: z.string(),
    qos,
    retain: z.boolean(),
    bytes: count,
    delayInterval: count.describe('seconds'),
    dueAt: time.nullable().describe('null: not while the client stays connected'),
  })
  .register(registry, { id: 'Will' }) satisfies z.ZodType<WillView>;

export const Session = z
  .object({
    clientId: z.string(),
    connected: z.boolean(),
    username: z.string().nullable(),
    createdAt: time,
    expiryInterval: count.describe('seconds; 4294967295: never'),
    expiresAt: time.nullable(),
    subscriptions: count,
    inflight: count,
    queue: Queue,
    dropped: count,
    stored: z.boolean().describe('it survives a restart of the broker'),
  })
  .register(registry, { id: 'Session' }) satisfies z.ZodType<SessionView>;

const client = {
  clientId: z.string(),
  connected: z.boolean(),
  since: time.nullable(),
  username: z.string().nullable().describe('the name that was confirmed'),
  claimedUsername: z.string().nullable().describe('a name that nobody has checked; a long one as a fingerprint'),
  protocolVersion: z.number().int().describe('3, 4 (3.1.1) or 5; 0: not known'),
  remoteAddress: z.string().nullable(),
  remotePort: count.nullable(),
  listener: z.string().nullable(),
  keepAlive: count.nullable().describe('seconds, as granted'),
  subscriptions: count,
  inflight: count.describe('QoS 1 and 2 messages under way to it'),
  queue: Queue,
  dropped: count.describe('messages lost for it, in all'),
};

export const Client = z.object(client).register(registry, { id: 'Client' }) satisfies z.ZodType<ClientView>;

/** An event of the recorder with its sentence. */
export const Event = z
  .object({
    at: time,
    kind: z.enum(['connected', 'closed', 'refused', 'subscribe-refused', 'session-ended', 'broker-ended']),
    code: z.string(),
    text: z.string(),
    detail: z
      .looseObject({ is: z.string() })
      .describe('what there is to say, as data: the name of the sentence `text` was made of, and its figures')
      .optional(),
    reasonCode: count.optional(),
    by: z.enum(['peer', 'self', 'network']).optional(),
    address: z.string().optional(),
    remoteAddress: z.string().optional(),
    remotePort: count.optional(),
    listener: z.string().optional(),
    username: z.string().optional(),
    claimedUsername: z.string().optional().describe('fingerprint of a name that nobody has checked'),
    protocolVersion: z.number().int().optional(),
    tls: z.string().optional(),
    certificate: z.string().optional(),
    connectedForMs: count.optional(),
    bytesIn: count.optional(),
    bytesOut: count.optional(),
    packetsIn: count.optional(),
    packetsOut: count.optional(),
    takenOverBy: z.string().optional(),
    tookOverFrom: z.string().optional(),
    sessionPresent: z.boolean().optional(),
    cleanStart: z.boolean().optional(),
    queued: count.optional(),
    repeated: count.optional(),
    lastAt: time.optional(),
    negotiated: z.record(z.string(), NegotiatedParameter).optional(),
  })
  .register(registry, { id: 'Event' });

export const HistoryEntry = Event.extend({ clientId: z.string().nullable() }).register(registry, {
  id: 'HistoryEntry',
});

export const ClientDetails = z
  .object({
    ...client,
    negotiated: z.record(z.string(), NegotiatedParameter).nullable(),
    tls: z
      .object({
        protocol: z.string(),
        cipher: z.string(),
        authorized: z.boolean(),
        peerSubject: z.string().nullable(),
        serverName: z.string().nullable(),
      })
      .nullable(),
    counters: z
      .object({
        bytesIn: count,
        bytesOut: count,
        packetsIn: count,
        packetsOut: count,
        pendingBytes: count,
        unacknowledged: count,
      })
      .nullable(),
    lastPacketAt: time.nullable(),
    slow: z.boolean(),
    session: Session.nullable(),
    subscriptionList: z.array(Subscription).readonly(),
    will: Will.nullable(),
    losses: z.array(Loss).readonly(),
    history: z.array(Event).readonly(),
  })
  .register(registry, { id: 'ClientDetails' });

export const Explained = z
  .object({
    clientId: z.string(),
    connected: z.boolean(),
    verdict: z.string(),
    events: z.array(Event).readonly(),
    losses: z.array(Loss.extend({ text: z.string() })).readonly(),
    advice: z.array(z.string()).readonly(),
  })
  .register(registry, { id: 'Explanation' });

export const Retained = z
  .object({
    topic: z.string(),
    qos,
    bytes: count,
    publisher: z.string().nullable(),
    receivedAt: time,
    expiresAt: time.nullable(),
  })
  .register(registry, { id: 'Retained' }) satisfies z.ZodType<RetainedView>;

export const RetainedMessage = Retained.extend({
  payload: z.string().nullable().describe('Base64; null: not shown without the token, or over 64 KiB'),
}).register(registry, { id: 'RetainedMessage' });

export const ClientLosses = z
  .object({ clientId: z.string(), dropped: count, losses: z.array(Loss).readonly() })
  .register(registry, { id: 'ClientLosses' });

export const Overview = z
  .object({
    startedAt: time,
    uptime: count.describe('seconds'),
    listeners: z.array(z.string()).readonly(),
    connections: count,
    clientsConnected: count,
    sessions: count,
    subscriptions: count,
    sharedSubscriptions: count,
    retainedMessages: count,
    retainedBytes: count,
    queuedMessages: count,
    queuedBytes: count,
    connectionsAccepted: count,
    connectionsRefused: count,
    takeovers: count,
    sessionsExpired: count,
    publishesDenied: count,
    subscribesDenied: count,
    messagesReceived: count.describe('PUBLISH packets'),
    messagesSent: count.describe('PUBLISH packets'),
    payloadBytesReceived: count,
    payloadBytesSent: count,
    packetsReceived: count,
    packetsSent: count,
    bytesReceived: count,
    bytesSent: count,
    dropped: count,
    lostByCause: z.record(z.string(), count),
    refusedByCode: z.record(z.string(), count),
    closedByCode: z
      .object({ peer: byCode, self: byCode, network: byCode })
      .describe('by who ended the connection; self: the broker'),
    recorder: z.object({ clients: count, evicted: count, droppedLines: count }),
    longestTurn: z
      .object({
        seconds: z.number(),
        cause: z.string().describe('what most of it was spent on; `other`: no work explains it'),
      })
      .describe('of the event loop, in the last minute or two'),
    warnings: z.array(z.object({ at: time, code: z.string(), text: z.string(), count })).readonly(),
  })
  .register(registry, { id: 'Overview' }) satisfies z.ZodType<OverviewView>;

export const Done = z.object({ done: z.literal(true) }).register(registry, { id: 'Done' });

export const Problem = z
  .object({
    code: z.string(),
    message: z.string(),
    near: z.array(z.string()).optional(),
    retryAfter: count.optional().describe('seconds, with 429'),
    needs: z.string().optional().describe('the role that would do, with 403'),
    problems: z
      .array(z.object({ key: z.string(), source: z.string(), text: z.string() }))
      .optional()
      .describe('what is wrong in a configuration, with 422'),
  })
  .register(registry, {
    id: 'Problem',
    description: 'Why it was not done; near: Client Identifiers that may have been meant',
  });

export const Paging = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const Lang = z.object({ lang: z.enum(['en', 'zh']).default('en') });
