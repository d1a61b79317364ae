import { endOfLevel, isLevel, restMatches } from './levels.ts';
import { type Branch, Entry, type Node } from './topic-node.ts';

/** Children of a node that are still to be visited, and from where on names and filter are held against each other. */
interface Visit<V> {
  readonly children: IterableIterator<[string, Branch<V>]>;
  readonly filterAt: number;
  readonly topicAt: number;
}

/**
 * Where a walk over the topics that a filter matches has come to. It holds no list: a million topics cost what a hundred do,
 * and what is set or deleted meanwhile is no harm. What was set after it began is passed over.
 */
export class TopicCursor<V> {
  /** Branches visited so far. */
  visited = 0;
  readonly #filter: string;
  readonly #lastSerial: number;
  readonly #stack: Visit<V>[] = [];
  #first: V | undefined;

  constructor(root: Node<V>, filter: string, lastSerial: number) {
    this.#filter = filter;
    this.#lastSerial = lastSerial;
    this.#first = this.#enter(root, 0, 0);
  }

  /** Nothing more will come. */
  get done(): boolean {
    return this.#first === undefined && this.#stack.length === 0;
  }

  /** The next value; undefined: there was none among the next `most` branches. */
  next(most: number): V | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    const until = this.visited + most;
    while (this.visited < until) {
      const visit = this.#stack.at(-1);
      if (visit === undefined) return undefined;
      const next = visit.children.next();
      if (next.done === true) {
        this.#stack.pop();
        continue;
      }
      this.visited++;
      const [key, branch] = next.value;
      // Wildcards at the start match no `$` topics [MQTT5-4.7.2-1].
      if (visit.topicAt === 0 && key.charCodeAt(0) === 0x24) continue;
      const value = this.#enter(branch, visit.filterAt, visit.topicAt + key.length + 1);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** The value at a branch, and what is below it to be visited later. */
  #enter(start: Branch<V>, startFilterAt: number, startTopicAt: number): V | undefined {
    const filter = this.#filter;
    let branch = start;
    let filterAt = startFilterAt;
    let topicAt = startTopicAt;
    for (;;) {
      if (branch instanceof Entry) {
        return restMatches(filter, filterAt, branch.topic, topicAt) ? this.#valueOf(branch) : undefined;
      }
      const { label, children, here } = branch;
      if (label !== undefined) {
        filterAt = passLabel(filter, filterAt, label);
        if (filterAt < 0) return undefined;
        topicAt += label.length + 1;
      }
      if (filterAt > filter.length) return this.#valueOf(here);
      const to = endOfLevel(filter, filterAt);
      if (isLevel(filter, filterAt, to, '#')) {
        if (children !== undefined) this.#stack.push({ children: children.entries(), filterAt, topicAt });
        return this.#valueOf(here);
      }
      if (children === undefined) return undefined;
      if (isLevel(filter, filterAt, to, '+')) {
        this.#stack.push({ children: children.entries(), filterAt: to + 1, topicAt });
        // `a/+/#` also matches what ends at the `+`: those are among the children.
        return undefined;
      }
      const child = children.get(filter.slice(filterAt, to));
      if (child === undefined) return undefined;
      branch = child;
      topicAt += to - filterAt + 1;
      filterAt = to + 1;
    }
  }

  #valueOf(entry: Entry<V> | undefined): V | undefined {
    return entry !== undefined && entry.serial <= this.#lastSerial ? entry.value : undefined;
  }
}

/** Where the filter goes on behind the levels of a label; at its `#` it stays. -1: they do not match. */
function passLabel(filter: string, from: number, label: string): number {
  let filterAt = from;
  let at = 0;
  for (;;) {
    if (filterAt > filter.length) return -1;
    const to = endOfLevel(filter, filterAt);
    if (isLevel(filter, filterAt, to, '#')) return filterAt;
    const end = endOfLevel(label, at);
    const isSame = end - at === to - filterAt && label.startsWith(filter.slice(filterAt, to), at);
    if (!isSame && !isLevel(filter, filterAt, to, '+')) return -1;
    filterAt = to + 1;
    if (end >= label.length) return filterAt;
    at = end + 1;
  }
}
