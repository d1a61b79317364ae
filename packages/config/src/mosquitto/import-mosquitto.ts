import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { stringify } from 'yaml';
import { importAcl } from './import-acl.ts';

/** A configuration of Mosquitto, as one of Hawser. */
export interface ImportedConfiguration {
  /** YAML, to be read over. */
  readonly yaml: string;
  /** What has no place here, or another meaning, with its line. */
  readonly notes: readonly string[];
}

interface ImportedListener {
  host: string;
  port: number;
  websockets: boolean;
  line: number;
  tls: Record<string, string>;
  /** Options of this listener alone, where `per_listener_settings` is on. */
  anonymous: boolean | undefined;
  passwordFile: string | undefined;
  aclFile: string | undefined;
  certificateNames: 'cn' | 'dn' | undefined;
}

type Options = Pick<ImportedListener, 'anonymous' | 'passwordFile' | 'aclFile'>;

const DEFAULT_PORT = 1883;
/** Options whose value is the same here under another name, or that say nothing a configuration here must say. */
const SETTINGS: Readonly<Record<string, string>> = {
  max_queued_messages: 'queue.messages',
  max_queued_bytes: 'queue.bytes',
  max_inflight_messages: 'limits.inflight3',
  max_keepalive: 'limits.keepAliveMax',
  max_packet_size: 'limits.maximumPacketSize',
  max_connections: 'limits.connections',
  max_topic_alias: 'limits.topicAliasMaximum',
  sys_interval: 'sys.interval',
};
/** Options that have no place here, but something near it. */
const WORDS: Readonly<Record<string, string>> = {
  include_dir: 'the files in it are not read: put their lines where this one is, and import again',
  message_size_limit: 'counts payloads alone; limits.maximumPacketSize counts whole packets',
  connection: 'bridges are set up at the other broker; this one takes them',
  auth_plugin: 'plugins are not loaded; authentication.chain has passwords, jwt, http and certificate',
  plugin: 'plugins are not loaded; authentication.chain has passwords, jwt, http and certificate',
  psk_file: 'TLS with pre-shared keys is not there; use certificates',
  websockets_log_level: 'log.level is for everything',
};
const WITHOUT_MEANING = new Set([
  'log_dest',
  'log_type',
  'pid_file',
  'user',
  'autosave_interval',
  'autosave_on_changes',
  'persistence_file',
  'log_timestamp',
  'log_timestamp_format',
  'connection_messages',
  'set_tcp_nodelay',
  'socket_domain',
]);

/** Reads a mosquitto.conf and its `include_dir`-less relations. Throws the system's error for a file that cannot be read. */
export function importMosquitto(path: string): ImportedConfiguration {
  return new Importer(dirname(resolve(path))).import(readFileSync(path, 'utf8'));
}

class Importer {
  readonly #directory: string;
  readonly #notes: string[] = [];
  readonly #settings: Record<string, Record<string, unknown>> = {};
  readonly #listeners: ImportedListener[] = [];
  readonly #shared: Options = { anonymous: undefined, passwordFile: undefined, aclFile: undefined };
  #perListener = false;
  #persistence = false;
  #location = './hawser-data';
  #retain = true;

  constructor(directory: string) {
    this.#directory = directory;
  }

  import(text: string): ImportedConfiguration {
    for (const [index, raw] of text.split(/\r?\n/).entries()) {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) continue;
      const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
      this.#read(name, value, index + 1);
    }
    if (!this.#retain) this.#put('limits.retainedMessages', 0);
    const head = ['# Made by `hawser import`. Try it with `hawser check --config FILE`.'];
    return { yaml: `${head.join('\n')}\n${stringify(this.#finish(), { lineWidth: 0 })}`, notes: this.#notes };
  }

  #read(name: string, value: string, line: number): void {
    const listener = this.#listeners.at(-1);
    const scope: Options = this.#perListener && listener !== undefined ? listener : this.#shared;
    switch (name) {
      case 'listener':
      case 'port':
        this.#addListener(name, value, line);
        return;
      case 'bind_address':
        this.#default(line).host = value;
        return;
      case 'protocol':
        this.#default(line).websockets = value === 'websockets';
        return;
      case 'cafile':
        this.#default(line).tls.ca = this.#path(value);
        return;
      case 'certfile':
        this.#default(line).tls.cert = this.#path(value);
        return;
      case 'keyfile':
        this.#default(line).tls.key = this.#path(value);
        return;
      case 'crlfile':
        this.#default(line).tls.crl = this.#path(value);
        return;
      case 'ciphers':
        this.#default(line).tls.ciphers = value;
        return;
      case 'tls_version':
        this.#default(line).tls.minVersion = value === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2';
        return;
      case 'require_certificate':
        this.#default(line).tls.verify = isTrue(value) ? 'required' : 'none';
        return;
      case 'use_identity_as_username':
        if (isTrue(value)) this.#default(line).certificateNames = 'cn';
        return;
      case 'use_subject_as_username':
        if (isTrue(value)) this.#default(line).certificateNames = 'dn';
        return;
      case 'per_listener_settings':
        this.#perListener = isTrue(value);
        return;
      case 'allow_anonymous':
        scope.anonymous = isTrue(value);
        return;
      case 'password_file':
        scope.passwordFile = this.#path(value);
        return;
      case 'acl_file':
        scope.aclFile = this.#path(value);
        return;
      case 'persistence':
        this.#persistence = isTrue(value);
        return;
      case 'persistence_location':
        this.#location = this.#path(value);
        return;
      case 'retain_available':
        this.#retain = isTrue(value);
        return;
      case 'allow_zero_length_clientid':
        if (!isTrue(value)) this.#note(line, `${name}: empty Client Identifiers are taken here`);
        return;
      case 'queue_qos0_messages':
        this.#put('queue.qos0', isTrue(value));
        return;
      case 'persistent_client_expiration':
        this.#putExpiry(value, line);
        return;
      default:
        this.#readOther(name, value, line);
    }
  }

  #readOther(name: string, value: string, line: number): void {
    const key = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (key !== undefined && /^\d+$/.test(value)) {
      // 0 is "no bound" there; here the default is one.
      if (Number(value) > 0 || key === 'sys.interval') this.#put(key, Number(value));
      else this.#note(line, `${name} 0: no bound; the default of ${key} is in force`);
    } else if (Object.hasOwn(WORDS, name)) this.#note(line, `${name} ${value}: ${WORDS[name]}`);
    else if (!WITHOUT_MEANING.has(name))
      this.#note(line, `${name} ${value}`.trim().concat(': nothing here is like it'));
  }

  #addListener(name: string, value: string, line: number): void {
    const [port = '', host = ''] = value.split(/\s+/);
    if (!/^\d+$/.test(port) || port === '0') {
      this.#note(line, `${name} ${value}: sockets of the file system are not listened on here`);
      return;
    }
    this.#listeners.push(emptyListener(Number(port), host, line));
  }

  /** Options before the first listener are those of the default listener. */
  #default(line: number): ImportedListener {
    const last = this.#listeners.at(-1);
    if (last !== undefined) return last;
    const made = emptyListener(DEFAULT_PORT, '', line);
    this.#listeners.push(made);
    return made;
  }

  #putExpiry(value: string, line: number): void {
    const found = /^(\d+)([hdwmy])$/.exec(value);
    const seconds: Record<string, number> = { h: 3600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 };
    if (found === null) this.#note(line, `persistent_client_expiration ${value}: not understood`);
    else this.#put('sessions.expiry3', Math.min(0xffff_ffff, Number(found[1]) * (seconds[found[2] ?? ''] ?? 0)));
  }

  #finish(): Record<string, unknown> {
    // Mosquitto without any listener listens on loopback and takes everybody.
    const listeners = this.#listeners.length > 0 ? this.#listeners : [emptyListener(DEFAULT_PORT, '127.0.0.1', 0)];
    const rules = this.#rules(listeners);
    const open = this.#listeners.length === 0;
    return {
      listeners: listeners.map((listener) => this.#listenerOf(listener)),
      data: this.#persistence ? this.#location : 'memory',
      ...(this.#perListener ? {} : { authentication: authenticationOf(this.#shared, undefined, open) }),
      ...(rules === undefined ? { authorization: { default: 'allow' } } : { authorization: { rules } }),
      ...this.#settings,
    };
  }

  #listenerOf(listener: ImportedListener): Record<string, unknown> {
    const { host, port, websockets, tls, certificateNames } = listener;
    const secure = tls.cert !== undefined;
    const scheme = websockets ? (secure ? 'wss' : 'ws') : secure ? 'mqtts' : 'mqtt';
    const address = host === '' ? '0.0.0.0' : host.includes(':') ? `[${host}]` : host;
    if (websockets && listener.line > 0) this.#note(listener.line, 'WebSockets are taken at the path /mqtt only');
    const own = this.#perListener || certificateNames !== undefined;
    const options = this.#perListener ? listener : this.#shared;
    return {
      url: `${scheme}://${address}:${port}${websockets ? '/mqtt' : ''}`,
      ...(secure ? { tls: { verify: 'none', ...tls } } : {}),
      ...(own ? { authentication: authenticationOf(options, certificateNames, false) } : {}),
    };
  }

  #rules(listeners: readonly ImportedListener[]): readonly unknown[] | undefined {
    const files = new Set(
      [this.#shared.aclFile, ...listeners.map((listener) => listener.aclFile)].filter((path) => path !== undefined),
    );
    if (files.size === 0) return undefined;
    if (files.size > 1) this.#notes.push('there are several acl_files: their rules hold for all listeners here');
    return [...files].flatMap((path) => {
      const { rules, notes } = importAcl(readFileSync(path, 'utf8'));
      this.#notes.push(...notes.map((note) => `${path}: ${note}`));
      return rules;
    });
  }

  #put(key: string, value: unknown): void {
    const [group = '', name = ''] = key.split('.');
    this.#settings[group] = { ...this.#settings[group], [name]: value };
  }

  #note(line: number, text: string): void {
    this.#notes.push(`line ${line}: ${text}`);
  }

  #path(value: string): string {
    return resolve(this.#directory, value);
  }
}

function authenticationOf(options: Options, names: 'cn' | 'dn' | undefined, open: boolean): Record<string, unknown> {
  const chain: unknown[] = [];
  if (names !== undefined) chain.push({ certificate: { name: names } });
  if (options.passwordFile !== undefined) chain.push({ passwords: { file: options.passwordFile } });
  return { anonymous: options.anonymous ?? open, ...(chain.length === 0 ? {} : { chain }) };
}

function emptyListener(port: number, host: string, line: number): ImportedListener {
  return {
    host,
    port,
    websockets: false,
    line,
    tls: {},
    anonymous: undefined,
    passwordFile: undefined,
    aclFile: undefined,
    certificateNames: undefined,
  };
}

function isTrue(value: string): boolean {
  return value === 'true';
}
