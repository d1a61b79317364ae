import type { Transport } from '@hawser/transport/transport';
import { formatAddress } from '../connection/address.ts';
import { AddressError, type ConnectEvidence, type Retry } from '../errors.ts';
import type { DialFailure, Platform } from '../platform.ts';
import { abortable } from '../promises.ts';
import { pageClock, pageTime } from './page-clock.ts';
import { webSocketTransport } from './websocket-transport.ts';

const CLIENT_ID_LENGTH = 22;

/** A browser: WebSocket only. What went wrong below it, a browser does not tell scripts. */
export const browserPlatform: Platform = {
  name: 'browser',
  clock: pageTime,
  openClock: pageClock,
  random: Math.random,
  // Five bits of each byte: letters and digits that are all as likely, 110 bits in all.
  generateClientId: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(CLIENT_ID_LENGTH)), (byte) => (byte & 31).toString(32)).join(''),
  async dial(address, { clock, signal, onStage }) {
    const url = formatAddress(address);
    const { transport: kind, host, port } = address;
    if (kind !== 'ws' && kind !== 'wss') {
      const text = `a browser has WebSocket only: use wss:// or ws://, not ${kind}://`;
      throw new AddressError('scheme-not-in-browser', text, { url });
    }
    const evidence: ConnectEvidence = { host, port, url };
    onStage('websocket', evidence);
    const { promise, resolve, reject } = Promise.withResolvers<Transport>();
    let socket: WebSocket | undefined;
    const fail = (code: string, message: string, retry?: Retry): void => {
      const failure: DialFailure = { stage: 'websocket', code, message, evidence, retry };
      reject(failure);
      socket?.close();
    };
    try {
      const opening = new WebSocket(url, ['mqtt']);
      socket = opening;
      opening.binaryType = 'arraybuffer';
      opening.onopen = () => {
        if (opening.protocol === 'mqtt')
          resolve(webSocketTransport(opening, clock, { kind, remoteAddress: host, remotePort: port, tls: undefined }));
        else fail('subprotocol-refused', `${url} did not choose the WebSocket subprotocol mqtt`, 'after-change');
      };
      opening.onclose = ({ code }) => {
        const text = `no WebSocket to ${url} (code ${code}): nothing listens there, wrong path, or untrusted certificate; a browser does not tell`;
        fail('websocket-failed', text);
      };
    } catch (error) {
      // ws:// in a page of https://
      fail('websocket-failed', `the browser does not open ${url}: ${error}`);
    }
    return abortable(promise, signal, () => fail('aborted', `connecting to ${url} was given up`));
  },
};
