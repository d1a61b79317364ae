import { describe, expect, it } from 'vitest';
import { ReasonCode, reasonCodeName, returnCodeName, toReturnCode } from './index.ts';

describe('Reason Codes', () => {
  it('have the name of their member in kebab case', () => {
    const aliases = new Set(['NormalDisconnection', 'GrantedQoS0']);
    for (const [member, code] of Object.entries(ReasonCode)) {
      if (aliases.has(member)) continue;
      const kebab = member
        .replace('QoS', 'Qos')
        .replaceAll(/([a-z])([A-Z0-9])/g, '$1-$2')
        .toLowerCase();
      expect(reasonCodeName(code)).toBe(kebab);
    }
  });

  it('that do not exist are named by number', () => {
    expect(reasonCodeName(0x03)).toBe('reason-0x03');
    expect(reasonCodeName(0xff)).toBe('reason-0xFF');
    expect(returnCodeName(6)).toBe('return-code-0x06');
  });

  it('become Return Codes for a 3.x CONNACK', () => {
    expect([0, 0x84, 0x85, 0x88, 0x86, 0x87].map(toReturnCode)).toEqual([0, 1, 2, 3, 4, 5]);
    expect([0x8a, 0x8c, 0x97, 0x89, 0x9c, 0x80].map(toReturnCode)).toEqual([5, 5, 3, 3, 3, 3]);
    expect([0, 1, 2, 3, 4, 5].map(toReturnCode)).toEqual([0, 1, 2, 3, 4, 5]);
    expect([0, 1, 5].map(returnCodeName)).toEqual(['success', 'unsupported-protocol-version', 'not-authorized']);
  });
});
