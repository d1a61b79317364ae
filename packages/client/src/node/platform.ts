import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TopicCache } from '@hawser/codec';
import { DialError, dial, systemClock, type TlsDialOptions } from '@hawser/transport';
import type { Address } from '../connection/address.ts';
import { AddressError } from '../errors.ts';
import { hintFor } from '../hints.ts';
import type { TlsOptions } from '../options.ts';
import type { Platform } from '../platform.ts';
import { dialFailure, explainFailure } from './explain.ts';

const KINDS = { mqtt: 'tcp', mqtts: 'tls', ws: 'ws', wss: 'wss' } as const;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CLIENT_ID_LENGTH = 22;

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
    const target = { transport: KINDS[address.transport], host, port, path, tls: dialTls };
    return dial(target, { signal, onStage }).catch((error: unknown) => {
      throw error instanceof DialError ? dialFailure(error) : error;
    });
  },
  createTopicCache: () => new TopicCache(256, Number.POSITIVE_INFINITY),
  hint: (error) => hintFor(error, 'en'),
  explain: explainFailure,
};

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
