import { setFlagsFromString } from 'node:v8';

/**
 * What costs each of many idle connections resident memory and wins a broker nothing (docs/adr/0004-memory.md):
 * a young generation that grows while many connect, for what a broker allocates dies at once or lives as long as its connection;
 * and finished jobs of the Maglev compiler, whose memory waits for an idle background thread to be given back.
 */
const FLAGS: readonly string[] = ['--semi-space-growth-factor=1', '--no-maglev-destroy-on-background'];

/** Sets the flags of V8 that suit a broker, in this process. To be called before the broker's modules are loaded: that fills the young generation. */
export function setEngineFlags(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
