import { defaultDecodeLimits } from '../limits.ts';
import { checkTopicName } from '../topics/topic-name.ts';
import { decodeUtf8Strict } from './utf8.ts';

/** A valid Topic Name, once as a string and once as the bytes it goes over the wire as. Shared by all who intern it. */
export interface Topic {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Longer topics are decoded each time: a table full of them would hold half a gigabyte. In bytes. */
const LONGEST_KEPT = 512;

/** A topic may live in any of this many neighbouring slots. */
const WAYS = 4;

const SMALLEST_TABLE = 64;

const none: Topic = { name: '', bytes: new Uint8Array(0) };

/**
 * A bounded table of Topic Names by their bytes. A hit costs a hash and a comparison: no string is built, nothing is
 * validated again. A miss validates, and in a full neighbourhood displaces another topic. Colliding topics chosen by an
 * enemy make misses, never long searches.
 */
export class TopicCache {
  private readonly maximumEntries: number;
  private readonly maximumLevels: number;
  private topics: (Topic | undefined)[] = new Array<Topic | undefined>(SMALLEST_TABLE).fill(undefined);
  private hashes = new Int32Array(SMALLEST_TABLE);
  private victim = 0;
  /** Publishers repeat themselves: the last answer is tried before anything is hashed. */
  private latest: Topic = none;

  /** `maximumEntries` is rounded up to a power of two, 64 at least; `maximumLevels` bounds a Topic Name's levels. */
  constructor(maximumEntries = 8192, maximumLevels: number = defaultDecodeLimits.topicLevels) {
    let size = SMALLEST_TABLE;
    while (size < maximumEntries) size *= 2;
    this.maximumEntries = size;
    this.maximumLevels = maximumLevels;
  }

  /**
   * The Topic Name in `bytes` from `start` to `end`. The bytes are copied when they are new. Throws MalformedPacketError for
   * bad UTF-8, U+0000, surrogates, an empty name and a wildcard (`topic-name-invalid`); ProtocolError `topic-name-too-deep` 0x90 for
   * too many levels.
   */
  intern(bytes: Uint8Array, start: number, end: number): Topic {
    const latest = this.latest;
    if (equals(latest.bytes, bytes, start, end) && end > start) return latest;
    const hash = hashOf(bytes, start, end);
    const base = hash & (this.topics.length - WAYS);
    for (let way = base; way < base + WAYS; way++) {
      if (this.hashes[way] !== hash) continue;
      const topic = this.topics[way];
      if (topic !== undefined && equals(topic.bytes, bytes, start, end)) {
        this.latest = topic;
        return topic;
      }
    }
    return this.add(bytes, start, end, hash);
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number): Topic {
    const name = decodeUtf8Strict(bytes, start, end, 'Topic Name');
    checkTopicName(name, this.maximumLevels, 'Topic Name');
    // Not a view: what is kept must not keep the chunk it came in.
    const copy = new Uint8Array(end - start);
    for (let i = 0; i < copy.length; i++) copy[i] = bytes[start + i] as number;
    const topic: Topic = { name, bytes: copy };
    this.latest = topic;
    if (end - start <= LONGEST_KEPT) this.keep(topic, hash);
    return topic;
  }

  private keep(topic: Topic, hash: number): void {
    while (!this.place(topic, hash)) {
      if (this.topics.length < this.maximumEntries) {
        this.grow();
        continue;
      }
      const slot = (hash & (this.topics.length - WAYS)) + this.victim;
      this.victim = (this.victim + 1) % WAYS;
      this.topics[slot] = topic;
      this.hashes[slot] = hash;
      return;
    }
  }

  private place(topic: Topic, hash: number): boolean {
    const base = hash & (this.topics.length - WAYS);
    for (let way = base; way < base + WAYS; way++) {
      if (this.topics[way] !== undefined) continue;
      this.topics[way] = topic;
      this.hashes[way] = hash;
      return true;
    }
    return false;
  }

  /** A small connection keeps a small table: it doubles when a neighbourhood is full. */
  private grow(): void {
    const topics = this.topics;
    const hashes = this.hashes;
    this.topics = new Array<Topic | undefined>(topics.length * 2).fill(undefined);
    this.hashes = new Int32Array(topics.length * 2);
    for (let i = 0; i < topics.length; i++) {
      const topic = topics[i];
      if (topic !== undefined) this.place(topic, hashes[i] as number);
    }
  }
}

function equals(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (known.length !== length) return false;
  // From the end: topics of one system begin alike and differ at their tails.
  for (let i = length - 1; i >= 0; i--) {
    if (known[i] !== bytes[start + i]) return false;
  }
  return true;
}

/** FNV-1a, with a last stir so that the low bits, which choose the slot, depend on every byte. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
