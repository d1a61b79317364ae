// The Debian packages that tests and benchmarks run against. Installed when this is Debian, we are root and one is missing.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const packages = ['mosquitto', 'mosquitto-clients', 'python3-paho-mqtt', 'strace', 'chromium', 'gcc', 'libc6-dev'];
const policy = '/usr/sbin/policy-rc.d';

/** Installs what is missing; says so where it cannot (the tests that need it then say which). */
export function installSystemPackages() {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    console.error(`hawser: not installed here: ${missing.join(', ')}; the tests that need them fail or are skipped`);
    return;
  }
  console.error(`hawser: installing ${missing.join(', ')} (apt-get)`);
  // 101 is "do not start": the mosquitto package would otherwise leave a service on port 1883.
  const guarded = !existsSync(policy);
  if (guarded) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    apt('install', '--yes', '--no-install-recommends', ...missing);
  } catch {
    console.error('hawser: apt-get failed; the tests that need these packages fail or are skipped');
  } finally {
    if (guarded) rmSync(policy, { force: true });
  }
}

function isInstalled(name) {
  const answer = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' });
  return answer.stdout?.includes('Status: install ok installed') ?? false;
}

function apt(...args) {
  execFileSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
