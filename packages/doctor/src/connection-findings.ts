import type { ConnectEvidence, ConnectOptions, Negotiated } from '@hawser/client';
import { versionName } from '@hawser/codec';
import { findParameter, type OptionProblem, validateOptions } from '@hawser/parameters';
import { longFlagOf } from '@hawser/parameters/flags';
import type { TlsInfo } from '@hawser/transport';
import { DAY_MS } from './evidence.ts';
import type { Findings } from './findings.ts';
import { isLoopbackAddress, isPrivateAddress } from './networks.ts';

const FOR_EVER = 0xffff_ffff;
const LONG_KEEP_ALIVE = 300;
const HOUR = 3600;
const SMALL_PACKET = 65_536;

/** What is worth saying about the options alone, before anything is opened. */
export function findInOptions(options: ConnectOptions, findings: Findings): void {
  const { tls, username: _username, password: _password, ...checked } = options;
  const known = typeof tls === 'function' || tls === undefined ? {} : { tls };
  for (const problem of validateOptions({ ...checked, ...known }, { platform: 'node' }))
    addProblem(problem, options, findings);
  const keepAlive = options.keepAlive ?? 60;
  if (keepAlive === 0) findings.add('warning', 'keep-alive-off');
  else if (keepAlive > LONG_KEEP_ALIVE)
    findings.add('info', 'keep-alive-long', { seconds: keepAlive, noticed: keepAlive * 1.5 });
  findUnreadQueue(options, findings);
}

function addProblem({ code, severity, option }: OptionProblem, options: ConnectOptions, findings: Findings): void {
  if (severity === 'error') return;
  switch (code) {
    case 'session-without-client-id':
    case 'session-without-expiry':
      findings.add('warning', code);
      return;
    case 'client-id-too-long':
      findings.add('warning', code, { length: options.clientId?.length ?? 0 });
      return;
    case 'probably-milliseconds': {
      const at = option.split('.').reduce<unknown>((group, name) => (group as Record<string, unknown>)[name], options);
      const value = Number(at);
      const parameter = findParameter(option);
      const flag = parameter === undefined ? option : longFlagOf(parameter);
      findings.add('warning', code, { option: flag, value, meant: value / 1000 });
      return;
    }
    default:
      return;
  }
}

/** A queue on the server that fills for nobody. */
function findUnreadQueue(options: ConnectOptions, findings: Findings): void {
  const { clientId, cleanStart = true, protocolVersion = 5, sessionExpiryInterval = 0 } = options;
  const isOld = protocolVersion === 3 || protocolVersion === 4;
  // [MQTT311-3.1.2-5]: in 3.x the session is kept until the server has had enough of it.
  const isKept = isOld ? !cleanStart : sessionExpiryInterval > 0;
  if (!isKept) return;
  const zh = findings.language === 'zh';
  const expiry = isOld
    ? zh
      ? '由服务器决定'
      : 'as long as it likes'
    : sessionExpiryInterval === FOR_EVER
      ? zh
        ? '永久'
        : 'ever'
      : zh
        ? `${sessionExpiryInterval} 秒`
        : `${sessionExpiryInterval} s`;
  if (clientId === undefined || clientId === '') {
    const why = zh ? '每次运行的 Client ID 都不同' : 'each run has another Client ID';
    findings.add('warning', 'queue-never-read', { expiry, why });
  } else if (!isOld && cleanStart && sessionExpiryInterval > HOUR) {
    const why = zh
      ? '程序每次启动都以 Clean Start true 连接，会丢弃会话'
      : 'each start of the program connects with Clean Start true, which discards the session';
    findings.add('warning', 'queue-never-read', { expiry, why });
  } else if (!isOld && sessionExpiryInterval === FOR_EVER) findings.add('info', 'session-never-expires');
}

/** What the connection itself shows: encryption, certificates, who is let in. */
export function findInConnection(
  options: ConnectOptions,
  evidence: ConnectEvidence,
  peerTls: Pick<TlsInfo, 'authorized'> | undefined,
  hasCredentials: boolean,
  wallMs: number,
  findings: Findings,
): void {
  const { host = '', peerAddress = host } = evidence;
  const isLocal = isLoopbackAddress(peerAddress);
  const tls = typeof options.tls === 'object' ? options.tls : {};
  if (peerTls === undefined && !isLocal) {
    if (hasCredentials)
      findings.add(isPrivateAddress(peerAddress) ? 'warning' : 'error', 'credentials-unencrypted', { host });
    else findings.add('info', 'unencrypted', { host });
  }
  if (!hasCredentials && tls.cert === undefined && options.authentication === undefined && !isLocal)
    findings.add(isPrivateAddress(peerAddress) ? 'info' : 'warning', 'anonymous-access', { host });
  if (peerTls !== undefined && tls.insecure === true) {
    if (peerTls.authorized) findings.add('warning', 'tls-not-verified-needlessly');
    else findings.add(isLocal ? 'warning' : 'error', 'tls-not-verified');
  }
  findInCertificates(evidence, wallMs, findings);
}

/** Those about to expire, in relation to how long they are good for: some are renewed every few days. */
function findInCertificates({ certificates = [] }: ConnectEvidence, wallMs: number, findings: Findings): void {
  for (const { subject, validFromMs, validToMs } of certificates) {
    const left = validToMs - wallMs;
    const life = validToMs - validFromMs;
    const values = { subject, date: new Date(validToMs).toISOString().slice(0, 10), days: Math.floor(left / DAY_MS) };
    if (left < 0) findings.add('error', 'certificate-expired', values);
    else if (left < Math.min(3 * DAY_MS, life / 10)) findings.add('error', 'certificate-expires-soon', values);
    else if (left < Math.min(30 * DAY_MS, life / 3)) findings.add('warning', 'certificate-expires-soon', values);
  }
}

/** What the server has granted, and has not. */
export function findInNegotiated(options: ConnectOptions, negotiated: Negotiated, findings: Findings): void {
  const { protocolVersion, keepAlive, sessionExpiryInterval, maximumQoS, maximumPacketSize } = negotiated;
  if (options.protocolVersion === 'auto' && protocolVersion.effective < 5)
    findings.add('info', 'older-version', { version: versionName(protocolVersion.effective) });
  // [MQTT5-3.1.2-21]
  if (keepAlive.granted !== undefined && keepAlive.granted !== keepAlive.requested)
    findings.add('info', 'keep-alive-changed', { requested: keepAlive.requested ?? 0, granted: keepAlive.granted });
  const { requested = 0, granted } = sessionExpiryInterval;
  if (granted !== undefined && granted < requested)
    findings.add('warning', 'session-expiry-capped', { requested, granted });
  if (maximumQoS.effective < 2) findings.add('warning', 'qos-not-available', { maximum: maximumQoS.effective });
  if (!negotiated.retainAvailable.effective) findings.add('warning', 'retain-not-available');
  if (!negotiated.wildcardSubscriptionAvailable.effective) findings.add('warning', 'wildcard-not-available');
  if (!negotiated.sharedSubscriptionAvailable.effective) findings.add('info', 'shared-not-available');
  if (protocolVersion.effective === 5 && !negotiated.subscriptionIdentifierAvailable.effective)
    findings.add('info', 'subscription-identifiers-not-available');
  if (maximumPacketSize.effective < SMALL_PACKET)
    findings.add('info', 'packet-size-small', { bytes: maximumPacketSize.effective });
}
