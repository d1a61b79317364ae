import type { CloseCode } from '@hawser/protocol';
import { describe, expect, it } from 'vitest';
import { causeText, warningText, wordsOf } from './cause-text.ts';
import { CAUSES } from './close-codes.ts';
import { COMPLAINTS } from './complaints.ts';
import { LOSSES } from './losses.ts';
import { SESSION_ENDS } from './session-ends.ts';
import { WARNINGS } from './warnings.ts';
import type { CauseWords, Words } from './words.ts';

describe('the catalogue of causes', () => {
  it('has all its words in both languages', () => {
    const rows: [string, CauseWords][] = [CAUSES, COMPLAINTS, LOSSES, SESSION_ENDS].flatMap((table) =>
      Object.entries(table),
    );
    const texts: [string, Words][] = rows.flatMap(([code, { meaning, advice }]) =>
      advice === undefined ? [[code, meaning]] : [[code, meaning] as [string, Words], [code, advice]],
    );
    for (const [code, { en, zh }] of [...texts, ...Object.entries(WARNINGS)]) {
      expect(en, code).toMatch(/[a-z]/);
      expect(en, code).not.toMatch(/\p{Script=Han}/u);
      expect(zh, code).toMatch(/\p{Script=Han}/u);
    }
  });

  it('makes a sentence of a detail in each language, topics of several lines too', () => {
    const told = { code: 'not-authorized', detail: { is: 'publish-not-permitted', topic: 'a\nb' } } as const;
    expect(causeText(told, 'en')).toBe('publishing to a\nb is not permitted');
    expect(causeText(told, 'zh')).toBe('没有权限发布到 a\nb');
  });

  it('says what the code means where there are no figures', () => {
    const told = { code: 'server-shutting-down', detail: { is: 'plain' } } as const;
    expect(causeText(told, 'en')).toBe(CAUSES['server-shutting-down'].meaning.en);
    expect(causeText({ code: 'session-expired' }, 'zh')).toBe(SESSION_ENDS['session-expired'].meaning.zh);
  });

  it('says in what order of packets the codec has found something', () => {
    const told = { code: 'invalid-qos', detail: { is: 'packet', seen: 'PUBLISH: QoS 3' } } as const;
    expect(causeText(told, 'en')).toBe('it sent bytes that are not a valid MQTT packet: PUBLISH: QoS 3');
    expect(causeText(told, 'zh')).toMatch(/QoS 为 3（PUBLISH: QoS 3）$/);
  });

  it('does not take what a client says for what the broker says', () => {
    const said = { code: 'packet-too-large', reasonCode: 0x95, by: 'peer' } as const;
    expect(causeText({ ...said, detail: { is: 'disconnected', said: '70 kB' } }, 'en')).toBe(
      'the client sent DISCONNECT 0x95: it was sent a packet that is larger than it takes ("70 kB")',
    );
    expect(causeText({ ...said, detail: { is: 'disconnected' } }, 'zh')).toBe(
      '客户端发送了 DISCONNECT 0x95：它收到的报文超过了它能接受的大小',
    );
  });

  it('keeps the lines of older brokers readable', () => {
    const old = { code: 'keep-alive-timeout', text: 'nothing came for 16.0 s; Keep Alive is 10 s and allows 15 s' };
    expect(causeText(old, 'en')).toBe(old.text);
    expect(causeText(old, 'zh')).toBe(`${CAUSES['keep-alive-timeout'].meaning.zh}（${old.text}）`);
    expect(causeText({ code: 'connected', text: '' }, 'en')).toBe('it connected');
  });

  it('passes over codes and details of newer brokers', () => {
    const told: { code: string } = { code: 'constructor' };
    expect(wordsOf(told)).toBeUndefined();
    expect(causeText(told, 'zh')).toBe('constructor');
    const line = '{"code":"server-busy","detail":{"is":"toString","by":1}}';
    expect(causeText(JSON.parse(line), 'en')).toBe(CAUSES['server-busy' satisfies CloseCode].meaning.en);
    expect(warningText('new-warning', 'said', 'zh')).toBe('said');
  });

  it('says until when and why somebody is banned', () => {
    const until = Date.UTC(2026, 11, 1, 14, 5);
    const told = { code: 'banned', detail: { is: 'banned-for', until, reason: { is: 'failed-logins' } } } as const;
    expect(wordsOf(told)?.advice?.en).toContain('`bans.first`');
    const byOperator = { ...told, detail: { ...told.detail, reason: { is: 'said', text: 'not today' } } } as const;
    expect(causeText(byOperator, 'en')).toMatch(/: not today$/);
    expect(wordsOf(byOperator)?.advice?.en).toContain('An operator has banned');
    expect(causeText(told, 'en')).toBe('it is banned until 2026-12-01 14:05:00 UTC: too many logins have failed');
  });
});
