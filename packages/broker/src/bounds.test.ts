import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { LOSSES } from './causes/losses.ts';
import { Counters } from './recorder/counters.ts';
import type { SettingKey } from './settings.ts';
import { SETTINGS } from './settings-table.ts';

/** What happens at a bound, and what counts it: fields of Counters, `lost: cause` for messages. */
interface AtTheBound {
  readonly then: string;
  readonly counters: readonly string[];
}

const at = (then: string, ...counters: string[]): AtTheBound => ({ then, counters });

const WITH_MOST = 'the address (of IPv6: the /64) that has most, or the newcomer where that is its own,';
const STORES_NOTHING = '0x97 for what would have to be stored (3.x is closed, CONNACK 3), QoS 0 is not kept';

/** Every bound of something that a peer can make grow. */
const BOUNDS: Readonly<Partial<Record<SettingKey, AtTheBound>>> = {
  'limits.connectTimeout': at('the connection is closed', 'connectionsRefused'),
  'limits.clientIdBytes': at('CONNACK 0x85', 'connectionsRefused'),
  'limits.connectPacketBytes': at('CONNACK 0x95 where the version is known, else closed', 'limitClosures'),
  'limits.maximumPacketSize': at('DISCONNECT 0x95', 'limitClosures'),
  'limits.keepAliveMax': at('Server Keep Alive says less'),
  'limits.receiveMaximum': at('DISCONNECT 0x93 (3.x has none)', 'limitClosures'),
  'limits.inflight3': at('the next messages wait in the queue', 'lost: queue-full'),
  'limits.topicAliasMaximum': at('DISCONNECT 0x94', 'limitClosures'),
  'limits.outboundAliases': at('the least recently used is given another topic'),
  'limits.topicLevels': at('DISCONNECT 0x90; 0x8F in the SUBACK', 'limitClosures', 'quotaRefusals'),
  'limits.topicBytes': at('DISCONNECT 0x90; 0x8F in the SUBACK', 'limitClosures', 'quotaRefusals'),
  'limits.userProperties': at('CONNACK or DISCONNECT 0x97', 'limitClosures'),
  'limits.filters': at('DISCONNECT 0x97', 'limitClosures'),
  'limits.inboundQos2': at('PUBREC 0x97; 3.x is closed', 'quotaRefusals', 'lost: quota-exceeded'),
  'limits.inflightBytes': at('the next messages wait in the queue', 'lost: queue-full'),
  'limits.subscriptions': at('0x97 in the SUBACK (0x80 in 3.1.1)', 'quotaRefusals'),
  'limits.sharedSubscriptions': at('0x97 in the SUBACK (0x80 in 3.1.1)', 'quotaRefusals'),
  'limits.subscriptionBytes': at('0x97 in the SUBACK (0x80 in 3.1.1)', 'quotaRefusals'),
  'limits.permissions': at('all are forgotten and asked for again'),
  'limits.topics': at('others make room'),
  'limits.inputBytesNode': at('whoever brings more is ended with 0x97', 'inputOverflows'),
  'limits.inputBytesStrangers': at('whoever brings more of a CONNECT is cut off', 'inputOverflows'),
  'limits.connections': at('CONNACK 0x89', 'connectionsRefused'),
  'limits.halfOpen': at(`the oldest of ${WITH_MOST} is closed`, 'connectionsRefused'),
  'limits.handshakes': at(`the oldest of ${WITH_MOST} is cut off`, 'connectionsRefused'),
  'limits.connectionsPerAddress': at('CONNACK 0x97 or closed', 'limitedConnections'),
  'limits.connectionsPerUser': at('CONNACK 0x97', 'limitedConnections'),
  'limits.connectRate': at('CONNACK 0x9F or closed', 'limitedConnections'),
  'limits.connectRatePerAddress': at('CONNACK 0x9F or closed', 'limitedConnections'),
  'limits.messageRate': at('the client is not read for a while', 'ratePauses'),
  'limits.byteRate': at('the client is not read for a while', 'ratePauses'),
  'limits.loopDelay': at('newcomers are refused with 0x89', 'overloadRefusals'),
  'limits.outputBytes': at(
    'publishers wait for `backpressure.pauseMax`, then QoS 0 is lost; QoS 1 and 2 wait in the queue',
    'slowConsumers',
    'lost: slow-consumer',
  ),
  'limits.outputBytesNode': at(
    'once half of it is in use, each has an equal share of the rest, and nobody waits',
    'slowConsumers',
    'lost: slow-consumer',
  ),
  'limits.answerBytes': at('the client is not read until it has taken them', 'readingPauses'),
  'limits.unanswered': at('the client is not read until the disk has caught up', 'readingPauses'),
  'limits.unansweredBytes': at('the client is not read until the disk has caught up', 'readingPauses'),
  'limits.retainedMessages': at('QoS 1 and 2 are refused with 0x97, QoS 0 is not kept', 'lost: retained-limit'),
  'limits.retainedBytes': at('QoS 1 and 2 are refused with 0x97, QoS 0 is not kept', 'lost: retained-limit'),
  'limits.routes': at('the oldest are forgotten', 'routesEvicted'),
  'limits.routeBytes': at('the oldest are forgotten', 'routesEvicted'),
  'fanout.segmentBytes': at('buffers are given back after every turn'),
  'backpressure.pauseMax': at('publishers go on, the subscriber loses QoS 0', 'backpressurePauses', 'slowConsumers'),
  'queue.messages': at('`queue.policy`', 'lost: queue-full'),
  'queue.bytes': at('`queue.policy`', 'lost: queue-full'),
  'queue.age': at('the message is dropped', 'lost: too-old'),
  'queue.pageSize': at('the rest is read when it is needed'),
  'queues.memoryBytes': at('messages are in the store alone, or dropped where there is none', 'lost: queue-full'),
  'sessions.max': at('CONNACK 0x97', 'quotaRefusals'),
  'sessions.bytes': at('CONNACK 0x97 for new sessions, 0x97 in the SUBACK', 'quotaRefusals'),
  'sessions.expiryMax': at('the CONNACK says less', 'sessionsExpired'),
  'sessions.expiry3': at('the session ends', 'sessionsExpired'),
  'messages.expiryMax': at('the message is dropped', 'lost: expired'),
  'data.bytesMax': at(STORES_NOTHING, 'lost: store-fault'),
  'data.freeBytesMin': at(STORES_NOTHING, 'lost: store-fault'),
  'data.pendingBytes': at(
    `publishers wait at half of it; then ${STORES_NOTHING}; one message that would bring it over twice the bound is refused whole`,
    'backpressurePauses',
    'lost: store-fault',
  ),
  'policy.timeout': at('the answer is no'),
  'bans.remembered': at('the oldest are forgotten'),
  'bans.fileBytes': at('bans that find no room end with the process, those that last longest are kept'),
  'api.connections': at('the connection is cut off', 'apiRequestsLimited'),
  'api.requestTimeout': at('408, and the connection is closed'),
  'api.requestRate': at('429 with Retry-After', 'apiRequestsLimited'),
  'api.requestRateNode': at('429 with Retry-After', 'apiRequestsLimited'),
  'api.failedLogins': at('429 with Retry-After, for passwords of that address', 'apiLoginsLimited'),
  'api.longestWait': at('429 with Retry-After', 'apiLoginsLimited'),
  'api.loginRate': at('429 with Retry-After, for addresses that have never logged in', 'apiLoginsLimited'),
  'api.addresses': at('the longest quiet is forgotten'),
  'api.sessions': at('the longest idle one ends', 'apiSessionsEvicted'),
  'api.sessionsPerUser': at('the longest idle one of the user ends', 'apiSessionsEvicted'),
  'api.sessionIdle': at('the session ends'),
  'api.sessionLongest': at('the session ends'),
  'api.audit': at('the oldest is read in the files alone'),
  'api.auditBytes': at('the older file is written over'),
  'recorder.clients': at('the longest quiet one is forgotten'),
  'recorder.events': at('the oldest is forgotten'),
  'recorder.refusals': at('the oldest is forgotten'),
  'recorder.bytes': at('the longest quiet client, and the oldest events, are forgotten'),
  'recorder.history': at('the oldest is forgotten'),
  'recorder.fileBytes': at('the older file is written over'),
};

const FILE = fileURLToPath(new URL('../../../docs/bounds.md', import.meta.url));

function table(): string {
  const rows = Object.entries(SETTINGS).flatMap(([key, setting]) => {
    const bound = BOUNDS[key as SettingKey];
    if (bound === undefined) return [];
    const unit = 'unit' in setting ? ` ${setting.unit}` : '';
    const counters = bound.counters.map((name) => `\`${name}\``).join(', ');
    return [
      `| \`${key}\` | ${setting.default.toLocaleString('en')}${unit} | ${setting.text} | ${bound.then} | ${counters} |`,
    ];
  });
  return [
    '# Bounds',
    '',
    'Everything that a peer can make grow has a bound. Each is a setting: `--set key=value`, or a line of the configuration file.',
    'What is counted is under `/metrics`, `limitClosures` as `hawser_limit_closures_total`; `lost: cause` counts messages, for the session',
    'they were for as well, and is `hawser_messages_dropped_total{cause="…"}`. What a process may have open (`ulimit -n`) bounds connections',
    'too: 64 below it newcomers are refused with words (`hawser_connections_refused_total{code="too-many-open-files"}`).',
    'Client Identifiers, filters and topics are held in memory as estimated, so that the process needs somewhat more than the sum.',
    '',
    'This page is made from the settings: `UPDATE_DOCS=1 npx vitest run packages/broker/src/bounds.test.ts`.',
    '',
    '| Key | Default | What it bounds | What happens at it | Counted |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

describe('docs/bounds.md', () => {
  test('is what the settings say', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(FILE, table());
    expect(readFileSync(FILE, 'utf8')).toBe(table());
  });

  test('has every setting that is a limit', () => {
    const limits = Object.keys(SETTINGS).filter(
      (key) => key.startsWith('limits.') && typeof SETTINGS[key as SettingKey].default === 'number',
    );
    expect(limits.filter((key) => !(key in BOUNDS))).toEqual([]);
  });

  test('names counters that there are', () => {
    const counters = new Set(Object.keys(new Counters()));
    const named = Object.values(BOUNDS).flatMap((bound) => bound.counters);
    const unknown = named.filter((name) =>
      name.startsWith('lost: ') ? !(name.slice(6) in LOSSES) : !counters.has(name),
    );
    expect(unknown).toEqual([]);
  });
});
