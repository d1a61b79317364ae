import { describe, expect, it } from 'vitest';
import { explainTimeout } from './explain.ts';

describe('explainTimeout', () => {
  it.each([
    ['auth', true, 'provider-timeout'],
    ['auth', false, 'authentication-timeout'],
    ['dns', true, 'dns-timeout'],
    ['tcp', true, 'timeout'],
    ['connack', false, 'connack-timeout'],
  ] as const)('at stage %s, without a link: %s, says %s', (stage, isUnlinked, code) => {
    expect(explainTimeout(stage, isUnlinked, 2000, { url: 'mqtt://a:1883' })).toMatchObject({
      stage,
      code,
      message: `mqtt://a:1883: ${code.replace('-', ' ')} after 2 s (connectTimeout)`,
    });
  });
});
