import type { ConfLine } from './read-lines.ts';

/** What `per_listener_settings` makes a matter of each listener: who may connect, who may do what. */
export interface ConfSecurity {
  anonymous: boolean | undefined;
  passwordFile: string | undefined;
  aclFile: string | undefined;
  /** The first plugin that would have decided. */
  plugin: ConfLine | undefined;
}

/** One listener of a mosquitto.conf; the options in front of the first `listener` make the default one. */
export interface ConfListener {
  readonly isDefault: boolean;
  /** Where it begins. */
  readonly at: Pick<ConfLine, 'file' | 'line'>;
  port: number | undefined;
  host: string | undefined;
  domain: 'ipv4' | 'ipv6' | undefined;
  /** A socket of the file system, in place of host and port. */
  socketPath: string | undefined;
  websockets: boolean;
  cert: string | undefined;
  key: string | undefined;
  ca: readonly string[];
  crl: string | undefined;
  ciphers: string | undefined;
  tls13Ciphers: string | undefined;
  minVersion: 'TLSv1.2' | 'TLSv1.3' | undefined;
  requiresCertificate: boolean;
  /** Which part of the certificate is the user name. */
  certificateName: { cn: boolean; dn: boolean };
  nameIsClientId: boolean;
  maxConnections: number;
  maxQos: number;
  versions: readonly number[] | undefined;
  proxyProtocol: boolean;
  /** `listener_allow_anonymous`, which wins over `allow_anonymous`. */
  listenerAnonymous: boolean | undefined;
  /** Options without which it would let in more than there: it is not opened. */
  readonly unlike: ConfLine[];
  readonly security: ConfSecurity;
  /** An option that, alone, makes Mosquitto open the default listener. */
  isWanted: boolean;
}

/** A whole mosquitto.conf, before anything of it has become Hawser's. */
export interface ConfModel {
  /** The directory that relative paths start from. */
  readonly directory: string;
  readonly listeners: ConfListener[];
  readonly defaultListener: ConfListener;
  readonly security: ConfSecurity;
  /** Values of settings here, by their keys. */
  readonly settings: Map<string, unknown>;
  readonly bridges: { readonly at: ConfLine; address: string }[];
  perListener: boolean;
  persistence: ConfLine | undefined;
  persistenceLocation: string;
  /** No `listener`, `port` or `bind_address` was seen: loopback only, and everybody may come. */
  isLocalOnly: boolean;
  /** Options that would let in whom Mosquitto keeps out: nobody is let in. */
  readonly closing: ConfLine[];
  readonly notes: string[];
}

export function emptyListener(at: Pick<ConfLine, 'file' | 'line'>, isDefault: boolean): ConfListener {
  return {
    isDefault,
    at,
    port: undefined,
    host: undefined,
    domain: undefined,
    socketPath: undefined,
    websockets: false,
    cert: undefined,
    key: undefined,
    ca: [],
    crl: undefined,
    ciphers: undefined,
    tls13Ciphers: undefined,
    minVersion: undefined,
    requiresCertificate: false,
    certificateName: { cn: false, dn: false },
    nameIsClientId: false,
    maxConnections: -1,
    maxQos: 2,
    versions: undefined,
    proxyProtocol: false,
    listenerAnonymous: undefined,
    unlike: [],
    security: emptySecurity(),
    isWanted: false,
  };
}

export function emptySecurity(): ConfSecurity {
  return { anonymous: undefined, passwordFile: undefined, aclFile: undefined, plugin: undefined };
}

/** Says something about a line; its value never, which may be a secret. */
export function note(model: ConfModel, { file, line }: Pick<ConfLine, 'file' | 'line'>, text: string): void {
  model.notes.push(`${file}:${line}: ${text}`);
}
