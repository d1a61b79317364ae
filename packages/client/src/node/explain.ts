import { DialError, dial, explainTlsFailure, isTlsAlert } from '@hawser/transport';
import { type Address, formatAddress, isEncrypted } from '../connection/address.ts';
import { explainDial } from '../connection/explain.ts';
import { ConnectError } from '../errors.ts';
import type { DialFailure, FailedAttempt } from '../platform.ts';

/** Below MQTT: what somebody must change first. What is not here passes by itself. */
const AFTER_CHANGE: ReadonlySet<string> = new Set([
  'host-not-found',
  'not-tls-here',
  'tls-expected',
  'untrusted-issuer',
  'self-signed',
  'hostname-mismatch',
  'expired',
  'not-yet-valid',
  'revoked',
  'certificate-invalid',
  'own-certificate-invalid',
  'client-certificate-required',
  'client-certificate-rejected',
  'protocol-version',
  'no-shared-cipher',
  'alpn',
  'wrong-path',
  'http-not-websocket',
  'subprotocol-refused',
  'forbidden',
]);

/** A DialError, with whether to try again. */
export function dialFailure(error: DialError): DialFailure {
  const { stage, code, message, evidence } = error;
  const retry = AFTER_CHANGE.has(code) ? 'after-change' : 'yes';
  return { stage, code, message, evidence, retry, cause: error.cause ?? error };
}

/** What comes of TLS: an alert before the CONNACK, or TLS where this client spoke none. */
export async function explainFailure(error: ConnectError, attempt: FailedAttempt): Promise<ConnectError | undefined> {
  const { address, loss, received, isFirst, signal } = attempt;
  if (loss !== undefined && isTlsAlert(loss)) {
    const { host = '', port = 0, addresses = [] } = error.evidence;
    const failure = explainTlsFailure(loss, { ...evidenceOf(error.evidence), host, port, addresses }, 1);
    return explainDial(dialFailure(failure), { ...error.evidence, url: formatAddress(address) }) as ConnectError;
  }
  const isAlert = received?.[0] === 0x15 && received[1] === 0x03;
  if (!isAlert && !(isFirst && mayExpectTls(error, address) && (await speaksTls(address, signal)))) return undefined;
  return new ConnectError({
    stage: 'tls',
    code: 'tls-expected',
    message: `${formatAddress(address)} speaks TLS and this client does not: use ${address.transport}s://`,
    retry: 'after-change',
    evidence: error.evidence,
    cause: error,
  });
}

/** Closed without a word, where TLS may have been expected. */
function mayExpectTls({ stage, code, evidence }: ConnectError, address: Address): boolean {
  if (isEncrypted(address) || evidence.received !== undefined || evidence.http !== undefined) return false;
  return code === 'closed-before-connack' || (stage === 'websocket' && code === 'reset');
}

const TLS_ANSWERS: ReadonlySet<string> = new Set([
  'client-certificate-required',
  'client-certificate-rejected',
  'protocol-version',
  'no-shared-cipher',
  'alpn',
]);

async function speaksTls({ host, port }: Address, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    const transport = await dial({ transport: 'tls', host, port, tls: { insecure: true } }, { signal });
    transport.destroy();
    return true;
  } catch (error) {
    // Whoever asks for a certificate, or another version, speaks it too.
    return error instanceof DialError && TLS_ANSWERS.has(error.code);
  }
}

/** Without what is undefined: DialEvidence has it or has it not. */
function evidenceOf(evidence: object): object {
  return Object.fromEntries(Object.entries(evidence).filter(([, value]) => value !== undefined));
}
