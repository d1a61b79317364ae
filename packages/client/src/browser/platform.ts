import type { Clock } from '@hawser/transport';
import { formatAddress } from '../connection/address.ts';
import { AddressError, type ConnectEvidence, type Retry } from '../errors.ts';
import type { DialFailure, Platform } from '../platform.ts';
import { BrowserWebSocketTransport } from './websocket-transport.ts';

const CLIENT_ID_LENGTH = 22;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const clock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(atMs, callback) {
    const timer = setTimeout(callback, Math.min(LONGEST_TIMER_MS, atMs - performance.now()));
    return () => clearTimeout(timer);
  },
  defer: (callback) => queueMicrotask(callback),
};

/** A browser: WebSocket only. What went wrong below it, a browser does not tell scripts. */
export const browserPlatform: Platform = {
  name: 'browser',
  clock,
  random: Math.random,
  // Five bits of each byte: letters and digits that are all as likely, 110 bits in all.
  generateClientId: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(CLIENT_ID_LENGTH)), (byte) => (byte & 31).toString(32)).join(''),
  dial(address, { signal, onStage }) {
    const url = formatAddress(address);
    const { transport, host, port } = address;
    const evidence: ConnectEvidence = { host, port, url };
    if (transport !== 'ws' && transport !== 'wss') {
      const text = `a browser has WebSocket only: use wss:// or ws://, not ${transport}://`;
      return Promise.reject(new AddressError('scheme-not-in-browser', text, { url }));
    }
    onStage('websocket', evidence);
    return new Promise((resolve, reject) => {
      const fail = (code: string, message: string, retry?: Retry): void => {
        const failure: DialFailure = { stage: 'websocket', code, message, evidence, retry };
        reject(failure);
      };
      let socket: WebSocket;
      try {
        socket = new WebSocket(url, ['mqtt']);
      } catch (error) {
        // ws:// in a page of https://
        fail('websocket-failed', `the browser does not open ${url}: ${String(error)}`);
        return;
      }
      socket.binaryType = 'arraybuffer';
      const onAbort = (): void => {
        fail('aborted', `connecting to ${url} was given up`);
        socket.close();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      socket.onopen = () => {
        signal.removeEventListener('abort', onAbort);
        if (socket.protocol === 'mqtt') {
          const info = { kind: transport, remoteAddress: host, remotePort: port, tls: undefined };
          resolve(new BrowserWebSocketTransport(socket, info));
          return;
        }
        fail('subprotocol-refused', `${url} did not choose the WebSocket subprotocol mqtt`, 'after-change');
        socket.close();
      };
      socket.onclose = ({ code }) => {
        const text = `no WebSocket to ${url} (code ${code}): nothing listens there, a wrong path, or a certificate that is not trusted; a browser does not tell`;
        fail('websocket-failed', text);
      };
    });
  },
};
