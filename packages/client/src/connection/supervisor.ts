import type { ProtocolVersion } from '@hawser/codec';
import type { ClientCloseCause } from '@hawser/protocol';
import type { Emitter } from '../emitter.ts';
import { ClosedError, ConnectError } from '../errors.ts';
import type { ClientEvents } from '../events.ts';
import type { Platform } from '../platform.ts';
import { abortable, timed } from '../promises.ts';
import type { Settings } from '../settings.ts';
import { type Address, formatAddress } from './address.ts';
import { attempt, type ConnectionOwner } from './attempt.ts';
import { type Decision, reconnectPolicyOf } from './reconnect-policy.ts';

/** Who is kept connected: the client. */
export interface SupervisedClient extends ConnectionOwner {
  /** In force for the next CONNECT; with `auto` an older one may be tried. */
  version: ProtocolVersion;
  /** While there is no connection. */
  phase: 'connecting' | 'waiting';
  emit: Emitter<ClientEvents>['emit'];
  warn(code: string, text: string): void;
}

const MOST_CLOSES_BEFORE_OLDER = 2;

/**
 * Keeps a client connected: attempts, server after server, version after version, and the delays between. Runs until the signal
 * gives up whatever is under way (a connection that is there is the caller's to end), or rejects with the error that ends it all. `onFirst`:
 * connected for the first time.
 */
export async function keepConnected(
  platform: Platform,
  settings: Settings,
  client: SupervisedClient,
  signal: AbortSignal,
  onFirst: () => void,
): Promise<void> {
  const { clock } = client;
  const policy = reconnectPolicyOf(settings);
  let { addresses } = settings;
  let at = 0;
  /** Seconds. */
  let delay = 0;
  /** Servers of this round that could not be connected to. */
  let failed = 0;
  let closesBeforeConnack = 0;

  /** `auto`: on 0x84, 0x01 or two closes in a row before the CONNACK, the next older version. */
  const fallsBack = (code: string): boolean => {
    if (!settings.fallsBack || client.negotiated) return false;
    const isClose = code === 'closed-before-connack';
    if (isClose && ++closesBeforeConnack < MOST_CLOSES_BEFORE_OLDER) return true;
    closesBeforeConnack = 0;
    if (client.version === 3 || (!isClose && code !== 'unsupported-protocol-version')) return false;
    client.version = client.version === 5 ? 4 : 3;
    return true;
  };

  /** `delay`: undefined when it is not tried again. */
  const tell = (cause: ClientCloseCause, error: Error | undefined, delay?: number): void => {
    client.emit('disconnected', { ...cause, willRetry: delay !== undefined, delay, error });
  };

  while (!signal.aborted) {
    const address = addresses[at] as Address;
    let cause: ClientCloseCause;
    let error: Error | undefined;
    let decision: Decision;
    let mayRetry = settings.reconnects;
    client.phase = 'connecting';
    client.emit('connecting', { attempt: ++policy.attempt, delay, url: formatAddress(address) });
    try {
      const { ended, link } = await attempt(platform, settings, client, address, client.version, signal);
      const connectedAtMs = clock.now();
      onFirst();
      cause = await ended;
      if (signal.aborted) return;
      client.phase = 'waiting';
      const { serverReference } = link.connection;
      decision = policy.afterLoss(cause, client.version, clock.now() - connectedAtMs, address, serverReference);
    } catch (caught) {
      if (signal.aborted) return;
      if (!(caught instanceof ConnectError)) throw caught;
      caught.hint ??= platform.hint?.(caught);
      if (fallsBack(caught.code)) continue;
      error = caught;
      cause = { code: caught.code, reasonCode: caught.reasonCode ?? 0x80, text: caught.message, by: 'network' };
      at = (at + 1) % addresses.length;
      if (++failed < addresses.length) {
        delay = 0;
        tell(cause, error, delay);
        continue;
      }
      decision = policy.afterAttempt(caught, address);
      mayRetry &&= settings.reconnect.initial || decision.kind === 'follow' || client.negotiated !== undefined;
    }
    failed = 0;
    if (decision.kind === 'stop' || !mayRetry) {
      const { code, text } = decision.kind === 'stop' ? decision : cause;
      error ??= new ClosedError(code, text, cause.reasonCode);
      tell(cause, error);
      throw error;
    }
    if (decision.kind === 'follow') {
      const { to } = decision;
      addresses = [to, ...settings.addresses.filter((other) => formatAddress(other) !== formatAddress(to))];
      at = 0;
      delay = 0;
    } else {
      if (decision.warning) client.warn('quick-closes', decision.warning);
      delay = policy.nextDelay(platform.random());
    }
    tell(cause, error, delay);
    if (delay > 0) {
      client.phase = 'waiting';
      const { promise, resolve } = Promise.withResolvers<void>();
      await timed(abortable(promise, signal, resolve), clock, delay * 1000, resolve);
    }
  }
}
