import type { Explanation } from '@hawser/broker';
import { describe, expect, it } from 'vitest';
import { formatExplanation } from './format-explanation.ts';

const EXPLANATION: Explanation = {
  clientId: 'dev-7',
  connected: false,
  verdict: '"dev-7" is not connected.',
  events: [
    {
      at: '2026-11-23T07:00:00.000Z',
      kind: 'connected',
      code: 'connected',
      text: 'connected from 10.0.0.7:4000',
      negotiated: {
        keepAlive: { requested: 300, granted: 60, effective: 60 },
        cleanStart: { requested: true, effective: true },
        receiveMaximum: { requested: 20, granted: 1024, effective: 1024 },
        maximumPacketSize: { granted: 9000, effective: 9000 },
      },
    },
    { at: '2026-11-23T07:01:00.000Z', kind: 'closed', code: 'keep-alive-timeout', text: 'cut off', reasonCode: 0x8d },
  ],
  losses: [{ cause: 'queue-full', count: 7, firstAt: '', lastAt: '', topic: 't', text: '7 messages were lost' }],
  advice: ['Call the loop.'],
};

describe('formatExplanation', () => {
  it('prints verdict, events, what was negotiated, losses and advice', () => {
    const text = formatExplanation(EXPLANATION, 'en');
    expect(text).toContain('"dev-7" is not connected.');
    expect(text).toMatch(/2026-11-23 07:01:00 {2}cut off.*\[keep-alive-timeout 0x8D\]/);
    expect(text).toContain(
      'keepAlive 300 -> 60, cleanStart true, receiveMaximum 1024 (its own: 20), maximumPacketSize 9000',
    );
    expect(text).toContain('7 messages were lost');
    expect(text).toContain('- Call the loop.');
    expect(formatExplanation(EXPLANATION, 'zh')).toContain('建议');
  });

  it('shows the last events of many', () => {
    const [event] = EXPLANATION.events.slice(1);
    const events = Array.from({ length: 40 }, () => event).filter((one) => one !== undefined);
    expect(formatExplanation({ ...EXPLANATION, events }, 'en')).toContain('… 25 before');
  });

  it('lets no device move the cursor of a terminal', () => {
    const text = formatExplanation({ ...EXPLANATION, verdict: 'a\u001b[2Jb\nc', advice: [] }, 'en');
    expect(text).not.toContain('\u001b[2J');
    expect(text).toContain('a\u{fffd}[2Jb\u{fffd}c');
  });
});
