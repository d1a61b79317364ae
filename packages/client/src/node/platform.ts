import { randomInt } from 'node:crypto';
import { TopicCache } from '@hawser/codec';
import { DialError, dial, systemClock } from '@hawser/transport';
import type { Address } from '../connection/address.ts';
import { hintFor } from '../hints.ts';
import type { Platform } from '../platform.ts';
import { checkTransportOptions } from './check-transport-options.ts';
import { dialFailure, explainFailure } from './explain.ts';
import { readTls } from './read-tls.ts';

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
  check: checkTransportOptions,
  createTopicCache: () => new TopicCache(256, Number.POSITIVE_INFINITY),
  hint: (error) => hintFor(error, 'en'),
  explain: explainFailure,
};
