import type { Clock } from '@hawser/transport';
import { clipDetail, clipText } from '../causes/clip.ts';
import type { LossCause } from '../causes/losses.ts';
import type { WarningCode } from '../causes/warnings.ts';
import { TokenBucket } from '../node/token-bucket.ts';
import { fingerprint } from '../policy/claimed-name.ts';
import type { ClientInfo } from '../policy/policies.ts';
import type { Settings } from '../settings.ts';
import { type ClientRecord, countRepetition, isRepetition } from './client-record.ts';
import { ClientRecords } from './client-records.ts';
import { bytesOfEntry, bytesOfEvent } from './event-bytes.ts';
import { NegotiatedTexts } from './negotiated-texts.ts';
import type {
  ClosedEvent,
  ConnectedEvent,
  Negotiated,
  Observer,
  RefusalCause,
  RefusedEvent,
  SessionEndedEvent,
  SubscribeRefusedEvent,
} from './observer.ts';
import { endpoint, type HistoryEntry, type RecordedEvent, type RecordedWarning } from './recorded-event.ts';
import { decodeLine, encodeConnected, encodeLine, type LogLine, type RecorderLog } from './recorder-log.ts';
import { Ring } from './ring.ts';

/** How often what was lost is written down. */
const LEDGER_EVERY_MS = 1000;
const MOST_WARNINGS = 100;
/** Characters of what a connection asked for and got. */
const MOST_NEGOTIATED = 4096;
/** Warnings of one code that are kept within a minute; a fault that meets everybody must not push out all others. */
const WARNINGS_OF_A_CODE = 5;
const WARNINGS_WITHIN_MS = 60_000;
/** Refusals of those who were never let in that are written down in a second: they must not push out of the file who was. */
const REFUSALS_PER_S = 10;

export type RecorderBounds = Pick<
  Settings,
  'recorder.clients' | 'recorder.events' | 'recorder.refusals' | 'recorder.history' | 'recorder.bytes'
>;

/** Of `recorder.bytes`: as much again for refusals, and the rest for the records of clients. */
const SHARE_OF_HISTORY = 0.125;

export interface RecorderOptions {
  readonly settings: RecorderBounds;
  readonly clock: Clock;
  /** Absent: what is recorded ends with the process. */
  readonly log?: RecorderLog | undefined;
}

/**
 * Remembers why: the last events of each Client Identifier, attempts that never said who they were, and what was lost, by
 * cause. Always on, bounded in everything, and never asked for anything while messages flow except to count the lost ones.
 */
export class Recorder implements Observer {
  readonly #clock: Clock;
  readonly #log: RecorderLog | undefined;
  readonly #records: ClientRecords;
  readonly #refusals: Ring<RecordedEvent>;
  readonly #history: Ring<HistoryEntry>;
  readonly #warnings = new Ring<RecordedWarning>(MOST_WARNINGS);
  readonly #refusalLines: TokenBucket;
  #refusalsNotWritten = 0;
  #unwritten = new Map<ClientRecord, Set<LossCause>>();
  #cancelTimer: (() => void) | undefined;
  readonly #texts = new NegotiatedTexts();

  constructor(options: RecorderOptions) {
    this.#clock = options.clock;
    this.#records = new ClientRecords(options.settings, (record) => this.#unwritten.delete(record));
    this.#log = options.log;
    this.#refusalLines = new TokenBucket(REFUSALS_PER_S, options.clock.now());
    const { settings } = options;
    const bytes = settings['recorder.bytes'] * SHARE_OF_HISTORY;
    this.#refusals = new Ring(settings['recorder.refusals'], bytes, bytesOfEvent);
    this.#history = new Ring(settings['recorder.history'], bytes, bytesOfEntry);
  }

  /** New bounds, from now on; what is over them is forgotten. */
  configure(settings: RecorderBounds): void {
    const bytes = settings['recorder.bytes'] * SHARE_OF_HISTORY;
    this.#records.configure(settings);
    this.#refusals.setBounds(settings['recorder.refusals'], bytes);
    this.#history.setBounds(settings['recorder.history'], bytes);
  }

  // Reading.

  /** Lines of the log that were not written. */
  get droppedLines(): number {
    return (this.#log?.dropped ?? 0) + this.#refusalsNotWritten;
  }

  /** Client Identifiers that something is known of. */
  get size(): number {
    return this.#records.size;
  }

  /** Client Identifiers that were forgotten for want of room. */
  get evicted(): number {
    return this.#records.evicted;
  }

  get(clientId: string): ClientRecord | undefined {
    return this.#records.get(clientId);
  }

  records(): Iterable<ClientRecord> {
    return this.#records.all();
  }

  /** Attempts that ended before a CONNECT was read, newest first. */
  refusals(): Iterable<RecordedEvent> {
    return this.#refusals.newestFirst();
  }

  /** What happened to anybody, newest first. */
  history(): Iterable<HistoryEntry> {
    return this.#history.newestFirst();
  }

  /** Newest first. */
  warnings(): Iterable<RecordedWarning> {
    return this.#warnings.newestFirst();
  }

  /** What a connection asked for and got, as JSON that many share. */
  intern(negotiated: Negotiated): string {
    return this.#texts.of(negotiated);
  }

  // The log.

  /** Reads what earlier runs have left. Never fails: a broker without its past is better than none. */
  async open(): Promise<void> {
    const log = this.#log;
    if (log === undefined) return;
    try {
      let stopped = true;
      for (const text of await log.open()) {
        const line = decodeLine(text);
        if (line === undefined) continue;
        stopped = line.t === 'stopped';
        this.#restore(line);
      }
      log.onRotated = () => this.#rewriteLedgers();
      if (!stopped) this.#settleAfterCrash();
    } catch (error) {
      this.onWarning('recorder-unreadable', `what was recorded before could not be read: ${String(error)}`);
    }
  }

  async close(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writeLedgers();
    this.#write({ t: 'stopped', at: this.#clock.wallNow() });
    await this.#log?.close();
  }

  // What is told.

  onConnected(event: ConnectedEvent): void {
    const record = this.#records.touch(event.client.clientId, true);
    const { last } = record.events;
    const own = endpoint(event.client.remoteAddress, event.client.remotePort);
    const taken = last?.kind === 'closed' && last.takenOverBy === own && last.remoteAddress !== undefined;
    if (taken) record.takeovers++;
    record.isConnected = true;
    const negotiated = this.intern(event.negotiated);
    const recorded: RecordedEvent = {
      at: event.at,
      kind: 'connected',
      code: 'connected',
      ...whoIs(event.client),
      sessionPresent: event.sessionPresent,
      cleanStart: event.cleanStart,
      ...(taken ? { tookOverFrom: endpoint(last.remoteAddress ?? '', last.remotePort ?? 0) } : {}),
    };
    this.#records.change(record, () => {
      // One that is as long as an attacker likes is not worth its room.
      record.negotiated = negotiated.length > MOST_NEGOTIATED ? undefined : negotiated;
      return record.add(recorded);
    });
    this.#remember(record.clientId, recorded);
    this.#log?.append(encodeConnected(record.clientId, recorded, record.negotiated));
  }

  onClosed(event: ClosedEvent): void {
    const record = this.#records.touch(event.client.clientId, true);
    record.isConnected = false;
    this.#add(record, {
      at: event.at,
      kind: 'closed',
      ...causeOf(event.cause),
      ...whoIs(event.client),
      connectedForMs: Math.round(event.connectedForMs),
      bytesIn: event.bytesIn,
      bytesOut: event.bytesOut,
      packetsIn: event.packetsIn,
      packetsOut: event.packetsOut,
      ...(event.takenOverBy === undefined ? {} : { takenOverBy: event.takenOverBy }),
    });
  }

  onRefused(event: RefusedEvent): void {
    const { client } = event;
    const recorded: RecordedEvent = {
      at: event.at,
      kind: 'refused',
      ...causeOf(event.cause),
      ...(client === undefined
        ? { remoteAddress: event.remoteAddress, remotePort: event.remotePort, listener: event.listener }
        : whoIs(client)),
      bytesIn: event.bytesIn,
    };
    // An empty Client Identifier is nobody's.
    if (client !== undefined && client.clientId !== '') {
      const record = this.#records.touch(client.clientId, false);
      this.#add(record, recorded, !record.hasConnected);
      return;
    }
    const { last } = this.#refusals;
    if (last !== undefined && isRepetition(last, recorded)) {
      countRepetition(last, recorded);
      if (isPowerOfTwo(last.repeated ?? 1))
        this.#writeRefusal({ t: 'event', e: { ...recorded, repeated: last.repeated ?? 1 } });
      return;
    }
    this.#refusals.push(recorded);
    this.#remember(undefined, recorded);
    this.#writeRefusal({ t: 'event', e: recorded });
  }

  onSubscribeRefused(event: SubscribeRefusedEvent): void {
    this.#add(this.#records.touch(event.client.clientId, true), {
      at: event.at,
      kind: 'subscribe-refused',
      code: event.code,
      reasonCode: event.reasonCode,
      detail: clipDetail(event.detail),
      remoteAddress: event.client.remoteAddress,
      remotePort: event.client.remotePort,
    });
  }

  onSessionEnded(event: SessionEndedEvent): void {
    this.#add(this.#records.touch(event.clientId, true), {
      at: event.at,
      kind: 'session-ended',
      code: `session-${event.cause}`,
      queued: event.queued,
    });
  }

  onWarning(code: WarningCode, text: string): void {
    const at = this.#clock.wallNow();
    let ofCode = 0;
    let latest: RecordedWarning | undefined;
    for (const known of this.#warnings.newestFirst()) {
      if (known.code !== code || at - known.at >= WARNINGS_WITHIN_MS) continue;
      latest ??= known;
      ofCode++;
    }
    if (latest !== undefined && (latest.text === text || ofCode >= WARNINGS_OF_A_CODE)) {
      latest.repeated = (latest.repeated ?? 1) + 1;
      return;
    }
    const warning: RecordedWarning = { at, code, text: clipText(text) };
    this.#warnings.push(warning);
    this.#write({ t: 'warning', w: warning });
  }

  /** Counts messages that a session has lost. Called for each message: it makes no object but the first of its kind. */
  countLost(clientId: string, cause: LossCause, topic: string, count: number): void {
    if (clientId === '') return;
    const record = this.#records.client(clientId) ?? this.#records.touch(clientId, true);
    const before = record.bytes;
    record.lose(cause, topic, count, this.#clock.wallNow());
    this.#records.onChanged(record, before);
    if (this.#log !== undefined) this.#noteLoss(record, cause);
  }

  // What is kept.

  #add(record: ClientRecord, event: RecordedEvent, isStranger = false): void {
    const isNew = this.#records.change(record, () => record.add(event));
    if (isNew) this.#remember(record.clientId, event);
    // Who tries for ever must not fill the log.
    const repeated = record.events.last?.repeated ?? 1;
    if (!isNew && !isPowerOfTwo(repeated)) return;
    const line: LogLine = { t: 'event', id: record.clientId, e: isNew ? event : { ...event, repeated } };
    if (isStranger) this.#writeRefusal(line);
    else this.#write(line);
  }

  #remember(clientId: string | undefined, event: RecordedEvent): void {
    this.#history.push({ clientId, event });
  }

  // Writing down.

  #write(line: LogLine): void {
    this.#log?.append(encodeLine(line));
  }

  #writeRefusal(line: LogLine): void {
    if (this.#log === undefined) return;
    if (this.#refusalLines.take(this.#clock.now())) this.#write(line);
    else this.#refusalsNotWritten++;
  }

  #noteLoss(record: ClientRecord, cause: LossCause): void {
    const causes = this.#unwritten.get(record);
    if (causes !== undefined) {
      causes.add(cause);
      return;
    }
    this.#unwritten.set(record, new Set([cause]));
    this.#cancelTimer ??= this.#clock.setTimer(this.#clock.now() + LEDGER_EVERY_MS, () => {
      this.#cancelTimer = undefined;
      this.#writeLedgers();
    });
  }

  #writeLedgers(): void {
    const unwritten = this.#unwritten;
    this.#unwritten = new Map();
    for (const [record, causes] of unwritten) {
      for (const cause of causes) {
        const total = record.losses?.[cause];
        if (total !== undefined) this.#write({ t: 'lost', id: record.clientId, cause, total });
      }
    }
  }

  /** Totals stand in one line each; those of the lines that are forgotten next must not go with them. */
  #rewriteLedgers(): void {
    for (const record of this.records()) {
      for (const cause of Object.keys(record.losses ?? {})) this.#noteLoss(record, cause as LossCause);
    }
  }

  #restore(line: LogLine): void {
    switch (line.t) {
      case 'event': {
        if (line.id === undefined) {
          const { last } = this.#refusals;
          if (last !== undefined && isRepetition(last, line.e)) countRepetition(last, line.e);
          else {
            this.#refusals.push(line.e);
            this.#remember(undefined, line.e);
          }
          return;
        }
        const record = this.#records.touch(line.id, line.e.kind !== 'refused');
        if (line.e.kind === 'connected') {
          record.isConnected = true;
          if (line.e.tookOverFrom !== undefined) record.takeovers++;
          if (line.n !== undefined) {
            const negotiated = this.intern(line.n);
            this.#records.change(record, () => {
              record.negotiated = negotiated;
            });
          }
        } else if (line.e.kind === 'closed') record.isConnected = false;
        if (this.#records.change(record, () => record.add(line.e))) this.#remember(line.id, line.e);
        return;
      }
      case 'lost': {
        const record = this.#records.touch(line.id, true);
        this.#records.change(record, () => record.restoreLoss(line.cause, line.total));
        return;
      }
      case 'warning':
        this.#warnings.push(line.w);
        return;
      case 'stopped':
        for (const record of this.#records.clients()) record.isConnected = false;
    }
  }

  /** Those who were connected when the broker went down were cut off by that, and nobody could write it down. */
  #settleAfterCrash(): void {
    const at = this.#clock.wallNow();
    for (const record of [...this.#records.clients()]) {
      if (!record.isConnected) continue;
      record.isConnected = false;
      const { last } = record.events;
      this.#add(record, {
        at,
        kind: 'broker-ended',
        code: 'broker-ended',
        ...(last?.remoteAddress === undefined
          ? {}
          : { remoteAddress: last.remoteAddress, remotePort: last.remotePort ?? 0 }),
      });
    }
  }
}

function whoIs(client: ClientInfo) {
  const { tls } = client;
  return {
    remoteAddress: client.remoteAddress,
    remotePort: client.remotePort,
    listener: client.listener,
    protocolVersion: client.protocolVersion,
    ...(client.username === undefined ? {} : { username: clipText(client.username) }),
    ...(client.claimedUsername === undefined ? {} : { claimedUsername: fingerprint(client.claimedUsername) }),
    ...(tls === undefined ? {} : { tls: tls.protocol }),
    ...(tls?.peerSubject === undefined ? {} : { certificate: clipText(tls.peerSubject) }),
  };
}

function causeOf({ code, reasonCode, detail, by }: RefusalCause) {
  return { code, reasonCode, detail: clipDetail(detail), by };
}

function isPowerOfTwo(number: number): boolean {
  return (number & (number - 1)) === 0;
}
