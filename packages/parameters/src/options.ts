import { nearest } from './nearest.ts';
import type { Parameter, Platform, ProtocolVersion } from './parameter.ts';
import { findParameter, parameters } from './table.ts';
import { checkValue, type ValueProblemCode } from './value.ts';

/** Stable codes of what can be wrong with a set of options. */
export type OptionProblemCode =
  | ValueProblemCode
  | 'unknown-option'
  | 'option-not-in-this-version'
  | 'option-not-on-this-platform'
  | 'mutual-tls-in-browser'
  | 'missing-option'
  | 'conflicting-options'
  | 'wildcard-in-topic'
  | 'client-id-required'
  | 'client-id-too-long'
  | 'session-without-client-id'
  | 'session-without-expiry';

/** One thing wrong with the options. An `error` keeps the client from connecting, a `warning` is worth saying. */
export interface OptionProblem {
  readonly code: OptionProblemCode;
  /** The option's path, as it was given. */
  readonly option: string;
  readonly severity: 'error' | 'warning';
  /** For a person: the option, what was given, what is taken, what to do. Never holds a secret. */
  readonly message: string;
}

/** What the options are for. */
export interface OptionContext {
  /** Default: the options' own `protocolVersion`, else 5. `'auto'` never refuses an option that only 5.0 has. */
  readonly version?: ProtocolVersion | 'auto';
  readonly platform: Platform;
  /** How messages call an option: the command line prints flags. Default: its path. */
  readonly label?: (option: string) => string;
}

const versionNames: Record<ProtocolVersion, string> = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' };

/** How other clients call what we have; asked before spelling is compared. */
const otherNames: Readonly<Record<string, string>> = {
  clean: 'cleanStart',
  cleanSession: 'cleanStart',
  reconnectPeriod: 'reconnect.delay',
  rejectUnauthorized: 'tls.insecure',
  ca: 'tls.ca',
  cert: 'tls.cert',
  key: 'tls.key',
  passphrase: 'tls.passphrase',
  protocol: 'transport',
  hostname: 'host',
  sessionExpiry: 'sessionExpiryInterval',
  timeout: 'connectTimeout',
  user: 'username',
};

const groups: ReadonlySet<string> = new Set(
  parameters.flatMap(({ name }) => (name.includes('.') ? [name.slice(0, name.indexOf('.'))] : [])),
);

/**
 * Checks connection options before anything is opened: every value against the table, every option against version
 * and platform, and the options against each other. Options that are `undefined` count as not given. Throws nothing;
 * no problem at all is an empty list.
 */
export function validateOptions(options: object, context: OptionContext): OptionProblem[] {
  const given = flatten(options);
  const problems: OptionProblem[] = [];
  const version = context.version ?? versionOf(given.get('protocolVersion'));
  const label = context.label ?? ((option: string) => option);
  const report = (
    code: OptionProblemCode,
    option: string,
    message: string,
    severity: 'error' | 'warning' = 'error',
  ) => {
    problems.push({ code, option, severity, message: `${label(option)}: ${message}` });
  };

  for (const [name, value] of given) {
    const parameter = findParameter(name);
    if (parameter === undefined) {
      report('unknown-option', name, groups.has(name) ? 'takes an object of options' : unknown(name, label));
      continue;
    }
    const misplaced = placeOf(parameter, version, context.platform);
    if (misplaced) {
      report(misplaced.code, name, misplaced.message);
      continue;
    }
    const problem = checkValue(parameter, value);
    if (problem) report(problem.code, name, problem.message, problem.severity);
  }
  checkTogether(given, version, label, report);
  return problems;
}

type Report = (code: OptionProblemCode, option: string, message: string, severity?: 'error' | 'warning') => void;

function checkTogether(
  given: ReadonlyMap<string, unknown>,
  version: ProtocolVersion | 'auto',
  label: (option: string) => string,
  report: Report,
): void {
  for (const option of ['host', 'port', 'transport']) {
    if (given.has('url') && given.has(option)) {
      report('conflicting-options', option, `given together with ${label('url')}; use one or the other`);
    }
  }
  checkCompanion(given, 'will', 'will.topic', label, report);
  checkCompanion(given, 'authentication', 'authentication.method', label, report);
  const topic = given.get('will.topic');
  if (typeof topic === 'string' && /[+#]/.test(topic)) {
    // [MQTT5-3.3.2-2]: a message is published to one topic, and the Will is a message.
    report('wildcard-in-topic', 'will.topic', `'${topic}' has a wildcard; a Will is published to one Topic Name`);
  }
  if (version !== 5 && version !== 'auto' && isGiven(given, 'password') && !isGiven(given, 'username')) {
    // [MQTT311-3.1.2-22]
    report('missing-option', 'username', `${versionNames[version]} cannot send a password without a user name`);
  }
  checkSession(given, version, label, report);
}

function checkSession(
  given: ReadonlyMap<string, unknown>,
  version: ProtocolVersion | 'auto',
  label: (option: string) => string,
  report: Report,
): void {
  const clientId = given.get('clientId');
  const resumes = given.get('cleanStart') === false;
  const expiry = given.get('sessionExpiryInterval');
  if (version !== 5 && version !== 'auto' && resumes && clientId === '') {
    // [MQTT311-3.1.3-8]
    report('client-id-required', 'clientId', `empty; ${versionNames[version]} needs one to keep a session`);
  } else if (clientId === undefined && (resumes || (typeof expiry === 'number' && expiry > 0))) {
    const words = `not given, but a session is to be kept: a random one never finds it again; set ${label('clientId')}`;
    report('session-without-client-id', 'clientId', words, 'warning');
  }
  if (version === 3 && typeof clientId === 'string' && clientId.length > 23) {
    report('client-id-too-long', 'clientId', 'over 23 characters, which MQTT 3.1 servers may refuse', 'warning');
  }
  if (version === 5 && resumes && (expiry === undefined || expiry === 0)) {
    // [MQTT5-3.1.2.11.2]: absent or 0, the session ends when the network connection is closed.
    const words = `0 or not given, so no session outlives the connection; set ${label('sessionExpiryInterval')} to keep one`;
    report('session-without-expiry', 'sessionExpiryInterval', words, 'warning');
  }
}

function checkCompanion(
  given: ReadonlyMap<string, unknown>,
  group: string,
  needed: string,
  label: (option: string) => string,
  report: Report,
): void {
  if (given.has(needed)) return;
  const other = [...given.keys()].find((name) => name.startsWith(`${group}.`));
  if (other !== undefined) report('missing-option', needed, `needed because ${label(other)} is given`);
}

function placeOf(
  parameter: Parameter,
  version: ProtocolVersion | 'auto',
  platform: Platform,
): { code: OptionProblemCode; message: string } | undefined {
  if (!parameter.platforms.includes(platform)) {
    return /^tls\.(cert|key|passphrase)$/.test(parameter.name)
      ? {
          code: 'mutual-tls-in-browser',
          message: 'a page cannot choose a client certificate for a WebSocket; import it into the browser instead',
        }
      : { code: 'option-not-on-this-platform', message: 'not available in a browser, which decides this itself' };
  }
  if (version !== 'auto' && !parameter.versions.includes(version)) {
    const message = `only MQTT 5.0 has it, not ${versionNames[version]}; leave it out or set protocolVersion to 5`;
    return { code: 'option-not-in-this-version', message };
  }
  return undefined;
}

function unknown(name: string, label: (option: string) => string): string {
  const meant = (Object.hasOwn(otherNames, name) && otherNames[name]) || nearest(name, parameterNames());
  return meant ? `unknown option; did you mean ${label(meant)}?` : 'unknown option';
}

function parameterNames(): string[] {
  return parameters.map(({ name }) => name);
}

/** One level of groups laid flat: `{ will: { topic } }` becomes `will.topic`. */
function flatten(options: object): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!groups.has(name) || !isPlainObject(value)) {
      flat.set(name, value);
      continue;
    }
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    // An empty Will is a Will without topic, not the absence of one.
    if (members.length === 0 && name === 'will') flat.set('will.payload', '');
    for (const [member, inner] of members) flat.set(`${name}.${member}`, inner);
  }
  return flat;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isGiven(given: ReadonlyMap<string, unknown>, name: string): boolean {
  const value = given.get(name);
  return value !== undefined && value !== '';
}

function versionOf(value: unknown): ProtocolVersion | 'auto' {
  return value === 3 || value === 4 || value === 'auto' ? value : 5;
}
