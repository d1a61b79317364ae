import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TopicCache } from '@hawser/codec';
import { DialError, dial, explainTlsFailure, isTlsAlert, systemClock, type TlsDialOptions } from '@hawser/transport';
import type { Address } from '../connection/address.ts';
import { AddressError } from '../errors.ts';
import { hintFor } from '../hints.ts';
import type { TlsOptions } from '../options.ts';
import type { DialFailure, Platform } from '../platform.ts';

const KINDS = { mqtt: 'tcp', mqtts: 'tls', ws: 'ws', wss: 'wss' } as const;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CLIENT_ID_LENGTH = 22;

const TLS_ANSWERS: ReadonlySet<string> = new Set([
  'client-certificate-required',
  'client-certificate-rejected',
  'protocol-version',
  'no-shared-cipher',
  'alpn',
]);

/** Node: TCP, TLS, WebSocket. */
export const nodePlatform: Platform = {
  name: 'node',
  clock: systemClock,
  random: Math.random,
  generateClientId: () => Array.from({ length: CLIENT_ID_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(''),
  async dial(address: Address, { signal, tls, onStage }) {
    const { host, port, path } = address;
    const isTls = address.transport === 'mqtts' || address.transport === 'wss';
    const dialTls = isTls ? await readTls(tls) : undefined;
    return dial({ transport: KINDS[address.transport], host, port, path, tls: dialTls }, { signal, onStage });
  },
  createTopicCache: () => new TopicCache(256, Number.POSITIVE_INFINITY),
  hint: (error) => hintFor(error, 'en'),
  async speaksTls({ host, port }, signal) {
    try {
      const transport = await dial({ transport: 'tls', host, port, tls: { insecure: true } }, { signal });
      transport.destroy();
      return true;
    } catch (error) {
      // Whoever asks for a certificate, or another version, speaks it too.
      return error instanceof DialError && TLS_ANSWERS.has(error.code);
    }
  },
  explainLoss(error, evidence): DialFailure | undefined {
    if (!isTlsAlert(error)) return undefined;
    const { host = '', port = 0, addresses = [] } = evidence;
    return explainTlsFailure(error, { ...evidenceOf(evidence), host, port, addresses }, 1);
  },
};

/** Without what is undefined: DialEvidence has it or has it not. */
function evidenceOf(evidence: object): object {
  return Object.fromEntries(Object.entries(evidence).filter(([, value]) => value !== undefined));
}

/** Files are read before every attempt: a certificate that was renewed is used with the next one. */
async function readTls(tls: TlsOptions): Promise<TlsDialOptions> {
  const { ca, cert, key, alpn, ...rest } = tls;
  const many =
    ca === undefined
      ? undefined
      : Array.isArray(ca)
        ? (ca as readonly (string | Uint8Array)[])
        : [ca as string | Uint8Array];
  return {
    ...rest,
    ca: many === undefined ? undefined : await Promise.all(many.map((one) => readPem(one, 'tls.ca'))),
    cert: cert === undefined ? undefined : await readPem(cert, 'tls.cert'),
    key: key === undefined ? undefined : await readPem(key, 'tls.key'),
    alpn: typeof alpn === 'string' ? [alpn] : alpn,
  };
}

/** PEM text and bytes as they are; other text is the path of a file. */
async function readPem(value: string | Uint8Array, option: string): Promise<string | Uint8Array> {
  if (typeof value !== 'string' || value.includes('-----BEGIN')) return value;
  try {
    return await readFile(value);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new AddressError(
      'file-not-readable',
      `${option}: '${value}' is neither PEM text nor a file that can be read (${said})`,
      { option },
    );
  }
}
