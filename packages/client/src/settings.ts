import {
  type ConnectProperties,
  MAXIMUM_PACKET_SIZE,
  type ProtocolVersion,
  propertyNamesOf,
  type WillMessage,
} from '@hawser/codec';
import * as PacketType from '@hawser/codec/packet-type';
import { type OptionProblem, validateOptions } from '@hawser/parameters';
import type { QueueBounds } from '@hawser/protocol';
import { type Address, addressOf, isEncrypted, isLoopback, parseAddress } from './connection/address.ts';
import { AddressError, UsageError } from './errors.ts';
import type { WarningEvent } from './events.ts';
import type {
  AuthenticationOptions,
  ClientOptions,
  ConnectOptions,
  Provider,
  TlsOptions,
  WillOptions,
} from './options.ts';
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
  const { signal: _signal, store, servers = [], on: _on, ...connection } = options;
  const { tls = {}, will, url, path, protocolVersion = 5 } = connection;
  const { reconnect = true, queue: { messages = 1000, bytes = 16_777_216, whenFull = 'error' } = {} } = connection;
  const known = { ...connection, tls: typeof tls === 'function' ? undefined : tls };
  const problems = validateOptions(known, { platform: platform.name });
  throwFirst(problems);
  const { host, port, username, password } = connection;
  const main = url === undefined ? addressOf(connection) : parseAddress(url, path);
  // Without user info of its own a server gets the first one's.
  const others = servers.map((server) => {
    const { username = main.username, password = main.password, ...rest } = parseAddress(server, path);
    return { ...rest, username, password };
  });
  const isNamed = [url, host, port].some((given) => given !== undefined);
  const addresses = isNamed || others.length === 0 ? [main, ...others] : others;
  platform.check?.(connection, addresses);
  const warnings: WarningEvent[] = problems.map(({ code, message }) => ({ code, text: message }));
  warnOfPlainCredentials(addresses, username ?? password, warnings);
  const {
    initial = false,
    delay = 1,
    delayMax = 120,
    resetAfter = 30,
    followServerReference = false,
  } = typeof reconnect === 'object' ? reconnect : {};
  const isAuto = protocolVersion === 'auto';
  return {
    addresses,
    clientId: connection.clientId ?? platform.generateClientId(),
    username,
    password,
    connectTimeoutMs: (connection.connectTimeout ?? 10) * 1000,
    keepAlive: connection.keepAlive ?? 60,
    cleanStart: connection.cleanStart ?? true,
    protocolVersion: isAuto ? 5 : protocolVersion,
    // Not when an option is set that only 5.0 has.
    fallsBack:
      isAuto &&
      !validateOptions(known, { platform: platform.name, version: 4 }).some(
        ({ code }) => code === 'option-not-in-this-version',
      ),
    will: will && willOf(will),
    properties: propertiesOf(connection),
    maximumPacketSize: Math.min(connection.maximumPacketSize ?? MAXIMUM_PACKET_SIZE, MAXIMUM_PACKET_SIZE),
    authentication: connection.authentication,
    tls,
    reconnects: reconnect !== false,
    reconnectInitial: initial,
    delayMs: delay * 1000,
    delayMaxMs: delayMax * 1000,
    resetAfterMs: resetAfter * 1000,
    followServerReference,
    onTakenOver: connection.onTakenOver ?? 'stop',
    queue: { messages, bytes, policy: whenFull === 'error' ? 'refuse' : whenFull },
    acknowledge: connection.acknowledge ?? 'auto',
    store,
    warnings,
  };
}

/** Throws the first error there is, and says all of them. */
export function throwFirst(problems: readonly OptionProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (first === undefined) return;
  const { code, option } = first;
  const text = errors.map(({ message }) => message).join('; ');
  // `option-not-in-this-version`, `option-not-on-this-platform`, `mutual-tls-in-browser`
  const isPort = option === 'port' && code !== 'conflicting-options';
  if (!isPort && !/^(option|mutual)-/.test(code)) throw new UsageError(code, text);
  throw new AddressError(isPort ? 'bad-port' : code, text, { option });
}

function willOf(will: WillOptions): WillMessage {
  const { topic, payload = '', qos = 0, retain = false, delayInterval, correlationData, ...message } = will;
  return {
    topic,
    payload: bytesOf(payload),
    qos,
    retain,
    properties: {
      ...message,
      willDelayInterval: delayInterval,
      correlationData: bytesOf(correlationData),
    },
  };
}

/** Its members are options of the same names. */
function propertiesOf(options: ConnectOptions): ConnectProperties {
  const given = options as Readonly<Record<string, unknown>>;
  const properties = Object.fromEntries(propertyNamesOf(PacketType.CONNECT).map((name) => [name, given[name]]));
  return { ...properties, authenticationMethod: options.authentication?.method };
}

function warnOfPlainCredentials(addresses: readonly Address[], given: unknown, warnings: WarningEvent[]): void {
  const open = addresses.find(
    (address) => (given || address.username) && !isEncrypted(address) && !isLoopback(address),
  );
  if (open === undefined) return;
  const text = `user name and password go unencrypted to ${open.host}: use ${open.transport}s://`;
  warnings.push({ code: 'credentials-unencrypted', text });
}

/** UTF-8 of a text; bytes, or nothing, as they are. */
export function bytesOf(value: string | Uint8Array): Uint8Array;
export function bytesOf(value: string | Uint8Array | undefined): Uint8Array | undefined;
export function bytesOf(value: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}
