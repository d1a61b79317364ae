import { isPlainObject } from './bytes.ts';
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

/** How other clients call what we have; asked before spelling is compared. */
const otherNames: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cleanSession: 'cleanStart',
    protocol: 'transport',
    hostname: 'host',
    timeout: 'connectTimeout',
    properties: 'its members',
  }),
);

/** Where a name alone would lead astray: the other client's option means something else, or the contrary. By the option's value. */
const advice: ReadonlyMap<string, (value: unknown, label: (option: string) => string) => string> = new Map([
  [
    'rejectUnauthorized',
    (value, label) =>
      value === false ? `write ${label('tls.insecure')}: true` : 'certificates are checked anyway: leave it out',
  ],
  [
    'reconnectPeriod',
    (value, label) => (value === 0 ? 'write reconnect: false' : `write ${label('reconnect.delay')}, in seconds`),
  ],
  [
    'pfx',
    (_value, label) =>
      `give PEM as ${label('tls.cert')} and ${label('tls.key')}: openssl pkcs12 -in FILE -nodes -out client.pem has both`,
  ],
]);

const names: readonly string[] = parameters.map(({ name }) => name);

function isGroup(name: string): boolean {
  return names.some((other) => other.startsWith(`${name}.`));
}

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
  const report: Report = (option, { code, message, detail = '', severity = 'error' }) => {
    const words = message ?? code.replaceAll('-', ' ') + detail;
    problems.push({ code, option, severity, message: `${label(option)}: ${words}` });
  };
  for (const [name, value] of given) {
    const parameter = findParameter(name);
    const found =
      parameter === undefined
        ? unknown(name, value, label)
        : (placeOf(parameter, version, context.platform) ?? checkValue(parameter, value));
    if (found) report(name, found);
  }
  checkTogether(given, version, label, report);
  return problems;
}

interface Found {
  readonly code: OptionProblemCode;
  /** Absent: the code in words, and the detail behind them. */
  readonly message?: string;
  readonly detail?: string;
  /** Absent: an error. */
  readonly severity?: OptionProblem['severity'] | undefined;
}

type Report = (option: string, found: Found) => void;

function checkTogether(
  given: ReadonlyMap<string, unknown>,
  version: ProtocolVersion | 'auto',
  label: (option: string) => string,
  report: Report,
): void {
  const error = (option: string, code: OptionProblemCode, detail: string, severity?: 'warning'): void =>
    report(option, { code, detail, severity });
  const warn = (option: string, code: OptionProblemCode, detail: string): void =>
    error(option, code, detail, 'warning');
  for (const option of ['host', 'port', 'transport']) {
    if (given.has('url') && given.has(option)) {
      error(option, 'conflicting-options', `: ${label('url')} is given too`);
    }
  }
  for (const needed of ['will.topic', 'authentication.method']) {
    const group = needed.replace(/\w+$/, '');
    const other = [...given.keys()].find((name) => name.startsWith(group));
    if (other !== undefined && !given.has(needed)) {
      error(needed, 'missing-option', `: ${label(other)} needs it`);
    }
  }
  const topic = given.get('will.topic');
  if (/[+#]/.test(String(topic))) {
    // [MQTT5-3.3.2-2]: a message is published to one topic, and the Will is a message.
    error('will.topic', 'wildcard-in-topic', `: '${topic}'`);
  }
  // `auto` begins with 5.
  const old = oldName(version);
  if (old && given.get('password') && !given.get('username')) {
    // [MQTT311-3.1.2-22]
    error('username', 'missing-option', `: ${old} has no password without a user name`);
  }
  const clientId = given.get('clientId');
  const resumes = given.get('cleanStart') === false;
  const expiry = given.get('sessionExpiryInterval') ?? 0;
  if (old && resumes && clientId === '') {
    // [MQTT311-3.1.3-8]
    error('clientId', 'client-id-required', `: ${old} keeps no session without one`);
  } else if (clientId === undefined && (resumes || (expiry as number) > 0)) {
    warn('clientId', 'session-without-client-id', ': a random one never finds it again');
  }
  if (version === 3 && typeof clientId === 'string' && clientId.length > 23) {
    warn('clientId', 'client-id-too-long', `: ${old} allows 23 characters`);
  }
  if (version === 5 && resumes && expiry === 0) {
    // [MQTT5-3.1.2.11.2]: absent or 0, the session ends when the network connection is closed.
    warn('sessionExpiryInterval', 'session-without-expiry', ': it ends with the connection');
  }
}

function placeOf(
  { name, platforms, versions }: Parameter,
  version: ProtocolVersion | 'auto',
  platform: Platform,
): Found | undefined {
  if (!platforms.includes(platform)) {
    return /(cert|key|passphrase)$/.test(name)
      ? { code: 'mutual-tls-in-browser', detail: ': import it there' }
      : { code: 'option-not-on-this-platform', detail: ': a browser decides it itself' };
  }
  const old = oldName(version);
  return old && versions.length === 1
    ? { code: 'option-not-in-this-version', message: `only MQTT 5.0 has it, not ${old}` }
    : undefined;
}

/** Of a version that does not have everything. */
function oldName(version: ProtocolVersion | 'auto'): string | undefined {
  return version === 3 ? 'MQTT 3.1' : version === 4 ? 'MQTT 3.1.1' : undefined;
}

function unknown(name: string, value: unknown, label: (option: string) => string): Found {
  const code = 'unknown-option';
  if (isGroup(name)) return { code, message: 'takes an object of options' };
  // In a group, or out of one, where others have it.
  const member = name.replace(/.*\./, '');
  const words = advice.get(member)?.(value, label);
  if (words !== undefined) return { code, detail: `; ${words}` };
  // Those of the client that are no parameters never come here but misspelt.
  const known = [...names, 'signal', 'store', 'servers', 'on'];
  const meant =
    otherNames.get(member) ??
    names.find((other) => other.endsWith(`.${member}`)) ??
    nearest(name, known) ??
    nearest(member, known);
  return { code, detail: meant === undefined ? '' : `; did you mean ${label(meant)}?` };
}

/** One level of groups laid flat: `{ will: { topic } }` becomes `will.topic`. */
function flatten(options: object): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) flat.set(name, value);
  };
  for (const [name, value] of Object.entries(options)) {
    if (isGroup(name) && isPlainObject(value)) {
      const members = Object.entries(value);
      for (const [member, inner] of members) put(`${name}.${member}`, inner);
      // An empty Will is a Will without topic, not the absence of one.
      if (name === 'will' && members.every(([, inner]) => inner === undefined)) put('will.payload', '');
    } else put(name, value);
  }
  return flat;
}

function versionOf(value: unknown): ProtocolVersion | 'auto' {
  return value === 3 || value === 4 || value === 'auto' ? value : 5;
}
