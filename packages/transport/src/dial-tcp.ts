import { connect, isIP, type Socket } from 'node:net';
import { DialError, type DialErrorCode, type DialEvidence, type DialStage } from './dial-error.ts';
import { systemCodeOf } from './listen-error.ts';
import { plainAddress } from './plain-address.ts';

/** When the next address of a name is tried because the one before has not answered. */
const NEXT_ADDRESS_MS = 500;
const KEEP_ALIVE_MS = 60_000;

/** The stages `dns` and `tcp`: a connected socket, or a DialError. `onSocket`: what to destroy to give up. */
export function connectTcp(
  host: string,
  port: number,
  evidence: DialEvidence,
  onSocket: (socket: Socket) => void,
  onStage: (stage: DialStage) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    });
    onSocket(socket);
    let isNameKnown = isIP(host) !== 0;
    if (isNameKnown) {
      evidence.addresses = [host];
      onStage('tcp');
    }
    socket.on('lookup', (error: Error | null, address: string | undefined) => {
      if (error !== null && error !== undefined) return;
      if (address !== undefined) evidence.addresses = [...evidence.addresses, address];
      if (!isNameKnown) onStage('tcp');
      isNameKnown = true;
    });
    const onError = (error: Error): void => {
      const code = systemCodeOf(error);
      if (code !== undefined) evidence.systemCode = code;
      reject(isNameKnown ? explainTcp(error, code, evidence) : explainDns(error, code, evidence));
    };
    socket.on('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      socket.on('error', ignore);
      evidence.peerAddress = plainAddress(socket.remoteAddress);
      resolve(socket);
    });
  });
}

/** The next stage has a listener of its own. */
function ignore(): void {}

function explainDns(error: Error, systemCode: string | undefined, evidence: DialEvidence): DialError {
  const { host } = evidence;
  if (systemCode === 'ENOTFOUND' || systemCode === 'ENODATA') {
    return new DialError('dns', 'host-not-found', `no address is known for the name ${host}`, evidence, error);
  }
  if (systemCode === 'EAI_AGAIN' || systemCode === 'ETIMEOUT') {
    return new DialError(
      'dns',
      'dns-timeout',
      `the name server did not answer when asked for ${host}`,
      evidence,
      error,
    );
  }
  return new DialError(
    'dns',
    'dns-failed',
    `the name ${host} could not be looked up: ${error.message}`,
    evidence,
    error,
  );
}

const TCP_CODES: Readonly<Record<string, readonly [DialErrorCode, string]>> = {
  ECONNREFUSED: ['refused', 'refused the connection: nothing listens there, or a firewall refuses it'],
  ETIMEDOUT: ['timeout', 'did not answer'],
  EHOSTUNREACH: ['unreachable', 'is unreachable: there is no route to it'],
  ENETUNREACH: ['unreachable', 'is unreachable: this machine has no route to its network'],
  EHOSTDOWN: ['unreachable', 'is unreachable: it is down'],
  ENETDOWN: ['unreachable', 'is unreachable: the network is down'],
  EADDRNOTAVAIL: ['unreachable', "is unreachable from this machine's addresses"],
  ECONNRESET: ['reset', 'reset the connection'],
};

function explainTcp(error: Error, systemCode: string | undefined, evidence: DialEvidence): DialError {
  const where = whereOf(evidence);
  const known = TCP_CODES[systemCode ?? ''];
  if (known === undefined)
    return new DialError('tcp', 'tcp-failed', `could not connect to ${where}: ${error.message}`, evidence, error);
  return new DialError('tcp', known[0], `${where} ${known[1]}`, evidence, error);
}

/** `broker.example.com:1883 (10.1.2.3)`. */
export function whereOf({ host, port, addresses }: DialEvidence): string {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const others = addresses.filter((address) => address !== host);
  return others.length === 0 ? where : `${where} (${others.join(', ')})`;
}
