import {
  type ConnackPacket,
  type ConnectPacket,
  type PacketFault,
  ProtocolError,
  type ProtocolVersion,
  violation,
} from '@hawser/codec';
import * as ReasonCode from '@hawser/codec/reason-code';
import { validateOptions } from '@hawser/parameters';
import type { ClientCloseCause, ClientSink } from '@hawser/protocol';
import type { Clock } from '@hawser/transport/clock';
import type { Transport } from '@hawser/transport/transport';
import { ClosedError, ConnectError, type ConnectEvidence, type ConnectStage, type Retry } from '../errors.ts';
import type { Negotiated } from '../negotiated.ts';
import type { Provider, TlsOptions } from '../options.ts';
import type { Platform } from '../platform.ts';
import { abortable, timed } from '../promises.ts';
import { bytesOf, type Settings, throwFirst } from '../settings.ts';
import { type Address, formatAddress } from './address.ts';
import { explainClose, explainConnack, explainDial, explainTimeout, type Seen, wordsOf } from './explain.ts';
import { type Link, linkOf } from './link.ts';

/** A connection whose CONNACK has come. */
export interface Established {
  readonly link: Link;
  readonly connect: ConnectPacket;
  readonly connack: ConnackPacket;
  readonly ended: Promise<ClientCloseCause>;
  /** Runs the AUTH exchange again. */
  reauthenticate(): Promise<void>;
}

/** Takes over a connection with its CONNACK, in that call: what stands behind it in the same bytes comes next. */
export interface ConnectionOwner {
  /** Who gets what comes. */
  readonly receiver: Pick<ClientSink, 'onPublish' | 'onAck' | 'onAnswer'>;
  onClosed(): void;
  /** In force for the next CONNECT. */
  readonly clientId: string;
  readonly clock: Clock;
  /** There is state of an earlier connection: the next one resumes. */
  readonly resumes: boolean;
  /** Undefined before the first connection. */
  readonly negotiated: Negotiated | undefined;
  /** Why a CONNACK is not to be accepted, although the server accepts: code and words. */
  objectionTo(connack: ConnackPacket): readonly [code: PacketFault, text: string] | undefined;
  onEstablished(established: Established): void;
}

/**
 * One attempt to connect, from the name lookup to the CONNACK, under one clock; then it hands on to the owner what comes. Resolves after
 * `owner.onEstablished`; rejects with a ConnectError, or with the reason of the signal, which gives up.
 */
export function attempt(
  platform: Platform,
  settings: Settings,
  owner: ConnectionOwner,
  address: Address,
  version: ProtocolVersion,
  signal: AbortSignal,
): Promise<Established> {
  const { clock } = owner;
  const { authentication } = settings;
  const connectTimeoutMs = settings.connectTimeout * 1000;
  const abort = new AbortController();
  const done = Promise.withResolvers<Established>();
  const ended = Promise.withResolvers<ClientCloseCause>();
  let stage: ConnectStage = 'auth';
  const url = formatAddress(address);
  let evidence: ConnectEvidence = { host: address.host, port: address.port };
  /** The one object of the platform grows: it is looked at when something is to be explained. */
  const seen = (): Seen => ({ ...evidence, url });
  let connect: ConnectPacket;
  let tls: TlsOptions = {};
  let transport: Transport | undefined;
  let link: Link | undefined;
  let isEstablished = false;
  /** Of a repeated AUTH exchange. */
  let repeated: PromiseWithResolvers<void> | undefined;

  /** An option, or what its function gives: that may be what the option may be (`type`: as another one). */
  const ask = async <T>(value: T | Provider<T>, option: string, type = option): Promise<T> => {
    try {
      if (typeof value !== 'function') return value;
      const given = await (value as Provider<T>)(abort.signal);
      const problems = validateOptions({ [type]: given }, { platform: platform.name, label: () => option });
      throwFirst(problems);
      return given;
    } catch (cause) {
      throw ownFault(cause, 'provider-failed', `the function given as '${option}' failed`, 'yes', { option });
    }
  };

  const begin = async (): Promise<void> => {
    const username = await ask(settings.username ?? address.username, 'username');
    const password = bytesOf(await ask(settings.password ?? address.password, 'password'));
    tls = (await ask(settings.tls, 'tls')) ?? {};
    const start: Provider<string | Uint8Array | undefined> = async (given) => authentication?.start?.(given);
    const authenticationData = bytesOf(await ask(start, 'authentication', 'password'));
    if (abort.signal.aborted) return;
    stage = 'dns';
    const onStage = (begun: ConnectStage, growing: ConnectEvidence): void => {
      stage = begun;
      evidence = growing;
    };
    transport = await platform.dial(address, { clock, signal: abort.signal, tls, onStage }).catch((error: unknown) => {
      throw explainDial(error, seen());
    });
    if (abort.signal.aborted) {
      transport.destroy();
      return;
    }
    stage = 'connack';
    // Both empty is anonymous too.
    const isAnonymous = !username && !password?.length;
    const is5 = version === 5;
    connect = {
      type: 'connect',
      protocolVersion: version,
      // A reconnect resumes while there is state; in 3.x a clean session never has any.
      cleanStart: settings.cleanStart && !(is5 && owner.resumes),
      keepAlive: settings.keepAlive,
      clientId: owner.clientId,
      username: isAnonymous ? undefined : username,
      password: isAnonymous ? undefined : password,
      will: settings.will,
      properties: is5 ? { ...settings.properties, authenticationData } : undefined,
      bridge: false,
    };
    link = linkOf(transport, clock, { topics: platform.createTopicCache?.(), connect }, sink);
  };

  const giveUp = (error: unknown): void => {
    done.reject(error);
    abort.abort();
    // One that has ended by itself still has its last packet to send.
    if (!isEstablished && !link?.connection.closeCause) transport?.destroy();
  };

  /** What closed without a word may be explained by the platform. */
  const fail = async (error: unknown): Promise<void> => {
    const isFirst = !owner.negotiated;
    const failed = { address, signal: abort.signal, tls, isFirst, loss: link?.error, received: link?.firstBytes };
    giveUp(
      (error instanceof ConnectError && (await platform.explain?.(error, failed).catch(() => undefined))) || error,
    );
  };

  /** What is no ConnectError comes of what the program was asked for: all else has been checked before. */
  const explained = (cause: unknown): ConnectError => {
    if (cause instanceof ConnectError) return cause;
    const { code } = (cause ?? {}) as { readonly code?: unknown };
    const known = typeof code === 'string' ? code : 'mechanism-failed';
    return ownFault(cause, known, 'authentication failed on this side', 'after-change', seen());
  };

  /** A step of the AUTH exchange; when it fails, this side gives up. */
  const guard = (step: () => Promise<void>): void => {
    step().catch((cause: unknown) => {
      repeated?.reject(cause);
      if (!isEstablished) giveUp(explained(cause));
    });
  };

  const writeAuth = (reasonCode: number, data: Uint8Array | string | undefined): void => {
    if (!link || !authentication || link.connection.closeCause) return;
    const properties = { authenticationMethod: authentication.method, authenticationData: bytesOf(data) };
    link.connection.write({ type: 'auth', reasonCode, properties });
    link.afterTurn();
  };

  const reauthenticate = (): Promise<void> => {
    if (!repeated) {
      repeated = Promise.withResolvers();
      const onOver = (): void => {
        repeated = undefined;
      };
      repeated.promise.then(onOver, onOver);
      guard(async () => writeAuth(ReasonCode.ReAuthenticate, await authentication?.start?.(abort.signal)));
    }
    const onLate = (): void => repeated?.reject(explainTimeout('auth', false, connectTimeoutMs, seen()));
    return timed(repeated.promise, clock, connectTimeoutMs, onLate);
  };

  const sink: ClientSink = {
    ...owner.receiver,

    onConnack(connack) {
      if (connack.reasonCode !== 0) {
        done.reject(explainConnack(connack, version, seen(), authentication));
        return;
      }
      const { connection } = link as Link;
      const objection = owner.objectionTo(connack);
      if (objection) throw new ProtocolError(...objection);
      const establish = (): void => {
        isEstablished = true;
        const established = { link: link as Link, connect, connack, ended: ended.promise, reauthenticate };
        owner.onEstablished(established);
        done.resolve(established);
      };
      if (!authentication) {
        establish();
        return;
      }
      // Nothing is believed of the server before it has proved itself.
      connection.hold();
      guard(async () => {
        await authentication.finish?.(connack.properties?.authenticationData);
        if (connection.closeCause || abort.signal.aborted) return;
        establish();
        connection.proceed(clock.now());
        link?.afterTurn();
      });
    },

    onAuth({ reasonCode, properties }) {
      if (!authentication) {
        throw violation('AUTH', 'auth-unexpected', 'the CONNECT had no Authentication Method');
      }
      if (!isEstablished) stage = 'auth';
      guard(async () => {
        const data = properties?.authenticationData;
        if (reasonCode === ReasonCode.Success) {
          await authentication.finish?.(data);
          repeated?.resolve();
        } else writeAuth(ReasonCode.ContinueAuthentication, await authentication.continue?.(data, abort.signal));
      });
    },

    onClosed(cause) {
      repeated?.reject(new ClosedError(cause.code, cause.text, cause.reasonCode));
      if (isEstablished) {
        owner.onClosed();
        ended.resolve(cause);
        return;
      }
      void fail(explainClose(cause, link, seen()));
      link?.afterTurn();
    },
  };

  begin().catch((error: unknown) => fail(explained(error)));
  const onLate = (): void => giveUp(explainTimeout(stage, !link, connectTimeoutMs, seen()));
  return abortable(timed(done.promise, clock, connectTimeoutMs, onLate), signal, () => giveUp(signal.reason));
}

/** What the program itself was asked for, and did not give. */
function ownFault(cause: unknown, code: string, what: string, retry: Retry, evidence: ConnectEvidence): ConnectError {
  return new ConnectError({ stage: 'auth', code, message: `${what}: ${wordsOf(cause)}`, retry, evidence, cause });
}
