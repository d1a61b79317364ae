import {
  type ConnectProperties,
  isValidTopicName,
  MAXIMUM_PACKET_SIZE,
  type ProtocolVersion,
  type WillMessage,
} from '@hawser/codec';
import { type OptionProblem, parameters, validateOptions } from '@hawser/parameters';
import type { QueueBounds } from '@hawser/protocol';
import { type Address, addressOf, isEncrypted, isLoopback, parseAddress } from './connection/address.ts';
import { AddressError, UsageError } from './errors.ts';
import type { WarningEvent } from './events.ts';
import type { AuthenticationOptions, ClientOptions, ConnectOptions, Provider, TlsOptions } from './options.ts';
import type { Platform } from './platform.ts';
import type { SessionStore } from './session/session-store.ts';

/** Options after they have been checked, with their defaults; times in milliseconds. */
export interface Settings {
  readonly addresses: readonly Address[];
  readonly clientId: string;
  readonly username: string | Provider<string | undefined> | undefined;
  readonly password: string | Uint8Array | Provider<string | Uint8Array | undefined> | undefined;
  readonly connectTimeoutMs: number;
  readonly keepAlive: number;
  readonly cleanStart: boolean;
  readonly protocolVersion: ProtocolVersion;
  /** Older versions may be tried. */
  readonly fallsBack: boolean;
  readonly will: WillMessage | undefined;
  readonly properties: ConnectProperties;
  readonly maximumPacketSize: number;
  readonly authentication: AuthenticationOptions | undefined;
  readonly tls: TlsOptions | Provider<TlsOptions>;
  readonly reconnects: boolean;
  readonly reconnectInitial: boolean;
  readonly delayMs: number;
  readonly delayMaxMs: number;
  readonly resetAfterMs: number;
  readonly followServerReference: boolean;
  readonly onTakenOver: 'stop' | 'retry';
  readonly queue: QueueBounds;
  readonly acknowledge: 'auto' | 'manual';
  readonly store: SessionStore | undefined;
  readonly warnings: readonly WarningEvent[];
}

/** Checks all options; throws AddressError or UsageError for the first that is wrong, and says all that are. */
export function resolveOptions(options: ClientOptions, platform: Platform): Settings {
  const { signal: _signal, store, servers, acknowledge, on: _on, ...connection } = options;
  const problems = validateOptions(forTable(connection), { platform: platform.name });
  throwFirst(problems);
  const warnings: WarningEvent[] = problems.map(({ code, message }) => ({ code, text: message }));
  if (acknowledge !== undefined && acknowledge !== 'auto' && acknowledge !== 'manual') {
    throw new UsageError('not-one-of', `acknowledge: '${String(acknowledge)}' is not one of 'auto', 'manual'`);
  }
  const addresses = addressesOf(connection, servers);
  const first = addresses[0] as Address;
  const version = connection.protocolVersion ?? 5;
  const reconnect = typeof connection.reconnect === 'object' ? connection.reconnect : {};
  const username = connection.username ?? first.username;
  const password = connection.password ?? first.password;
  warnOfPlainCredentials(addresses, username, password, warnings);
  return {
    addresses,
    clientId: connection.clientId ?? platform.generateClientId(),
    username,
    password,
    connectTimeoutMs: (connection.connectTimeout ?? 10) * 1000,
    keepAlive: connection.keepAlive ?? 60,
    cleanStart: connection.cleanStart ?? true,
    protocolVersion: version === 'auto' ? 5 : version,
    fallsBack: version === 'auto' && !hasOptionOnly5(connection),
    will: willOf(connection),
    properties: propertiesOf(connection),
    maximumPacketSize: Math.min(connection.maximumPacketSize ?? MAXIMUM_PACKET_SIZE, MAXIMUM_PACKET_SIZE),
    authentication: connection.authentication,
    tls: connection.tls ?? {},
    reconnects: connection.reconnect !== false,
    reconnectInitial: reconnect.initial ?? false,
    delayMs: (reconnect.delay ?? 1) * 1000,
    delayMaxMs: (reconnect.delayMax ?? 120) * 1000,
    resetAfterMs: (reconnect.resetAfter ?? 30) * 1000,
    followServerReference: reconnect.followServerReference ?? false,
    onTakenOver: connection.onTakenOver ?? 'stop',
    queue: queueOf(connection),
    acknowledge: acknowledge ?? 'auto',
    store,
    warnings,
  };
}

/** What the table of parameters does not know, or knows in another shape. */
function forTable(options: ConnectOptions): object {
  const { tls, authentication, ...rest } = options;
  const { finish: _finish, ...known } = authentication ?? {};
  return {
    ...rest,
    ...(typeof tls === 'function' ? {} : { tls }),
    ...(authentication === undefined ? {} : { authentication: known }),
  };
}

const ADDRESS_CODES: ReadonlySet<string> = new Set([
  'option-not-in-this-version',
  'mutual-tls-in-browser',
  'option-not-on-this-platform',
]);

function throwFirst(problems: readonly OptionProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (first === undefined) return;
  const text = errors.map(({ message }) => message).join('; ');
  if (ADDRESS_CODES.has(first.code)) throw new AddressError(first.code, text, { option: first.option });
  if (first.option === 'port') throw new AddressError('bad-port', text, { option: first.option });
  throw new UsageError(first.code, text);
}

function addressesOf(options: ConnectOptions, servers: readonly string[] | undefined): Address[] {
  const single = options.host !== undefined || options.port !== undefined || options.transport !== undefined;
  const first =
    options.url !== undefined || !single
      ? parseAddress(options.url ?? 'mqtt://localhost:1883', options.path)
      : addressOf(options);
  return [first, ...(servers ?? []).map((url) => parseAddress(url, options.path))];
}

function hasOptionOnly5(options: ConnectOptions): boolean {
  const given = options as Readonly<Record<string, unknown>>;
  return parameters.some(({ name, versions }) => {
    if (versions.length !== 1 || versions[0] !== 5) return false;
    const [group, member] = name.split('.') as [string, string | undefined];
    const value = given[group];
    return member === undefined
      ? value !== undefined
      : (value as Readonly<Record<string, unknown>> | undefined)?.[member] !== undefined;
  });
}

function willOf({ will }: ConnectOptions): WillMessage | undefined {
  if (will === undefined) return undefined;
  if (!isValidTopicName(will.topic))
    throw new UsageError('topic-name-invalid', `will.topic: '${will.topic}' is no Topic Name`);
  const { topic, payload, qos, retain, delayInterval, correlationData, ...message } = will;
  return {
    topic,
    payload: bytesOf(payload ?? ''),
    qos: qos ?? 0,
    retain: retain ?? false,
    properties: {
      ...message,
      ...(delayInterval === undefined ? {} : { willDelayInterval: delayInterval }),
      ...(correlationData === undefined ? {} : { correlationData: bytesOf(correlationData) }),
    },
  };
}

function propertiesOf(options: ConnectOptions): ConnectProperties {
  const properties: ConnectProperties = {};
  const {
    sessionExpiryInterval,
    receiveMaximum,
    maximumPacketSize,
    topicAliasMaximum,
    userProperties,
    authentication,
  } = options;
  if (sessionExpiryInterval !== undefined) properties.sessionExpiryInterval = sessionExpiryInterval;
  if (receiveMaximum !== undefined) properties.receiveMaximum = receiveMaximum;
  if (maximumPacketSize !== undefined) properties.maximumPacketSize = maximumPacketSize;
  if (topicAliasMaximum !== undefined) properties.topicAliasMaximum = topicAliasMaximum;
  if (userProperties !== undefined) properties.userProperties = userProperties;
  if (options.requestResponseInformation !== undefined)
    properties.requestResponseInformation = options.requestResponseInformation;
  if (options.requestProblemInformation !== undefined)
    properties.requestProblemInformation = options.requestProblemInformation;
  if (authentication !== undefined) properties.authenticationMethod = authentication.method;
  return properties;
}

const POLICIES = { error: 'refuse', 'drop-oldest': 'drop-oldest', 'drop-newest': 'drop-newest' } as const;

function queueOf({ queue }: ConnectOptions): QueueBounds {
  return {
    messages: queue?.messages ?? 1000,
    bytes: queue?.bytes ?? 16_777_216,
    policy: POLICIES[queue?.whenFull ?? 'error'],
  };
}

function warnOfPlainCredentials(
  addresses: readonly Address[],
  username: unknown,
  password: unknown,
  warnings: WarningEvent[],
): void {
  if ((username === undefined || username === '') && (password === undefined || password === '')) return;
  const open = addresses.find((address) => !isEncrypted(address) && !isLoopback(address));
  if (open === undefined) return;
  const text = `user name and password go to ${open.host} unencrypted: everybody on the way can read them; use ${open.transport}s://`;
  warnings.push({ code: 'credentials-unencrypted', text });
}

/** UTF-8 of a text; bytes as they are. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}
