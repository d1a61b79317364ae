import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { type ConfListener, type ConfModel, emptyListener, emptySecurity, note } from './conf-model.ts';
import { importAcl } from './import-acl.ts';
import { readOption } from './options.ts';
import { MosquittoConfError, readConfLines } from './read-lines.ts';

/** A configuration of Mosquitto, as one of Hawser. */
export interface ImportedConfiguration {
  /** YAML, to be read over. */
  readonly yaml: string;
  /** What has no place here, or another meaning: file, line and what to do. Values that may be secret are not in them. */
  readonly notes: readonly string[];
}

const DEFAULT_PORT = 1883;

/**
 * Reads a mosquitto.conf with its `include_dir` and its ACL files. What can't be carried over leaves closed: a listener that would let
 * in more than Mosquitto's is not opened, and where a plugin decided nobody is let in; the notes say what to do. Throws
 * MosquittoConfError for what Mosquitto refuses too, and the system's error for a file that cannot be read.
 */
export function importMosquitto(path: string): ImportedConfiguration {
  const main = resolve(path);
  const model = emptyModel(main);
  // Each file begins with the default listener, and an included one leaves the listener of the main file as it was.
  const current = new Map<string, ConfListener>();
  for (const entry of readConfLines(main)) {
    const before = model.listeners.length;
    readOption(model, current.get(entry.file) ?? model.defaultListener, entry);
    const made = model.listeners[before];
    if (made !== undefined) current.set(entry.file, made);
  }
  const head = '# Made by `hawser import`. Try it with `hawser check --config FILE`.';
  return { yaml: `${head}\n${stringify(configurationOf(model), { lineWidth: 0 })}`, notes: model.notes };
}

function emptyModel(main: string): ConfModel {
  return {
    directory: dirname(main),
    listeners: [],
    defaultListener: emptyListener({ file: main, line: 1 }, true),
    security: emptySecurity(),
    settings: new Map(),
    bridges: [],
    perListener: false,
    persistence: undefined,
    persistenceLocation: resolve(dirname(main)),
    isLocalOnly: true,
    closing: [],
    notes: [],
  };
}

function configurationOf(model: ConfModel): Record<string, unknown> {
  for (const { at, address } of model.bridges) {
    const where = address === '' ? '' : ` to ${address}`;
    note(
      model,
      at,
      `connection ${at.value}${where}: bridges are set up at the other broker, whose connection is taken here`,
    );
  }
  const wanted = model.isLocalOnly || model.defaultListener.isWanted;
  const all = wanted ? [model.defaultListener, ...model.listeners] : model.listeners;
  const opened = all.filter((listener) => mayOpen(model, listener));
  const acls = new Map<string, readonly unknown[]>();
  const listeners = opened.map((listener) => listenerOf(model, listener, acls));
  boundConnections(model, opened);
  // A configuration without listeners would have the default ones.
  if (listeners.length === 0) listeners.push(CLOSED);
  return {
    ...withSharedPolicies(listeners),
    data: model.persistence === undefined ? 'memory' : model.persistenceLocation,
    ...settingsOf(model),
  };
}

/** What is the same at every listener is said once. */
function withSharedPolicies(listeners: readonly Record<string, unknown>[]): Record<string, unknown> {
  const shared: Record<string, unknown> = {};
  for (const key of ['authentication', 'authorization']) {
    const [first, ...others] = listeners.map((listener) => listener[key]);
    if (others.every((other) => isDeepStrictEqual(first, other))) shared[key] = first;
  }
  const own = listeners.map((listener) =>
    Object.fromEntries(Object.entries(listener).filter(([key]) => !Object.hasOwn(shared, key))),
  );
  return { listeners: own, ...shared };
}

/** It is there, reachable from this machine alone, and lets nobody in. */
const CLOSED: Record<string, unknown> = {
  url: `mqtt://127.0.0.1:${DEFAULT_PORT}`,
  authentication: { anonymous: false },
  authorization: { default: 'deny' },
};

function mayOpen(model: ConfModel, listener: ConfListener): boolean {
  const { unlike, socketPath, at, cert, key } = listener;
  for (const entry of unlike) note(model, entry, `${entry.name}: ${OPEN_IT_YOURSELF}`);
  if (socketPath !== undefined) note(model, at, `listener 0: a socket of the file system; ${OPEN_IT_YOURSELF}`);
  if ((cert === undefined) !== (key === undefined))
    throw new MosquittoConfError(at, 'this listener has one of certfile and keyfile, and needs both');
  return unlike.length === 0 && socketPath === undefined;
}

const OPEN_IT_YOURSELF =
  'nothing here keeps out what that kept out, so its listener is not opened; write one under listeners, with the authentication and authorization that it needs';

function listenerOf(
  model: ConfModel,
  listener: ConfListener,
  acls: Map<string, readonly unknown[]>,
): Record<string, unknown> {
  const { cert, key, ca, crl, websockets, versions, proxyProtocol, nameIsClientId } = listener;
  const secure = cert !== undefined;
  const scheme = websockets ? (secure ? 'wss' : 'ws') : secure ? 'mqtts' : 'mqtt';
  return {
    url: `${scheme}://${hostOf(model, listener)}:${listener.port ?? DEFAULT_PORT}${websockets ? '/mqtt' : ''}`,
    ...(secure
      ? {
          tls: {
            cert,
            key,
            ...(ca.length === 0 ? {} : { ca }),
            ...(crl === undefined ? {} : { crl }),
            ...tlsOf(listener),
          },
        }
      : {}),
    ...(versions === undefined ? {} : { versions }),
    ...(proxyProtocol ? { proxyProtocol: 'loopback' } : {}),
    ...(nameIsClientId ? { clientIds: 'same-principal' } : {}),
    authentication: authenticationOf(model, listener),
    authorization: authorizationOf(model, listener, acls),
  };
}

function tlsOf({ requiresCertificate, minVersion, ciphers, tls13Ciphers }: ConfListener): Record<string, unknown> {
  const names = [tls13Ciphers, ciphers].filter((list) => list !== undefined);
  return {
    verify: requiresCertificate ? 'required' : 'none',
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(names.length === 0 ? {} : { ciphers: names.join(':') }),
  };
}

function hostOf(model: ConfModel, { isDefault, host, domain }: ConfListener): string {
  if (isDefault && model.isLocalOnly) return '127.0.0.1';
  if (host !== undefined) return host.includes(':') ? `[${host}]` : host;
  if (domain !== undefined) return domain === 'ipv4' ? '0.0.0.0' : '[::]';
  return '*';
}

function authenticationOf(model: ConfModel, listener: ConfListener): Record<string, unknown> {
  const security = model.perListener ? listener.security : model.security;
  const { certificateName, requiresCertificate, listenerAnonymous, nameIsClientId } = listener;
  if (isClosed(model, listener)) return { anonymous: false };
  // With a name out of the certificate no password is asked for.
  if (requiresCertificate && (certificateName.cn || certificateName.dn))
    return { anonymous: false, chain: [{ certificate: { name: certificateName.cn ? 'cn' : 'dn' } }] };
  const anonymous = model.isLocalOnly || (listenerAnonymous ?? security.anonymous ?? false);
  return {
    // Without a name there is none to be its Client Identifier.
    anonymous: anonymous && !nameIsClientId,
    ...(security.passwordFile === undefined ? {} : { chain: [{ passwords: { file: security.passwordFile } }] }),
  };
}

/** A plugin or an option without a likeness decided: here nobody is let in. */
function isClosed(model: ConfModel, listener: ConfListener): boolean {
  const plugin = model.security.plugin ?? (model.perListener ? listener.security.plugin : undefined);
  return model.closing.length > 0 || plugin !== undefined;
}

function authorizationOf(
  model: ConfModel,
  listener: ConfListener,
  acls: Map<string, readonly unknown[]>,
): Record<string, unknown> {
  const { aclFile } = model.perListener ? listener.security : model.security;
  if (isClosed(model, listener)) return { default: 'deny' };
  const limits = [1, 2].filter((qos) => qos > listener.maxQos);
  const deny = limits.length === 0 ? [] : [{ deny: 'publish', topics: ['#', '$SYS/#'], qos: limits }];
  if (aclFile === undefined) return { default: 'allow', ...(deny.length === 0 ? {} : { rules: deny }) };
  const rules = rulesOf(model, aclFile, listener.nameIsClientId, acls);
  return { default: 'deny', wider: 'filter', rules: [...deny, ...rules] };
}

function rulesOf(
  model: ConfModel,
  path: string,
  nameIsClientId: boolean,
  acls: Map<string, readonly unknown[]>,
): readonly unknown[] {
  const key = `${nameIsClientId} ${path}`;
  const known = acls.get(key);
  if (known !== undefined) return known;
  const { rules, notes } = importAcl(path, nameIsClientId);
  model.notes.push(...notes);
  acls.set(key, rules);
  return rules;
}

/** A bound of one listener there is a bound of the whole broker here. */
function boundConnections(model: ConfModel, listeners: readonly ConfListener[]): void {
  if (listeners.length === 0 || listeners.some(({ maxConnections }) => maxConnections < 0)) return;
  const sum = listeners.reduce((total, { maxConnections }) => total + maxConnections, 0);
  if (!model.settings.has('limits.connections')) model.settings.set('limits.connections', Math.max(1, sum));
}

function settingsOf({ settings }: ConfModel): Record<string, unknown> {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const [key, value] of settings) {
    const [group = '', name = ''] = key.split('.');
    groups[group] = { ...groups[group], [name]: value };
  }
  return groups;
}
