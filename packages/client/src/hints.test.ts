import { allowedReasonCodes, reasonCodeName, returnCodeName } from '@hawser/codec';
import { describe, expect, it } from 'vitest';
import type { ConnectStage } from './errors.ts';
import { hintFor } from './hints.ts';

const stages: readonly ConnectStage[] = ['address', 'dns', 'tcp', 'tls', 'websocket', 'connack', 'auth'];
/** How the client calls it, for it belongs to another stage. */
const renamed: Readonly<Record<string, string>> = { 'bad-authentication-method': 'method-not-supported' };

const refusals = [
  ...allowedReasonCodes.CONNACK.filter((code) => code !== 0).map(reasonCodeName),
  ...[1, 2, 3, 4, 5].map(returnCodeName),
].map((name) => renamed[name] ?? name);

describe('hintFor', () => {
  it.each(stages)('has something to say about any failure of the stage %s, in both languages', (stage) => {
    expect(hintFor({ stage, code: 'no-such-code' })).toMatch(/\.$/);
    expect(hintFor({ stage, code: 'no-such-code' }, 'zh')).toMatch(/[\u4e00-\u9fff].*。$/);
  });

  it.each(refusals)('says more of the CONNACK %s than of an answer that is not MQTT', (code) => {
    for (const language of ['en', 'zh'] as const) {
      const hint = hintFor({ stage: 'connack', code }, language);
      expect(hint).not.toBe(hintFor({ stage: 'connack', code: 'truncated' }, language));
    }
  });

  it('is true whoever was refused', () => {
    const of = (code: string): string => hintFor({ stage: 'connack', code });
    expect(of('not-authorized')).toMatch(/^(?!.*knows this client).*Without user name and password.*With them/);
    expect(of('unsupported-protocol-version')).toMatch(/option is set that only 5\.0 has.*If it takes none/);
    expect(hintFor({ stage: 'auth', code: 'authentication-timeout' })).toContain('continue()');
  });
});
