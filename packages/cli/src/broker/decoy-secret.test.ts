import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decoySecret } from './decoy-secret.ts';

describe('the secret that salts of unknown users are made of', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hawser-decoy-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is the same at each start, readable for its owner alone, and another in another directory', () => {
    const data = join(directory, 'data');
    const made = decoySecret(data);
    expect(made).toHaveLength(32);
    expect(decoySecret(data)).toEqual(made);
    expect(decoySecret(join(directory, 'other'))).not.toEqual(made);
    if (process.platform === 'win32') return;
    expect(statSync(join(data, 'decoy-secret')).mode & 0o777).toBe(0o600);
    expect(statSync(data).mode & 0o777).toBe(0o700);
  });

  it('is made anew where the file is damaged, and is none without a directory that can be written', () => {
    writeFileSync(join(directory, 'decoy-secret'), 'short');
    const made = decoySecret(directory);
    expect(made).toHaveLength(32);
    expect(decoySecret(directory)).toEqual(made);
    expect(decoySecret(undefined)).toBeUndefined();
    expect(decoySecret(join(directory, 'decoy-secret', 'below-a-file'))).toBeUndefined();
  });
});
