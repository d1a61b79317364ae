import { stripVTControlCharacters as plain } from 'node:util';
import type { DoctorReport, StageReport } from '@hawser/doctor';
import { describe, expect, it } from 'vitest';
import { formatEnd, formatStage } from './format-doctor.ts';

const stage = (name: StageReport['stage'], evidence: StageReport['evidence'], ok = true): StageReport => ({
  stage: name,
  ok,
  ms: 12,
  evidence,
});

describe('formatStage', () => {
  it.each<[StageReport, string[]]>([
    [stage('dns', { host: 'h', addresses: ['10.0.0.1', '::1'] }), ['10.0.0.1, ::1']],
    [
      stage('tls', {
        tlsVersion: 'TLSv1.3',
        cipher: 'TLS_AES_128_GCM_SHA256',
        isVerified: false,
        certificates: [
          { subject: 'CN=h', issuer: 'CN=ca', names: ['h'], validTo: '2030-01-01T00:00:00Z', daysLeft: 1 },
        ],
      }),
      ['TLSv1.3, TLS_AES_128_GCM_SHA256, not verified', 'CN=h (h) <- CN=ca, 2030-01-01, 1 day left'],
    ],
    [stage('websocket', { status: 101, headers: { upgrade: 'websocket' } }), ['HTTP 101', 'upgrade: websocket']],
    [
      stage('connack', {
        sessionPresent: true,
        reasonCode: 0,
        properties: { maximumQoS: 1, userProperties: [['a', 'b']] },
      }),
      ['Session Present 1', 'Maximum QoS: 1', 'User Properties: [["a","b"]]'],
    ],
    [
      stage('qos1', { takenMs: 3, receivedMs: 4, receivedQoS: 1 }),
      ['acknowledged after 3 ms, back after 4 ms with QoS 1'],
    ],
    [stage('qos2', { skipped: 'qos-not-available' }, false), ['not tried: the server does not have it']],
    [stage('session', { code: 'session-not-resumed' }, false), ['session-not-resumed']],
  ])('%j', (report, expected) => {
    const lines = plain(formatStage(report, 'en')).split('\n');
    expect(lines[0]).toMatch(report.ok ? /^✓ / : /^✗ /);
    expect(lines.map((line, i) => line.slice(i === 0 ? line.indexOf(' ms  ') + 5 : 24))).toEqual(expected);
    expect(formatStage(report, 'zh')).not.toMatch(/undefined/);
  });

  it('keeps a server from moving the cursor', () => {
    expect(formatStage(stage('connack', { received: '\u001b[2J' }, false), 'en')).not.toContain('\u001b[2J');
  });
});

describe('formatEnd', () => {
  const report: DoctorReport = { ok: true, url: 'mqtt://h:1883', stages: [], findings: [] };
  const finding = { severity: 'warning', code: 'keep-alive-off', message: 'it is off', hint: 'switch it on' } as const;

  it('says the sum', () => {
    expect(plain(formatEnd(report, 'en'))).toMatch(/Fine/);
    expect(plain(formatEnd({ ...report, findings: [finding] }, 'en'))).toMatch(
      /warning: it is off \[keep-alive-off\]\n {4}switch it on\n\nConnected, .* one thing is worth changing/,
    );
    const bad = { ...report, ok: false, findings: [{ ...finding, severity: 'error' as const }] };
    expect(plain(formatEnd(bad, 'zh'))).toMatch(/错误: .*\n.*\n\n发现 1 个错误/);
  });

  it('says why there is no connection', () => {
    const error = { stage: 'tcp', code: 'refused', message: 'm', hint: 'h', retry: 'yes', evidence: {} } as const;
    expect(plain(formatEnd({ ...report, ok: false, error }, 'en'))).toBe(
      '\n✗ could not connect [tcp: refused]: m\n  h (trying again may help)\n\nNo connection.',
    );
  });
});

it('an attempt that another version follows', () => {
  const seen = { stage: 'connack', ok: false, ms: 1 } as const;
  expect(plain(formatStage({ ...seen, evidence: { version: '5.0', reasonCode: 132 } }, 'en'))).toMatch(
    /^✗ connack .*MQTT 5\.0 was refused \(reasonCode 132\); another attempt follows$/,
  );
  expect(formatStage({ ...seen, evidence: { version: '5.0', closed: true } }, 'zh')).toContain('没有 CONNACK 就断开');
});
