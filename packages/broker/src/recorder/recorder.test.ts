import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloseCause } from '@hawser/protocol';
import type { Clock } from '@hawser/transport';
import { afterAll, describe, expect, it } from 'vitest';
import type { ClientInfo } from '../policy/policies.ts';
import { settingsWith } from '../settings.ts';
import { FileRecorderLog } from './file-recorder-log.ts';
import { Recorder } from './recorder.ts';
import type { RecorderLog } from './recorder-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'hawser-recorder-'));
afterAll(() => rmSync(folder, { recursive: true }));

const client = (clientId: string, remoteAddress = '10.0.0.1', remotePort = 4000): ClientInfo => ({
  clientId,
  username: undefined,
  protocolVersion: 5,
  remoteAddress,
  remotePort,
  listener: 'mqtt://127.0.0.1:1883',
  tls: undefined,
  userProperties: [],
});

/** Stands still until it is told to go on; one timer is all that a recorder has. */
class StillClock implements Clock {
  #now = 1000;
  #timer: { readonly atMs: number; readonly callback: () => void } | undefined;

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  setTimer(atMs: number, callback: () => void): () => void {
    this.#timer = { atMs, callback };
    return () => {
      this.#timer = undefined;
    };
  }

  defer(callback: () => void): void {
    callback();
  }

  advance(ms: number): void {
    this.#now += ms;
    const timer = this.#timer;
    if (timer === undefined || timer.atMs > this.#now) return;
    this.#timer = undefined;
    timer.callback();
  }
}

class MemoryLog implements RecorderLog {
  onRotated: (() => void) | undefined;
  readonly dropped = 0;
  readonly lines: string[];

  constructor(lines: string[] = []) {
    this.lines = lines;
  }

  async open(): Promise<Iterable<string>> {
    return [...this.lines];
  }

  append(line: string): void {
    this.lines.push(line);
  }

  async close(): Promise<void> {}
}

class Bench {
  readonly clock = new StillClock();
  readonly recorder: Recorder;

  constructor(log?: RecorderLog, settings = {}) {
    this.recorder = new Recorder({ settings: settingsWith(settings), clock: this.clock, log });
  }

  connect(who: ClientInfo): void {
    const negotiated = {
      clientId: same(who.clientId),
      keepAlive: same(60),
      will: same(undefined),
      absent: same(undefined),
    };
    this.recorder.onConnected({
      client: who,
      sessionPresent: false,
      cleanStart: true,
      negotiated,
      at: this.clock.wallNow(),
    });
  }

  close(who: ClientInfo, code = 'network-lost', takenOverBy?: string): void {
    const cause = {
      code,
      reasonCode: 0x80,
      detail: { is: 'said', text: `because of ${code}` },
      by: 'network',
    } as CloseCause;
    const figures = { connectedForMs: 1000, bytesIn: 1, bytesOut: 2, packetsIn: 3, packetsOut: 4 };
    this.recorder.onClosed({ client: who, cause, ...figures, takenOverBy, at: this.clock.wallNow() });
  }

  refuse(who: ClientInfo | undefined, code: string, remoteAddress = '10.0.0.9'): void {
    const cause = {
      code,
      reasonCode: 0x86,
      detail: { is: 'said', text: `because of ${code}` },
      by: 'self',
    } as CloseCause;
    const from = { listener: 'mqtt://x', remoteAddress, remotePort: 1 };
    this.recorder.onRefused({ ...from, client: who, cause, bytesIn: 0, at: this.clock.wallNow() });
  }

  codes(clientId: string): string[] {
    return [...(this.recorder.get(clientId)?.events ?? [])].map(({ code }) => code);
  }
}

const same = (value: string | number | undefined) => ({ requested: value, granted: undefined, effective: value });

describe('Recorder', () => {
  it('writes down few of those who were never let in, so that a flood does not push out who was', () => {
    const log = new MemoryLog();
    const bench = new Bench(log);
    for (let i = 0; i < 10_000; i++) {
      bench.refuse(undefined, 'not-a-connect', `10.0.${i >> 8}.${i & 255}`);
      bench.refuse(client(`guess-${i}`), 'bad-user-name-or-password');
    }
    expect(log.lines).toHaveLength(10);
    expect(bench.recorder.droppedLines).toBe(19_990);
    bench.connect(client('known'));
    bench.close(client('known'));
    bench.refuse(client('known'), 'bad-user-name-or-password');
    expect(log.lines).toHaveLength(13);
    bench.clock.advance(1000);
    bench.refuse(undefined, 'not-a-connect');
    expect(log.lines).toHaveLength(14);
  });

  it('keeps a few warnings of a code, and counts the others', () => {
    const log = new MemoryLog();
    const { clock, recorder } = new Bench(log);
    recorder.onWarning('store-fault', 'the disk is full');
    for (let i = 0; i < 10_000; i++) recorder.onWarning('authenticator-failed', `nobody could say who dev-${i} is`);
    const kept = [...recorder.warnings()];
    expect(kept.map(({ repeated }) => repeated)).toEqual([9996, undefined, undefined, undefined, undefined, undefined]);
    expect(kept.at(-1)?.code).toBe('store-fault');
    expect(log.lines).toHaveLength(6);
    clock.advance(60_000);
    recorder.onWarning('authenticator-failed', 'once more');
    expect(log.lines).toHaveLength(7);
  });

  it('keeps the last events of each client, and no more', () => {
    const bench = new Bench(undefined, { 'recorder.events': 4 });
    for (let i = 0; i < 3; i++) {
      bench.connect(client('a'));
      bench.close(client('a'), `end-${i}`);
    }
    expect(bench.codes('a')).toEqual(['connected', 'end-1', 'connected', 'end-2']);
  });

  it('counts attempts that are made again and again as one event', () => {
    const bench = new Bench();
    for (let i = 0; i < 1000; i++) bench.refuse(client('a', '10.0.0.1', i), 'bad-user-name-or-password');
    expect([...(bench.recorder.get('a')?.events ?? [])]).toMatchObject([{ repeated: 1000 }]);
    for (let i = 0; i < 50; i++) bench.refuse(undefined, 'not-tls');
    expect([...bench.recorder.refusals()]).toMatchObject([{ code: 'not-tls', repeated: 50 }]);
  });

  it('forgets the longest quiet client first, and never one that is connected for one that is not', () => {
    const bench = new Bench(undefined, { 'recorder.clients': 3 });
    for (const id of ['a', 'b', 'c']) bench.connect(client(id));
    bench.close(client('b'));
    bench.connect(client('d'));
    expect(['a', 'b', 'c', 'd'].filter((id) => bench.recorder.get(id) !== undefined)).toEqual(['a', 'c', 'd']);
    expect(bench.recorder.evicted).toBe(1);
  });

  it('does not forget a client for names that were only invented', () => {
    const bench = new Bench(undefined, { 'recorder.clients': 8 });
    bench.connect(client('real'));
    bench.close(client('real'));
    for (let i = 0; i < 100; i++) bench.refuse(client(`invented-${i}`), 'bad-user-name-or-password');
    expect(bench.codes('real')).toEqual(['connected', 'network-lost']);
    expect(bench.recorder.size).toBe(3);
    // Who was refused and is let in later is one of them.
    bench.connect(client('invented-99'));
    expect(bench.codes('invented-99')).toEqual(['bad-user-name-or-password', 'connected']);
  });

  it('counts what is lost by cause, and makes no object for it but the first', () => {
    const bench = new Bench();
    bench.recorder.countLost('a', 'queue-full', 't/1', 1);
    const total = bench.recorder.get('a')?.losses?.['queue-full'];
    for (let i = 0; i < 6; i++) bench.recorder.countLost('a', 'queue-full', 't/2', 1);
    bench.recorder.countLost('a', 'expired', 't/3', 1);
    expect(bench.recorder.get('a')?.losses?.['queue-full']).toBe(total);
    expect(total).toMatchObject({ count: 7, topic: 't/2' });
  });

  it('has one text for what many connections have in common', () => {
    const bench = new Bench();
    bench.connect(client('a'));
    bench.connect(client('b'));
    expect(bench.recorder.get('a')?.negotiated).toBe(bench.recorder.get('b')?.negotiated);
    expect(JSON.parse(bench.recorder.get('a')?.negotiated ?? '')).toEqual({
      keepAlive: { requested: 60, effective: 60 },
    });
  });

  it('says from whom a session was taken', () => {
    const bench = new Bench();
    bench.connect(client('a', '10.0.0.1', 1));
    bench.close(client('a', '10.0.0.1', 1), 'session-taken-over', '[fe80::2]:2');
    bench.connect(client('a', 'fe80::2', 2));
    expect([...(bench.recorder.get('a')?.events ?? [])].at(-1)).toMatchObject({ tookOverFrom: '10.0.0.1:1' });
    expect(bench.recorder.get('a')?.takeovers).toBe(1);
  });
});

describe('a restart', () => {
  it('keeps events, refusals, losses and what was negotiated', async () => {
    const log = new MemoryLog();
    const before = new Bench(log);
    await before.recorder.open();
    before.connect(client('a'));
    before.recorder.countLost('a', 'queue-full', 't', 7);
    before.close(client('a'));
    before.refuse(undefined, 'wrong-path');
    before.recorder.onWarning('store-fault', 'the disk is full');
    await before.recorder.close();
    const after = new Bench(new MemoryLog(log.lines));
    await after.recorder.open();
    expect(after.codes('a')).toEqual(['connected', 'network-lost']);
    expect(after.recorder.get('a')).toMatchObject({
      isConnected: false,
      hasConnected: true,
      losses: { 'queue-full': { count: 7 } },
    });
    expect(after.recorder.get('a')?.negotiated).toContain('keepAlive');
    expect([...after.recorder.refusals()]).toMatchObject([{ code: 'wrong-path' }]);
    expect([...after.recorder.warnings()]).toMatchObject([{ code: 'store-fault' }]);
    expect([...after.recorder.history()]).toHaveLength(3);
  });

  it('after a crash says so to those who were connected, and to nobody else', async () => {
    const log = new MemoryLog();
    const before = new Bench(log);
    await before.recorder.open();
    before.connect(client('here'));
    before.connect(client('gone'));
    before.close(client('gone'));
    const after = new Bench(new MemoryLog(log.lines));
    await after.recorder.open();
    expect(after.codes('here')).toEqual(['connected', 'broker-ended']);
    expect(after.codes('gone')).toEqual(['connected', 'network-lost']);
  });

  it('writes losses down once a second, each total in one line', async () => {
    const log = new MemoryLog();
    const bench = new Bench(log);
    await bench.recorder.open();
    for (let i = 0; i < 1000; i++) bench.recorder.countLost('a', 'slow-consumer', 't', 1);
    expect(log.lines).toEqual([]);
    bench.clock.advance(1000);
    expect(log.lines.map((line) => JSON.parse(line))).toMatchObject([{ t: 'lost', id: 'a', total: { count: 1000 } }]);
  });

  it('passes over lines that are cut off or are none', async () => {
    const event = { at: 1, kind: 'closed', code: 'network-lost', text: '' };
    const lines = [
      '',
      'null',
      '{"t":"event","id":"a"}',
      '{"t":"unknown"}',
      JSON.stringify({ t: 'event', id: 'a', e: event }),
      '{"t":"event","id":"b","e":{"at":2,"ki',
    ];
    const bench = new Bench(new MemoryLog(lines));
    await bench.recorder.open();
    expect([bench.codes('a'), bench.codes('b'), bench.recorder.size]).toEqual([['network-lost'], [], 1]);
  });

  it('goes on without its past when that cannot be read', async () => {
    const log = new MemoryLog();
    log.open = () => Promise.reject(new Error('no permission'));
    const bench = new Bench(log);
    await bench.recorder.open();
    expect([...bench.recorder.warnings()]).toMatchObject([{ code: 'recorder-unreadable' }]);
  });
});

describe('FileRecorderLog', () => {
  it('keeps lines over a restart, and begins a new one after a line that was cut off', async () => {
    const directory = join(folder, 'torn');
    const first = new FileRecorderLog({ directory, bytes: 4096 });
    await first.open();
    first.append('{"n":1}');
    await first.close();
    appendFileSync(join(directory, 'events.jsonl'), '{"n":');
    const second = new FileRecorderLog({ directory, bytes: 4096 });
    expect([...(await second.open())]).toEqual(['{"n":1}', '{"n":']);
    second.append('{"n":2}');
    await second.close();
    const third = new FileRecorderLog({ directory, bytes: 4096 });
    expect([...(await third.open())]).toEqual(['{"n":1}', '{"n":', '{"n":2}']);
    await third.close();
  });

  it('never takes more than its bound and one write, and forgets the oldest', async () => {
    const directory = join(folder, 'bounded');
    const log = new FileRecorderLog({ directory, bytes: 4096 });
    await log.open();
    await log.close();
    for (let i = 0; i < 40; i++) {
      const again = new FileRecorderLog({ directory, bytes: 4096 });
      await again.open();
      again.append(JSON.stringify({ i, text: 'x'.repeat(500) }));
      await again.close();
    }
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    expect(sizes.length).toBe(2);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(4096 + 2 * 600);
    expect(statSync(join(directory, 'events.jsonl')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, 'events.1.jsonl'), 'utf8')).not.toContain('"i":0,');
  });

  it('asks for what is spread over old lines to be written anew', async () => {
    const log = new FileRecorderLog({ directory: join(folder, 'rotated'), bytes: 2048 });
    const bench = new Bench(log);
    await bench.recorder.open();
    bench.recorder.countLost('quiet', 'queue-full', 't', 7);
    bench.clock.advance(1000);
    for (let i = 0; i < 10; i++) bench.connect(client(`loud-${i}`));
    await bench.recorder.close();
    const lines = readdirSync(join(folder, 'rotated')).map((name) =>
      readFileSync(join(folder, 'rotated', name), 'utf8'),
    );
    expect(lines.join('').match(/"id":"quiet"/g)?.length).toBeGreaterThanOrEqual(1);
  });
});
