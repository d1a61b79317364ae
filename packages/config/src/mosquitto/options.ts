import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ConfListener, type ConfModel, emptyListener, note } from './conf-model.ts';
import { type ConfLine, flagOf, MosquittoConfError, messageOf, numberOf, textOf } from './read-lines.ts';

/** What becomes of an option of mosquitto.conf. */
export type Carried = 'carried over' | 'in part' | 'not' | 'nothing to carry over';

/** One option of mosquitto.conf(5). */
export interface ConfOption {
  readonly carried: Carried;
  /** What it is here, or why it is not. Goes into the note of a line, unless the option is carried over whole. */
  readonly words: string;
  /** Mosquitto 2.1 and newer only. */
  readonly since21?: true;
  /** Absent: only the note is written. */
  readonly read?: (model: ConfModel, listener: ConfListener, entry: ConfLine) => void;
}

type Read = NonNullable<ConfOption['read']>;

const carried = (words: string, read: Read): ConfOption => ({ carried: 'carried over', words, read });
const inPart = (words: string, read: Read): ConfOption => ({ carried: 'in part', words, read });
const not = (words: string, read?: Read): ConfOption => ({
  carried: 'not',
  words,
  ...(read === undefined ? {} : { read }),
});
const nothing = (words: string): ConfOption => ({ carried: 'nothing to carry over', words });
const since21 = (option: ConfOption): ConfOption => ({ ...option, since21: true });

const LOGS = 'logs go to standard error as lines of JSON; log.level says how much';
const DATABASE = 'what is acknowledged is on disk here, so nothing is saved now and then';
const BRIDGE = 'bridges are set up at the other broker, whose connection is taken here like any client’s';
const PLUGIN =
  'plugins are not loaded: nobody is let in until authentication.chain (passwords, jwt, http, certificate) says who is';

/** Every option of mosquitto.conf(5), of 2.0 and 2.1. */
export const CONF_OPTIONS: Readonly<Record<string, ConfOption>> = {
  // Who may connect, who may do what.
  per_listener_settings: carried('authentication and authorization of each listener', (model, _listener, entry) => {
    model.perListener = flagOf(entry);
  }),
  allow_anonymous: carried('authentication.anonymous', (model, listener, entry) => {
    securityOf(model, listener).anonymous = flagOf(entry);
  }),
  listener_allow_anonymous: since21(
    carried('listeners[].authentication.anonymous', (_model, listener, entry) => {
      listener.listenerAnonymous = flagOf(entry);
    }),
  ),
  password_file: carried('authentication.chain: passwords', (model, listener, entry) => {
    securityOf(model, listener).passwordFile = pathOf(model, entry);
    if (model.perListener) listener.isWanted = true;
  }),
  acl_file: carried('authorization.rules, with wider: filter', (model, listener, entry) => {
    securityOf(model, listener).aclFile = pathOf(model, entry);
  }),
  auth_plugin: not(PLUGIN, takePlugin),
  plugin: since21(not(PLUGIN, takePlugin)),
  plugin_load: since21(not(PLUGIN, takePlugin)),
  plugin_use: since21(not(PLUGIN, takePlugin)),
  global_plugin: since21(not(PLUGIN, takePlugin)),
  auth_plugin_deny_special_chars: nothing('no plugin is asked'),
  clientid_prefixes: not('nothing here is like it: nobody is let in until authentication says who is', close),
  check_retain_source: nothing('whether a receiver may have a retained message is looked at when it is delivered'),
  psk_file: not('TLS with pre-shared keys is not there: use certificates'),

  // Listeners.
  listener: carried('listeners[].url', takeListener),
  port: carried('listeners[].url', (model, _listener, entry) => {
    model.isLocalOnly = false;
    model.defaultListener.port = portOf(entry);
    model.defaultListener.isWanted = true;
  }),
  bind_address: carried('listeners[].url', (model, _listener, entry) => {
    model.isLocalOnly = false;
    model.defaultListener.host = textOf(entry);
    model.defaultListener.isWanted = true;
  }),
  bind_interface: not('a listener here has an address, not an interface: it is not opened', leaveOut),
  socket_domain: carried('0.0.0.0 or [::] in listeners[].url', (_model, listener, entry) => {
    if (entry.value !== 'ipv4' && entry.value !== 'ipv6')
      throw new MosquittoConfError(entry, 'socket_domain takes ipv4 or ipv6');
    listener.domain = entry.value;
    listener.isWanted = true;
  }),
  protocol: inPart('ws or wss in listeners[].url; WebSockets are taken at the path /mqtt only', takeProtocol),
  accept_protocol_versions: since21(carried('listeners[].versions', takeVersions)),
  max_connections: inPart('limits.connections, which counts over all listeners', (_model, listener, entry) => {
    listener.maxConnections = numberOf(entry);
    listener.isWanted = true;
  }),
  max_qos: inPart('a rule that denies a higher QoS; it is not announced in the CONNACK', (_model, listener, entry) => {
    listener.maxQos = numberOf(entry);
    listener.isWanted = true;
  }),
  mount_point: not(
    'topics get no prefix here, so its clients would see all topics: the listener is not opened; open it with rules for them',
    leaveOut,
  ),
  use_username_as_clientid: inPart(
    'only its user may have a Client Identifier (clientIds: same-principal); the Client Identifier itself stays as the client says',
    (_model, listener, entry) => {
      listener.nameIsClientId = flagOf(entry);
      listener.isWanted ||= listener.nameIsClientId;
    },
  ),
  use_identity_as_username: carried('authentication.chain: certificate, name cn', (_model, listener, entry) => {
    listener.certificateName.cn = flagOf(entry);
    listener.isWanted ||= listener.certificateName.cn;
  }),
  use_subject_as_username: carried('authentication.chain: certificate, name dn', (_model, listener, entry) => {
    listener.certificateName.dn = flagOf(entry);
    listener.isWanted ||= listener.certificateName.dn;
  }),
  enable_proxy_protocol: since21(
    inPart(
      'listeners[].proxyProtocol, which believes balancers on this machine only: name the addresses of yours there',
      (_model, listener, entry) => {
        listener.proxyProtocol = numberOf(entry) > 0;
      },
    ),
  ),
  proxy_protocol_v2_require_tls: since21(
    not('a balancer’s word on TLS is not asked for: the listener is not opened', leaveOutWhenOn),
  ),
  websockets_origin: since21(
    inPart('websocket.origins, which holds for all listeners', (model, _listener, entry) => {
      const before = model.settings.get('websocket.origins');
      model.settings.set('websocket.origins', before === undefined ? textOf(entry) : `${before},${textOf(entry)}`);
    }),
  ),
  http_dir: not('files are not served'),
  http_api: since21(not('the HTTP API here is that of the key `console`')),
  enable_control_api: since21(not('the HTTP API here is that of the key `console`')),
  websockets_headers_size: nothing('the size of headers is bounded by Node'),
  websockets_log_level: nothing(LOGS),
  allow_zero_length_clientid: not('an empty Client Identifier is taken here, and another assigned', noteWhenOff),
  auto_id_prefix: not('assigned Client Identifiers have no prefix'),
  listener_auto_id_prefix: since21(not('assigned Client Identifiers have no prefix')),

  // TLS of listeners.
  certfile: carried('listeners[].tls.cert', (model, listener, entry) => {
    listener.cert = pathOf(model, entry);
    listener.isWanted = true;
  }),
  keyfile: carried('listeners[].tls.key', (model, listener, entry) => {
    listener.key = pathOf(model, entry);
    listener.isWanted = true;
  }),
  cafile: carried('listeners[].tls.ca', (model, listener, entry) => {
    listener.ca = [...listener.ca, pathOf(model, entry)];
    listener.isWanted = true;
  }),
  capath: inPart(
    'listeners[].tls.ca names the files that are there now; one that comes later has to be added',
    takeCaPath,
  ),
  crlfile: carried('listeners[].tls.crl', (model, listener, entry) => {
    listener.crl = pathOf(model, entry);
    listener.isWanted = true;
  }),
  ciphers: carried('listeners[].tls.ciphers', (_model, listener, entry) => {
    listener.ciphers = textOf(entry);
    listener.isWanted = true;
  }),
  'ciphers_tls1.3': carried('listeners[].tls.ciphers', (_model, listener, entry) => {
    listener.tls13Ciphers = textOf(entry);
    listener.isWanted = true;
  }),
  tls_version: inPart('listeners[].tls.minVersion; TLS older than 1.2 is never spoken', takeTlsVersion),
  require_certificate: carried('listeners[].tls.verify', (_model, listener, entry) => {
    listener.requiresCertificate = flagOf(entry);
    listener.isWanted ||= listener.requiresCertificate;
  }),
  disable_client_cert_date_checks: since21(not('the dates of certificates are always checked', noteWhenOn)),
  dhparamfile: nothing('parameters for Diffie-Hellman are chosen by OpenSSL'),
  psk_hint: not(
    'TLS with pre-shared keys is not there: the listener is not opened; open it with certificates',
    leaveOut,
  ),
  tls_engine: not('keys in an engine cannot be used: the listener is not opened', leaveOut),
  tls_engine_kpass_sha1: not('keys in an engine cannot be used: the listener is not opened', leaveOut),
  tls_keyform: not('keys in an engine cannot be used: the listener is not opened', (_model, listener, entry) => {
    if (entry.value !== 'pem') listener.unlike.push(entry);
  }),

  // Bounds.
  max_queued_messages: bound('queue.messages'),
  max_queued_bytes: bound('queue.bytes'),
  max_inflight_messages: bound('limits.inflight3', 'which is for 3.x clients; those of 5.0 say it themselves'),
  max_inflight_bytes: bound('limits.inflightBytes'),
  max_keepalive: bound('limits.keepAliveMax'),
  max_packet_size: bound('limits.maximumPacketSize'),
  message_size_limit: inPart(
    'limits.maximumPacketSize, which counts the whole packet: the limit of the payload and 1,024 bytes more',
    (model, _listener, entry) => {
      const bytes = numberOf(entry);
      if (bytes > 0 && !model.settings.has('limits.maximumPacketSize'))
        model.settings.set('limits.maximumPacketSize', bytes + 1024);
    },
  ),
  max_topic_alias: bound('limits.topicAliasMaximum', 'which holds for all listeners', true),
  max_topic_alias_broker: since21(bound('limits.outboundAliases', undefined, true)),
  global_max_connections: since21(bound('limits.connections')),
  global_max_clients: since21(bound('sessions.max')),
  memory_limit: not('memory is bounded part by part: docs/bounds.md'),
  packet_buffer_size: since21(nothing('buffers have no fixed size')),
  persistent_client_expiration: carried('sessions.expiry3, for 3.x clients', takeExpiry),
  retain_expiry_interval: since21(not('only a message’s Message Expiry Interval ends a retained message')),
  queue_qos0_messages: carried('queue.qos0', (model, _listener, entry) => {
    model.settings.set('queue.qos0', flagOf(entry));
  }),
  retain_available: inPart('limits.retainedMessages: 0 when it is false', (model, _listener, entry) => {
    if (!flagOf(entry)) model.settings.set('limits.retainedMessages', 0);
  }),
  allow_duplicate_messages: carried('subscriptions.overlapping', (model, _listener, entry) => {
    model.settings.set('subscriptions.overlapping', flagOf(entry) ? 'each' : 'merge');
  }),
  upgrade_outgoing_qos: not('a message never gets a higher QoS than it was published with [MQTT5-3.8.4-8]', noteWhenOn),
  sys_interval: carried('sys.interval', (model, _listener, entry) => {
    model.settings.set('sys.interval', numberOf(entry));
  }),
  set_tcp_nodelay: nothing('it is always on'),

  // What is kept.
  persistence: inPart(
    'data; mosquitto.db itself is not read: sessions and retained messages begin anew',
    (model, _l, entry) => {
      model.persistence = flagOf(entry) ? entry : undefined;
    },
  ),
  persistence_location: carried('data', (model, _listener, entry) => {
    model.persistenceLocation = pathOf(model, entry);
  }),
  persistence_file: nothing('the files here have names of their own'),
  autosave_interval: nothing(DATABASE),
  autosave_on_changes: nothing(DATABASE),
  retained_persistence: nothing('retained messages are kept with the rest'),

  // The process and its logs.
  include_dir: carried('its files are read where it stands', () => {}),
  user: nothing('the service that starts the broker says as which user'),
  pid_file: nothing('the service that starts the broker knows its process'),
  log_dest: nothing(LOGS),
  log_facility: nothing(LOGS),
  log_type: nothing(LOGS),
  log_timestamp: nothing(LOGS),
  log_timestamp_format: nothing(LOGS),
  connection_messages: nothing('every connection and every refusal is recorded: `hawser explain`'),
  retry_interval: nothing('messages are sent again when a client has connected again [MQTT5-4.4.0-1]'),

  // Bridges.
  connection: not(BRIDGE, (model, _listener, entry) => {
    model.bridges.push({ at: entry, address: '' });
  }),
  address: not(BRIDGE, takeAddress),
  addresses: not(BRIDGE, takeAddress),
  ...Object.fromEntries(
    [
      ...['bridge_attempt_unsubscribe', 'bridge_bind_address', 'bridge_max_packet_size', 'bridge_outgoing_retain'],
      ...['bridge_protocol_version', 'bridge_reload_type', 'cleansession', 'local_cleansession', 'keepalive_interval'],
      ...[
        'idle_timeout',
        'local_clientid',
        'local_password',
        'local_username',
        'notifications',
        'clientid',
        'password',
      ],
      ...['notifications_local_only', 'notification_topic', 'remote_clientid', 'remote_password', 'remote_username'],
      ...['restart_timeout', 'round_robin', 'start_type', 'threshold', 'topic', 'try_private', 'username'],
      ...['bridge_alpn', 'bridge_cafile', 'bridge_capath', 'bridge_certfile', 'bridge_identity', 'bridge_insecure'],
      ...['bridge_keyfile', 'bridge_psk', 'bridge_require_ocsp', 'bridge_tls_version'],
    ].map((name) => [name, ofBridge()]),
  ),
  ...Object.fromEntries(
    [
      ...['bridge_ciphers', 'bridge_ciphers_tls1.3', 'bridge_max_topic_alias', 'bridge_receive_maximum'],
      ...[
        'bridge_session_expiry_interval',
        'bridge_tcp_keepalive',
        'bridge_tcp_user_timeout',
        'bridge_tls_use_os_certs',
      ],
    ].map((name) => [name, since21(ofBridge())]),
  ),
};

/** Of these the name goes on with what the plugin calls it. */
const PLUGIN_OPTION = /^(?:auth|plugin)_opt_/;

/** Reads one option into the model. Throws MosquittoConfError for a value that Mosquitto refuses too. */
export function readOption(model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  // A plugin's option is a matter of the plugin, and often a password.
  if (PLUGIN_OPTION.test(entry.name)) return;
  const option = Object.hasOwn(CONF_OPTIONS, entry.name) ? CONF_OPTIONS[entry.name] : undefined;
  if (option === undefined) {
    note(model, entry, `${entry.name}: no option of Mosquitto that is known here; see whether it kept somebody out`);
    return;
  }
  option.read?.(model, listener, entry);
  if (option.read === undefined && option.carried === 'not') note(model, entry, `${entry.name}: ${option.words}`);
  if (option.carried === 'in part') note(model, entry, `${entry.name}: ${option.words}`);
}

function securityOf(model: ConfModel, listener: ConfListener) {
  return model.perListener ? listener.security : model.security;
}

function ofBridge(): ConfOption {
  // The note stands at the `connection`; values here may be passwords.
  return not(BRIDGE, () => {});
}

/** 0 and −1 are "no bound" there, where a default is in force here. */
function bound(key: string, words?: string, zeroCounts = false): ConfOption {
  const text = words === undefined ? key : `${key}, ${words}`;
  return carried(text, (model, _listener, entry) => {
    const value = numberOf(entry);
    if (value > 0 || (zeroCounts && value === 0)) model.settings.set(key, value);
    else note(model, entry, `${entry.name}: without a bound there; here the default of ${key} is in force`);
  });
}

function takePlugin(model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  const security = entry.name === 'global_plugin' ? model.security : securityOf(model, listener);
  security.plugin ??= entry;
  if (model.perListener) listener.isWanted = true;
  note(model, entry, `${entry.name}: ${PLUGIN}`);
}

function close(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  model.closing.push(entry);
  note(model, entry, `${entry.name}: ${CONF_OPTIONS[entry.name]?.words ?? ''}`);
}

function leaveOut(_model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  listener.unlike.push(entry);
  listener.isWanted = true;
}

function leaveOutWhenOn(model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  if (flagOf(entry)) leaveOut(model, listener, entry);
}

function noteWhenOn(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  if (flagOf(entry)) note(model, entry, `${entry.name}: ${CONF_OPTIONS[entry.name]?.words ?? ''}`);
}

function noteWhenOff(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  if (!flagOf(entry)) note(model, entry, `${entry.name}: ${CONF_OPTIONS[entry.name]?.words ?? ''}`);
}

/** `listener PORT [ADDRESS]`, or `listener 0 PATH` for a socket of the file system. */
function takeListener(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  const [, port = '', host = ''] = /^(\S*)\s*(.*)$/.exec(entry.value) ?? [];
  const made = emptyListener(entry, false);
  model.isLocalOnly = false;
  model.listeners.push(made);
  if (port === '0') {
    if (host === '') throw new MosquittoConfError(entry, 'listener 0 takes the path of a socket');
    made.socketPath = host;
    return;
  }
  made.port = portOf({ ...entry, value: port });
  if (host !== '' && !host.startsWith('#')) made.host = host;
}

function portOf(entry: ConfLine): number {
  const port = numberOf(entry);
  if (port < 1 || port > 65_535) throw new MosquittoConfError(entry, `${entry.name} takes a port from 1 to 65535`);
  return port;
}

function takeProtocol(model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  const [protocol = ''] = entry.value.split(/\s/);
  listener.isWanted ||= protocol !== 'mqtt';
  if (protocol === 'websockets') listener.websockets = true;
  else if (protocol !== 'mqtt') leaveOut(model, listener, entry);
}

function takeVersions(_model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  const versions = entry.value.split(',').map((word) => Number(word.trim()));
  if (versions.some((version) => version !== 3 && version !== 4 && version !== 5))
    throw new MosquittoConfError(entry, 'accept_protocol_versions takes 3, 4 and 5, with commas between them');
  listener.versions = versions;
}

function takeCaPath(model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  const directory = pathOf(model, entry);
  listener.isWanted = true;
  try {
    const files = readdirSync(directory).filter((name) => /\.(?:pem|crt)$/.test(name));
    listener.ca = [...listener.ca, ...files.sort().map((name) => join(directory, name))];
  } catch (error) {
    note(model, entry, `capath ${directory} cannot be read: ${messageOf(error)}`);
  }
}

function takeTlsVersion(_model: ConfModel, listener: ConfListener, entry: ConfLine): void {
  const [version = ''] = entry.value.split(/\s/);
  if (!/^tlsv1(?:\.[123])?$/.test(version)) throw new MosquittoConfError(entry, 'tls_version takes tlsv1.2 or tlsv1.3');
  listener.minVersion = version === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2';
}

function takeExpiry(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  const found = /^(\d+)([hdwmy])$/.exec(entry.value);
  const seconds: Record<string, number> = { h: 3600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 };
  if (found === null)
    throw new MosquittoConfError(entry, 'persistent_client_expiration takes a number and one of h, d, w, m, y');
  model.settings.set('sessions.expiry3', Math.min(0xffff_ffff, Number(found[1]) * (seconds[found[2] ?? ''] ?? 0)));
}

function takeAddress(model: ConfModel, _listener: ConfListener, entry: ConfLine): void {
  const bridge = model.bridges.at(-1);
  if (bridge !== undefined) bridge.address = entry.value;
}

function pathOf(model: ConfModel, entry: ConfLine): string {
  return resolve(model.directory, textOf(entry));
}
