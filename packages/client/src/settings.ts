import { type ConnectProperties, type ProtocolVersion, propertyNamesOf, type WillMessage } from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { bytesIn, isPlainObject, type OptionProblem, validateOptions } from '@hawser/parameters';
import { checkSignal, pairsOf } from './check-options.ts';
import { type Address, addressOf, isEncrypted, isLoopback, parseAddress } from './connection/address.ts';
import { AddressError, UsageError } from './errors.ts';
import type {
  ClientOptions,
  ConnectOptions,
  Provider,
  QueueOptions,
  ReconnectOptions,
  TlsOptions,
  WillOptions,
} from './options.ts';
import type { Platform } from './platform.ts';
import type { SessionStore } from './session/session-store.ts';

/** Options after they have been checked, with their defaults; as users give them, in seconds. */
export interface Settings extends Pick<ConnectOptions, 'username' | 'password' | 'authentication'> {
  readonly addresses: readonly Address[];
  readonly clientId: string;
  /** It was generated, by this client or the server: no other client has it. */
  readonly hasOwnClientId: boolean;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly cleanStart: boolean;
  readonly protocolVersion: ProtocolVersion;
  /** Older versions may be tried. */
  readonly fallsBack: boolean;
  readonly will: WillMessage | undefined;
  readonly properties: ConnectProperties;
  readonly tls: TlsOptions | Provider<TlsOptions>;
  readonly reconnects: boolean;
  readonly reconnect: Given<ReconnectOptions, keyof typeof RECONNECT>;
  readonly onTakenOver: 'stop' | 'retry';
  readonly queue: QueueSettings;
  readonly acknowledge: 'auto' | 'manual';
  readonly store: SessionStore | undefined;
  readonly warnings: readonly Warning[];
}

/** Bounds of what waits for the server. */
export type QueueSettings = Given<QueueOptions, keyof QueueOptions>;

type Warning = Pick<OptionProblem, 'message'> & { readonly code: string };
/** Options of which some are there, given or not. */
type Given<T, K extends keyof T> = T & { readonly [N in K]-?: Exclude<T[N], undefined> };

const DEFAULTS = {
  connectTimeout: 10,
  keepAlive: 60,
  cleanStart: true,
  onTakenOver: 'stop',
  acknowledge: 'auto',
} as const;
const RECONNECT = { delay: 1, delayMax: 120, resetAfter: 30 };
const QUEUE = { messages: 1000, bytes: 16_777_216, whenFull: 'error' } as const;

/** Checks all options; throws AddressError or UsageError for the first that is wrong, and says all that are. */
export function resolveOptions(options: ClientOptions, platform: Platform): Settings {
  const { signal, store, servers = [], on = {}, ...connection } = options;
  checkSignal(signal);
  if (!isPlainObject(on)) throw new UsageError('wrong-type', 'on: takes an object of listeners');
  if (!Array.isArray(servers) || servers.some((server) => typeof server !== 'string'))
    throw new UsageError('wrong-type', `servers: takes a list of addresses: ['mqtts://second.example.com']`);
  const { url, host, port, path, username, password, will, clientId } = connection;
  const { protocolVersion = 5, tls = {}, reconnect = true, queue = {} } = connection;
  const known = { ...connection, tls: typeof tls === 'function' ? undefined : tls };
  const problems = validateOptions(known, { platform: platform.name });
  throwFirst(problems);
  const main = url === undefined ? addressOf(connection) : parseAddress(url, path);
  // A server whose address has no user info gets that of the first server.
  const others = servers.map((server) => {
    const address = parseAddress(server, path);
    if (address.username !== undefined) return address;
    return { ...address, username: main.username, password: main.password };
  });
  const isNamed = (url ?? host ?? port) !== undefined;
  const addresses = isNamed || others.length === 0 ? [main, ...others] : others;
  platform.check?.(connection, addresses);
  const isAuto = protocolVersion === 'auto';
  return {
    ...withDefaults(DEFAULTS, connection),
    addresses,
    clientId: clientId ?? platform.generateClientId(),
    hasOwnClientId: !clientId,
    protocolVersion: isAuto ? 5 : protocolVersion,
    // Not when an option is set that only 5.0 has.
    fallsBack:
      isAuto &&
      validateOptions(known, { platform: platform.name, version: 4 }).every(
        ({ code }) => code !== 'option-not-in-this-version',
      ),
    will: will && willOf(will),
    properties: propertiesOf(connection),
    tls,
    reconnects: reconnect !== false,
    reconnect: withDefaults(RECONNECT, reconnect as ReconnectOptions),
    queue: withDefaults(QUEUE, queue),
    store,
    warnings: [...problems, ...warningsOfPlainCredentials(addresses, username ?? password)],
  };
}

/** What is `undefined` counts as not given. */
function withDefaults<T extends object, K extends keyof T>(defaults: Pick<T, K>, given: T): Given<T, K> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(entries) } as Given<T, K>;
}

/** Throws the first error there is, and says all of them. */
export function throwFirst(problems: readonly OptionProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (!first) return;
  const { code, option } = first;
  const text = errors.map(({ message }) => message).join('; ');
  // `option-not-in-this-version`, `option-not-on-this-platform`, `mutual-tls-in-browser`
  const isPort = option === 'port' && code !== 'conflicting-options';
  if (!isPort && !/^(option|mutual)-/.test(code)) throw new UsageError(code, text);
  throw new AddressError(isPort ? 'bad-port' : code, text, { option });
}

function willOf(will: WillOptions): WillMessage {
  const {
    topic,
    payload = '',
    qos = 0,
    retain = false,
    delayInterval,
    correlationData,
    userProperties,
    ...message
  } = will;
  return {
    topic,
    payload: bytesOf(payload),
    qos,
    retain,
    properties: {
      ...message,
      userProperties: pairsOf(userProperties),
      willDelayInterval: delayInterval,
      correlationData: bytesOf(correlationData),
    },
  };
}

/** Its members are options of the same names. */
function propertiesOf(options: ConnectOptions): ConnectProperties {
  const given = options as Readonly<Record<string, unknown>>;
  const properties = Object.fromEntries(propertyNamesOf(PacketType.CONNECT).map((name) => [name, given[name]]));
  const userProperties = pairsOf(options.userProperties);
  return { ...properties, userProperties, authenticationMethod: options.authentication?.method };
}

function warningsOfPlainCredentials(addresses: readonly Address[], given: unknown): Warning[] {
  return addresses
    .filter((address) => (given || address.username) && !isEncrypted(address) && !isLoopback(address))
    .slice(0, 1)
    .map(({ host, transport }) => ({
      code: 'credentials-unencrypted',
      message: `user name and password go unencrypted to ${host}: use ${transport}s://`,
    }));
}

/** UTF-8 of a text; bytes as such, of whatever realm they are; nothing stays nothing. */
export function bytesOf(value: string | Uint8Array): Uint8Array;
export function bytesOf(value: string | Uint8Array | undefined): Uint8Array | undefined;
export function bytesOf(value: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? new TextEncoder().encode(value) : bytesIn(value);
}
