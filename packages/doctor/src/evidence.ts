import type { CertificateSeen, ConnectEvidence } from '@hawser/client';
import { type ConnackPacket, versionName } from '@hawser/codec';
import type { DoctorStage, StageEvidence } from './report.ts';
import type { TappedTransport } from './tapped-transport.ts';

export const DAY_MS = 86_400_000;

/** A certificate as the report shows it. */
export interface CertificateReport {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Whole days from now on; negative: it has expired. */
  readonly daysLeft: number;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
}

/** What one stage below MQTT has added to the evidence. */
export function networkEvidence(
  stage: DoctorStage,
  seen: ConnectEvidence,
  isVerified: boolean,
  wallMs: number,
): StageEvidence {
  switch (stage) {
    case 'dns':
      return { host: seen.host, addresses: seen.addresses ?? [] };
    case 'tcp':
      return { addresses: seen.addresses ?? [], peerAddress: seen.peerAddress, port: seen.port };
    case 'tls':
      return tlsEvidence(seen, isVerified, wallMs);
    case 'websocket':
      return {
        status: seen.http?.status,
        subprotocol: seen.http?.headers['sec-websocket-protocol'],
        headers: seen.http?.headers,
      };
    default:
      return {};
  }
}

function tlsEvidence(seen: ConnectEvidence, isVerified: boolean, wallMs: number): StageEvidence {
  const { cipher, alpn } = seen as { readonly cipher?: string; readonly alpn?: string };
  const certificates = certificateReports(seen.certificates, wallMs);
  return { tlsVersion: seen.tlsVersion, cipher, ...(alpn === undefined ? {} : { alpn }), isVerified, certificates };
}

function certificateReports(certificates: readonly CertificateSeen[] | undefined, wallMs: number): CertificateReport[] {
  return (certificates ?? []).map(({ subject, issuer, names, validFromMs, validToMs, fingerprint }) => ({
    subject,
    issuer,
    names,
    validFrom: new Date(validFromMs).toISOString(),
    validTo: new Date(validToMs).toISOString(),
    daysLeft: Math.floor((validToMs - wallMs) / DAY_MS),
    fingerprint,
  }));
}

/** The CONNACK with every property it has. */
export function connackEvidence(connack: ConnackPacket | undefined): StageEvidence {
  if (connack === undefined) return {};
  const { sessionPresent, reasonCode, properties = {} } = connack;
  return { sessionPresent, reasonCode, properties: plain(properties) };
}

/** An attempt that another version follows: which version was refused, and with what. Without a CONNACK the connection was closed. */
export function refusedEvidence(tapped: TappedTransport | undefined): StageEvidence {
  if (tapped === undefined) return {};
  const { version, connack } = tapped;
  return plain({
    version: versionName(version),
    ...(connack === undefined
      ? { closed: true }
      : { reasonCode: connack.reasonCode, reasonString: connack.properties?.reasonString }),
  });
}

/** What was seen when it failed, certificates in the same words as when it does not. */
export function errorEvidence(evidence: ConnectEvidence, wallMs: number): StageEvidence {
  const { certificates, ...rest } = evidence;
  return plain({
    ...rest,
    ...(certificates === undefined ? {} : { certificates: certificateReports(certificates, wallMs) }),
  });
}

/** Without what is undefined; bytes in hexadecimal. */
function plain(object: object): StageEvidence {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]),
  );
}
