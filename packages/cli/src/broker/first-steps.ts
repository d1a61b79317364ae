import { parseListenUrl } from '@hawser/transport';
import { shellWord } from '../shell-word.ts';
import type { LoginNeeds } from './login-needs.ts';

/**
 * A first thing to try against a broker that listens at `urls`: lines of text. `developmentCa`: file that clients must trust
 * for its TLS listeners; undefined: they have certificates of their own. `needsOf`: what clients of the listener at that place bring along.
 */
export function firstSteps(
  urls: readonly string[],
  developmentCa?: string,
  needsOf: (place: number) => LoginNeeds = () => NOTHING,
): string[] {
  const url = urls.find((candidate) => candidate.startsWith('mqtt://')) ?? urls[0];
  if (url === undefined) return [];
  const needs = needsOf(urls.indexOf(url));
  const { transport, host, port } = parseListenUrl(url);
  // What listens everywhere is reached here by the name of this machine's loopback.
  const reachable = reachableHost(host);
  const isDefault = transport === 'tcp' && port === 1883 && (reachable === '127.0.0.1' || reachable === 'localhost');
  const where = isDefault ? '' : ` -L ${url.replace(/\/\/(\[::\]|0\.0\.0\.0)/, () => `//${reachable}`)}`;
  const lines = [
    'Try it, each in a terminal of its own:',
    `  npx hawser sub${where}${flagsFor(needs, 'ca')} -v -t 'harbour/#'`,
    `  npx hawser pub${where}${flagsFor(needs, 'ca')} -t harbour/bell -m 'eight bells'`,
  ];
  if (needs.user) lines.push('(USER and PASSWORD: of the password file; HAWSER_USERNAME and HAWSER_PASSWORD do too)');
  if (transport === 'tcp') {
    const mosquitto = `${reachable === 'localhost' || isDefault ? '' : ` -h ${reachable}`}${port === 1883 ? '' : ` -p ${port}`}`;
    lines.push('or with what you have:', `  mosquitto_sub${mosquitto}${flagsFor(needs, 'cafile')} -v -t 'harbour/#'`);
  }
  if (developmentCa !== undefined) lines.push(...stepsOverTls(urls, developmentCa));
  return lines;
}

const NOTHING: LoginNeeds = { user: false };

/** The flags of `hawser` and of Mosquitto's commands differ in the CA's alone. */
function flagsFor({ ca, certificate, user }: LoginNeeds, caFlag: 'ca' | 'cafile'): string {
  const flags = [
    ...(ca === undefined ? [] : [`--${caFlag} ${shellWord(ca)}`]),
    ...(certificate === undefined ? [] : [`--cert ${shellWord(certificate.cert)} --key ${shellWord(certificate.key)}`]),
    ...(user ? ['-u USER -P PASSWORD'] : []),
  ];
  return flags.map((flag) => ` ${flag}`).join('');
}

function stepsOverTls(urls: readonly string[], developmentCa: string): string[] {
  const url = urls.find((candidate) => candidate.startsWith('mqtts://'));
  if (url === undefined) return [];
  const { host, port } = parseListenUrl(url);
  const reachable = reachableHost(host);
  const bracketed = reachable.includes(':') ? `[${reachable}]` : reachable;
  const ca = shellWord(developmentCa);
  return [
    'and over TLS:',
    `  npx hawser sub -L mqtts://${bracketed}:${port} --ca ${ca} -v -t 'harbour/#'`,
    `  mosquitto_sub -h ${reachable} -p ${port} --cafile ${ca} -v -t 'harbour/#'`,
  ];
}

function reachableHost(host: string): string {
  return host === '' || host === '::' || host === '0.0.0.0' ? 'localhost' : host;
}
