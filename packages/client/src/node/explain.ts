import { DialError, dial, explainTlsFailure, isTlsAlert } from '@hawser/transport';
import { type Address, formatAddress, isEncrypted } from '../connection/address.ts';
import { explainDial } from '../connection/explain.ts';
import { ConnectError } from '../errors.ts';
import type { TlsOptions } from '../options.ts';
import type { DialFailure, FailedAttempt } from '../platform.ts';
import { readTls } from './read-tls.ts';

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
  const explainAlert = (alert: Error): ConnectError => {
    const { host = '', port = 0, addresses = [] } = error.evidence;
    const failure = explainTlsFailure(alert, { ...evidenceOf(error.evidence), host, port, addresses }, 1);
    return explainDial(dialFailure(failure), { ...error.evidence, url: formatAddress(address) }) as ConnectError;
  };
  if (loss !== undefined && isTlsAlert(loss)) return explainAlert(loss);
  const mayHaveLostAlert = error.evidence.clientCertificate !== undefined && LOST_ALERTS.has(error.code);
  const verdict = mayHaveLostAlert ? await verdictOf(address, attempt.tls, signal) : 'none';
  if (verdict instanceof Error) return explainAlert(verdict);
  if (verdict === 'closed') return certificateRefused(error, address);
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

/** What a TLS alert becomes when a reset overtakes it. */
const LOST_ALERTS: ReadonlySet<string> = new Set(['closed-before-connack', 'reset', 'websocket-failed']);
/** A server that waits for a CONNECT so long has nothing against the certificate. */
const SILENCE_MS = 2000;

/**
 * What the server has against the client's certificate, or against there being none: its alert; `closed`: it says nothing; `none`: nothing. In TLS 1.3 a client
 * is connected before the server has judged, and the alert races the reset that answers the CONNECT, which the server has not read. On a connection
 * that sends nothing there is no reset, and only the certificate can be a reason to end it at once.
 */
async function verdictOf(
  { host, port }: Address,
  options: TlsOptions,
  signal: AbortSignal,
): Promise<Error | 'closed' | 'none'> {
  if (signal.aborted) return 'none';
  try {
    const tls = { ...(await readTls(options)), insecure: true };
    const transport = await dial({ transport: 'tls', host, port, tls }, { signal, connectTimeoutMs: SILENCE_MS });
    return await new Promise((resolve) => {
      let isOver = false;
      const giveUp = (): void => {
        isOver = true;
        transport.destroy();
      };
      const timer = setTimeout(giveUp, SILENCE_MS);
      signal.addEventListener('abort', giveUp);
      transport.start({
        onData: () => {},
        onDrain: () => {},
        onClose(loss) {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          if (loss !== undefined && isTlsAlert(loss)) resolve(loss);
          else resolve(isOver ? 'none' : 'closed');
        },
      });
    });
  } catch (error) {
    return error instanceof DialError && error.cause instanceof Error && isTlsAlert(error.cause) ? error.cause : 'none';
  }
}

function certificateRefused(error: ConnectError, address: Address): ConnectError {
  const { evidence } = error;
  const isMissing = evidence.clientCertificate === 'missing';
  const text = `${formatAddress(address)} asks for a client certificate, and closes the connection at once`;
  return new ConnectError({
    stage: 'tls',
    code: isMissing ? 'client-certificate-required' : 'client-certificate-rejected',
    message: `${text} ${isMissing ? 'without one: give cert and key' : 'with this one'}`,
    retry: 'after-change',
    evidence,
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
