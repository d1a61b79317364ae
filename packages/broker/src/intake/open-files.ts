import { readFileSync } from 'node:fs';
import type { CloseDetail } from '@hawser/protocol';

/** What is left for the store, the API, listeners, and connections whose TLS is not done. */
const RESERVE = 64;
/** Of these, for newcomers who are told why they cannot stay. */
const TO_BE_TOLD = 32;

/** How many connections a process may have that may have so many files open: the system closes what is beyond that without a word. */
export class OpenFiles {
  readonly limit: number;

  /** @param limit Files this process may have open; by default what the system says. */
  constructor(limit: number = systemLimit()) {
    this.limit = limit;
  }

  /** Over this many connections newcomers are refused with words. */
  get connections(): number {
    return Math.max(1, this.limit - RESERVE);
  }

  /** Over this many they are not even read. */
  get sockets(): number {
    return this.connections + TO_BE_TOLD;
  }

  get detail(): CloseDetail {
    return { is: 'open-files', limit: this.limit };
  }
}

/** Linux tells; elsewhere nothing is bounded here. */
function systemLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
