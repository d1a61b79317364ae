/** Subscribers of one path: mostly one, kept without a list. */
type Bucket<S> = S | S[] | undefined;

/** Children of a node: none, one (most nodes), or many. */
class Node<S> {
  /** The level of the only child. */
  key: string | undefined;
  children: Node<S> | Map<string, Node<S>> | undefined;
  plus: Node<S> | undefined;
  /** Subscribers of exactly this path. */
  here: Bucket<S>;
  /** Subscribers of this path and everything below it (`path/#`). */
  below: Bucket<S>;

  child(key: string): Node<S> | undefined {
    const { children } = this;
    if (children instanceof Map) return children.get(key);
    return this.key === key ? children : undefined;
  }

  ensureChild(key: string): Node<S> {
    const known = this.child(key);
    if (known !== undefined) return known;
    const node = new Node<S>();
    const { children } = this;
    if (children instanceof Map) children.set(key, node);
    else if (children === undefined || this.key === undefined) {
      this.key = key;
      this.children = node;
    } else {
      this.children = new Map([
        [this.key, children],
        [key, node],
      ]);
      this.key = undefined;
    }
    return node;
  }

  removeChild(key: string): void {
    if (this.children instanceof Map) {
      this.children.delete(key);
      if (this.children.size > 0) return;
    }
    this.key = undefined;
    this.children = undefined;
  }

  get isEmpty(): boolean {
    return (
      this.here === undefined && this.below === undefined && this.plus === undefined && this.children === undefined
    );
  }
}

/**
 * Who subscribes to what: Topic Filters without wildcards in a map, the others in a tree by level. Matching follows
 * [MQTT5-4.7.1] and keeps `$` topics from wildcards at the start [MQTT5-4.7.2-1]. `S` is never an array.
 */
export class SubscriptionTree<S extends object> {
  readonly #exact = new Map<string, S | S[]>();
  readonly #root = new Node<S>();
  /** Nodes that `match` has visited; set it to 0 to count anew. */
  visited = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `filter`: valid, without `$share/group/`. */
  add(filter: string, subscriber: S): void {
    this.#size++;
    if (!hasWildcard(filter)) {
      this.#exact.set(filter, withOne(this.#exact.get(filter), subscriber));
      return;
    }
    let node = this.#root;
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.below = withOne(node.below, subscriber);
        return;
      }
      if (level === '+') node = node.plus ??= new Node<S>();
      else node = node.ensureChild(level);
    }
    node.here = withOne(node.here, subscriber);
  }

  /** False: it was not there. */
  remove(filter: string, subscriber: S): boolean {
    const before = this.#size;
    if (!hasWildcard(filter)) {
      const rest = this.#without(this.#exact.get(filter), subscriber);
      if (rest === undefined) this.#exact.delete(filter);
      else this.#exact.set(filter, rest);
    } else this.#removeFrom(this.#root, filter.split('/'), 0, subscriber);
    return this.#size < before;
  }

  /** All subscribers whose filters match a topic; one that has several such filters comes several times. */
  match(topic: string, visit: (subscriber: S) => void): void {
    visitAll(this.#exact.get(topic), visit);
    if (this.#root.isEmpty) return;
    this.#matchNode(this.#root, topic, 0, topic.charCodeAt(0) === 0x24, visit);
  }

  /** `from`: where the next level begins; past the end: there is none. */
  #matchNode(node: Node<S>, topic: string, from: number, dollar: boolean, visit: (subscriber: S) => void): void {
    this.visited++;
    const wild = !(dollar && from === 0);
    if (wild) visitAll(node.below, visit);
    if (from > topic.length) {
      visitAll(node.here, visit);
      return;
    }
    const { children, plus } = node;
    if (children === undefined && plus === undefined) return;
    const slash = topic.indexOf('/', from);
    const to = slash < 0 ? topic.length : slash;
    if (children !== undefined) {
      const child = node.child(topic.slice(from, to));
      if (child !== undefined) this.#matchNode(child, topic, to + 1, dollar, visit);
    }
    if (plus !== undefined && wild) this.#matchNode(plus, topic, to + 1, dollar, visit);
  }

  #removeFrom(node: Node<S>, levels: readonly string[], depth: number, subscriber: S): void {
    const level = levels[depth];
    if (level === undefined) {
      node.here = this.#without(node.here, subscriber);
      return;
    }
    if (level === '#') {
      node.below = this.#without(node.below, subscriber);
      return;
    }
    const child = level === '+' ? node.plus : node.child(level);
    if (child === undefined) return;
    this.#removeFrom(child, levels, depth + 1, subscriber);
    if (!child.isEmpty) return;
    if (level === '+') node.plus = undefined;
    else node.removeChild(level);
  }

  #without(bucket: Bucket<S>, subscriber: S): Bucket<S> {
    if (bucket === subscriber) {
      this.#size--;
      return undefined;
    }
    if (!Array.isArray(bucket)) return bucket;
    const at = bucket.indexOf(subscriber);
    if (at < 0) return bucket;
    this.#size--;
    // Order does not matter: the last takes its place.
    const last = bucket.pop() as S;
    if (at < bucket.length) bucket[at] = last;
    return bucket.length === 1 ? bucket[0] : bucket;
  }
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

function withOne<S extends object>(bucket: Bucket<S>, subscriber: S): S | S[] {
  if (bucket === undefined) return subscriber;
  if (!Array.isArray(bucket)) return [bucket, subscriber];
  bucket.push(subscriber);
  return bucket;
}

function visitAll<S extends object>(bucket: Bucket<S>, visit: (subscriber: S) => void): void {
  if (bucket === undefined) return;
  if (Array.isArray(bucket)) for (const subscriber of bucket) visit(subscriber);
  else visit(bucket);
}
