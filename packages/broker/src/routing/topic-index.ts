import { commonLevels, endOfLevel, ownPart } from './levels.ts';
import { TopicCursor } from './topic-cursor.ts';
import { type Branch, Entry, Node } from './topic-node.ts';

/**
 * Values by Topic Name, found by name or by all the names that a Topic Filter matches: the mirror of the SubscriptionTree. Names have
 * nodes only where they part: the rest of a name that goes on alone is read from the name itself.
 *
 * Cursors walk through it while it changes. A node that leaves the tree stays as it was for those that are in it; what it had is in the
 * tree in its stead as a copy, with the same map of children.
 */
export class TopicIndex<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #root = new Node<V>(undefined);
  #serial = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(topic: string): V | undefined {
    return this.#entries.get(topic)?.value;
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#entries.values()) yield value as V;
  }

  /** The name that was set first, of those still there. */
  oldest(): string | undefined {
    return this.#entries.keys().next().value;
  }

  set(topic: string, value: V): void {
    let entry = this.#entries.get(topic);
    if (entry === undefined) {
      entry = new Entry(topic);
      this.#entries.set(topic, entry);
      this.#add(entry);
    }
    entry.value = value;
    entry.serial = ++this.#serial;
  }

  delete(topic: string): boolean {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return false;
    this.#entries.delete(topic);
    entry.value = undefined;
    this.#remove(entry);
    return true;
  }

  /** The values whose names the filter matches, a few at a time: those that are there now and still will be when their turn comes. */
  cursor(filter: string): TopicCursor<V> {
    return new TopicCursor(this.#root, filter, this.#serial);
  }

  #add(entry: Entry<V>): void {
    const { topic } = entry;
    let node = this.#root;
    let at = 0;
    while (at <= topic.length) {
      const to = endOfLevel(topic, at);
      node.children ??= new Map();
      const known = node.children.get(topic.slice(at, to));
      if (known === undefined) {
        node.children.set(ownPart(topic, at, to), entry);
        return;
      }
      const next = to + 1;
      const child = parted(known, topic, next);
      if (child !== known) node.children.set(topic.slice(at, to), child);
      node = child;
      at = child.label === undefined ? next : next + child.label.length + 1;
    }
    node.here = entry;
  }

  #remove(entry: Entry<V>): void {
    const { topic } = entry;
    let node = this.#root;
    let above: Node<V> | undefined;
    let level = '';
    let at = 0;
    while (at <= topic.length) {
      const to = endOfLevel(topic, at);
      const key = topic.slice(at, to);
      const known = node.children?.get(key);
      if (known === entry) {
        this.#drop(node, key, above, level);
        return;
      }
      if (!(known instanceof Node)) return;
      above = node;
      level = key;
      node = known;
      at = to + 1 + (known.label === undefined ? 0 : known.label.length + 1);
    }
    node.here = undefined;
    reduce(node, above, level);
  }

  /** Takes the branch under `key` out of a node. What is left of a node that is not needed any more is not touched: cursors are in it. */
  #drop(node: Node<V>, key: string, above: Node<V> | undefined, level: string): void {
    const { children } = node;
    children?.delete(key);
    if (children?.size === 0) node.children = undefined;
    reduce(node, above, level);
  }
}

/** The node in which a name, of which the rest begins at `from`, parts from those of the branch, or ends where they go on. */
function parted<V>(branch: Branch<V>, topic: string, from: number): Node<V> {
  if (!(branch instanceof Node)) {
    const other = branch.topic;
    const common = commonLevels(other, from, topic, from);
    const node = new Node<V>(common < 0 ? undefined : ownPart(other, from, from + common));
    const rest = common < 0 ? from : from + common + 1;
    if (rest > other.length) node.here = branch;
    else node.children = new Map([[ownPart(other, rest, endOfLevel(other, rest)), branch]]);
    return node;
  }
  const { label } = branch;
  if (label === undefined) return branch;
  const common = commonLevels(label, 0, topic, from);
  if (common === label.length) return branch;
  const node = new Node<V>(common < 0 ? undefined : ownPart(label, 0, common));
  const rest = common < 0 ? 0 : common + 1;
  const to = endOfLevel(label, rest);
  branch.label = to < label.length ? ownPart(label, to + 1, label.length) : undefined;
  node.children = new Map<string, Branch<V>>([[ownPart(label, rest, to), branch]]);
  return node;
}

/** A name in the node is gone: where names do not part any more, there is no node. */
function reduce<V>(node: Node<V>, above: Node<V> | undefined, level: string): void {
  const { label, here, children } = node;
  if (above?.children === undefined) return;
  if (children === undefined) {
    if (here === undefined) above.children.delete(level);
    else above.children.set(level, here);
    return;
  }
  if (here !== undefined || children.size > 1) return;
  const [[key, branch]] = children as unknown as [[string, Branch<V>]];
  if (!(branch instanceof Node)) {
    above.children.set(level, branch);
    return;
  }
  const levels = [label, key, branch.label].filter((part) => part !== undefined);
  const copy = new Node<V>(levels.join('/'));
  copy.children = branch.children;
  copy.here = branch.here;
  above.children.set(level, copy);
}
