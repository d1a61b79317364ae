import { versionName } from '@hawser/codec';
import type { DoctorReport, Finding, Language, StageReport } from '@hawser/doctor';
import { colors } from '../colors.ts';
import { columnsOf, wrap } from '../format/wrap.ts';
import { DOCTOR_WORDS } from './doctor-words.ts';

const LABEL_WIDTH = 11;
const MS_WIDTH = 6;
const INDENT = ' '.repeat(2 + LABEL_WIDTH + MS_WIDTH + 5);

/** One stage that is over: a line, and more for what there is to see. */
export function formatStage(
  { stage, ok, ms, evidence }: StageReport,
  language: Language,
  width: number = Number.POSITIVE_INFINITY,
): string {
  const words = DOCTOR_WORDS[language];
  const mark = ok ? colors.green('✓') : colors.red('✗');
  const label = padded(words.stages[stage], LABEL_WIDTH);
  const [first = '', ...more] = describe(stage, evidence, language).map(printable);
  return [
    wrap(`${mark} ${label}${String(ms).padStart(MS_WIDTH)} ms  ${first}`.trimEnd(), width, INDENT),
    ...more.map((line) => wrap(INDENT + line, width, `${INDENT}  `)),
  ].join('\n');
}

/** What stands below the walk: the error, the findings, the sum. */
export function formatEnd(
  { ok, error, findings }: DoctorReport,
  language: Language,
  width: number = Number.POSITIVE_INFINITY,
): string {
  const words = DOCTOR_WORDS[language];
  const lines: string[] = [];
  if (error !== undefined) {
    const code = colors.dim(`[${error.stage}: ${error.code}]`);
    lines.push('', `${colors.red('✗')} ${words.failed} ${code}: ${printable(error.message)}`);
    lines.push(`  ${error.hint} (${words.retry[error.retry]})`);
  }
  if (findings.length > 0)
    lines.push('', colors.bold(words.findings), ...findings.flatMap((one) => formatFinding(one, language)));
  const count = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const good = warnings === 0 ? words.fine : words.warnings(warnings);
  const sum = error !== undefined ? words.noConnection : ok ? good : words.errors(count);
  lines.push('', ok ? colors.green(sum) : colors.red(sum));
  return lines.map((line) => wrap(line, width, line.startsWith('    ') ? '    ' : '  ')).join('\n');
}

const COLORS = { error: colors.red, warning: colors.yellow, info: colors.cyan } as const;

function formatFinding({ severity, code, message, hint }: Finding, language: Language): string[] {
  const name = DOCTOR_WORDS[language].severities[severity];
  return [`  ${COLORS[severity](name)}: ${printable(message)} ${colors.dim(`[${code}]`)}`, `    ${printable(hint)}`];
}

type Seen = StageReport['evidence'];

function describe(stage: StageReport['stage'], seen: Seen, language: Language): string[] {
  const words = DOCTOR_WORDS[language];
  if (typeof seen.skipped === 'string') return [words.notTried];
  switch (stage) {
    case 'address':
      return seen.clientId === undefined
        ? [pairs(seen)]
        : [
            `${seen.url}, MQTT ${nameOfVersion(seen.protocolVersion)}, Client ID ${seen.clientId}, Clean Start ${Number(seen.cleanStart)}, Keep Alive ${seen.keepAlive} s`,
          ];
    case 'dns':
      return [listOf(seen.addresses)];
    case 'tcp':
      return [`${seen.peerAddress ?? listOf(seen.addresses)}${seen.port === undefined ? '' : ` :${seen.port}`}`];
    case 'tls':
      return describeTls(seen, language);
    case 'websocket':
      return describeWebSocket(seen);
    case 'connack':
      return describeConnack(seen, language);
    case 'auth':
      return [pairs(seen)];
    default:
      return [typeof seen.code === 'string' ? seen.code : words.trial(stage, seen)];
  }
}

function describeTls(seen: Seen, language: Language): string[] {
  const words = DOCTOR_WORDS[language];
  const parts = [
    seen.tlsVersion,
    seen.cipher,
    seen.alpn && `ALPN ${seen.alpn}`,
    seen.isVerified === false && words.notVerified,
  ];
  const chain = (Array.isArray(seen.certificates) ? seen.certificates : []) as readonly Readonly<
    Record<string, unknown>
  >[];
  return [
    parts.filter(Boolean).join(', '),
    ...chain.map(({ subject, issuer, names, validTo, daysLeft }) => {
      const list = listOf(names);
      const forWhom = list === '' ? '' : ` (${list})`;
      return `${subject}${forWhom} <- ${issuer}, ${String(validTo).slice(0, 10)}, ${words.daysLeft(Number(daysLeft))}`;
    }),
  ];
}

function describeWebSocket(seen: Seen): string[] {
  const http = (seen.http ?? seen) as Seen;
  if (http.status === undefined) return [];
  const headers = (http.headers ?? {}) as Readonly<Record<string, string>>;
  return [`HTTP ${http.status}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
}

function describeConnack(seen: Seen, language: Language): string[] {
  if (seen.version !== undefined) {
    const { version, reasonCode, reasonString } = seen;
    const words = DOCTOR_WORDS[language];
    const why = seen.closed === true ? words.closedBeforeConnack : pairs({ reasonCode, reasonString });
    return [words.versionRefused(String(version), why)];
  }
  if (seen.sessionPresent === undefined) {
    const { received, reasonCode, reasonString, systemCode } = seen;
    return [pairs({ reasonCode, reasonString, received, systemCode })];
  }
  const properties = (seen.properties ?? {}) as Readonly<Record<string, unknown>>;
  return [
    `Session Present ${Number(seen.sessionPresent)}`,
    ...Object.entries(properties).map(([name, value]) => `${nameOfProperty(name)}: ${shown(value)}`),
  ];
}

function pairs(seen: Readonly<Record<string, unknown>>): string {
  return Object.entries(seen)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function listOf(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : '';
}

function nameOfVersion(version: unknown): string {
  return version === 3 || version === 4 || version === 5 ? versionName(version) : String(version);
}

/** `receiveMaximum` is Receive Maximum, `maximumQoS` Maximum QoS. */
function nameOfProperty(name: string): string {
  return name.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replace(/([a-z])([A-Z])(?!$)/g, '$1 $2');
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** Texts of servers must not move the cursor of a terminal, nor clear it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{fffd}');
}
