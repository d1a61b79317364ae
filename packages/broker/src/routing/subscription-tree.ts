/** Children of a node: none, one (most nodes), or many. */
class Node<S> {
  onlyKey: string | undefined;
  onlyChild: Node<S> | undefined;
  children: Map<string, Node<S>> | undefined;
  plus: Node<S> | undefined;
  /** Subscribers of exactly this path. */
  here: S[] | undefined;
  /** Subscribers of this path and everything below it (`path/#`). */
  below: S[] | undefined;

  child(key: string): Node<S> | undefined {
    if (this.onlyKey === key) return this.onlyChild;
    return this.children?.get(key);
  }

  ensureChild(key: string): Node<S> {
    const known = this.child(key);
    if (known !== undefined) return known;
    const node = new Node<S>();
    if (this.children !== undefined) this.children.set(key, node);
    else if (this.onlyKey === undefined) {
      this.onlyKey = key;
      this.onlyChild = node;
    } else {
      this.children = new Map([[key, node]]);
      if (this.onlyChild !== undefined) this.children.set(this.onlyKey, this.onlyChild);
      this.onlyKey = undefined;
      this.onlyChild = undefined;
    }
    return node;
  }

  removeChild(key: string): void {
    if (this.onlyKey === key) {
      this.onlyKey = undefined;
      this.onlyChild = undefined;
      return;
    }
    this.children?.delete(key);
    if (this.children?.size === 0) this.children = undefined;
  }

  get isEmpty(): boolean {
    return (
      this.here === undefined &&
      this.below === undefined &&
      this.plus === undefined &&
      this.onlyKey === undefined &&
      this.children === undefined
    );
  }
}

/**
 * Who subscribes to what: Topic Filters without wildcards in a map, the others in a tree by level. Matching follows
 * [MQTT5-4.7.1] and keeps `$` topics from wildcards at the start [MQTT5-4.7.2-1].
 */
export class SubscriptionTree<S> {
  readonly #exact = new Map<string, S[]>();
  readonly #root = new Node<S>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `filter`: valid, without `$share/group/`. */
  add(filter: string, subscriber: S): void {
    this.#size++;
    if (!hasWildcard(filter)) {
      const known = this.#exact.get(filter);
      if (known === undefined) this.#exact.set(filter, [subscriber]);
      else known.push(subscriber);
      return;
    }
    let node = this.#root;
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.below ??= [];
        node.below.push(subscriber);
        return;
      }
      if (level === '+') node = node.plus ??= new Node<S>();
      else node = node.ensureChild(level);
    }
    node.here ??= [];
    node.here.push(subscriber);
  }

  /** False: it was not there. */
  remove(filter: string, subscriber: S): boolean {
    const removed = hasWildcard(filter)
      ? this.#removeFrom(this.#root, filter.split('/'), 0, subscriber)
      : this.#removeExact(filter, subscriber);
    if (removed) this.#size--;
    return removed;
  }

  /** All subscribers whose filters match a topic; one that has several such filters comes several times. */
  match(topic: string, visit: (subscriber: S) => void): void {
    const exact = this.#exact.get(topic);
    if (exact !== undefined) for (const subscriber of exact) visit(subscriber);
    if (this.#root.isEmpty) return;
    this.#matchNode(this.#root, topic.split('/'), 0, topic.charCodeAt(0) === 0x24, visit);
  }

  #matchNode(node: Node<S>, levels: readonly string[], depth: number, dollar: boolean, visit: (subscriber: S) => void): void {
    const wild = !(dollar && depth === 0);
    if (node.below !== undefined && wild) for (const subscriber of node.below) visit(subscriber);
    if (depth === levels.length) {
      if (node.here !== undefined) for (const subscriber of node.here) visit(subscriber);
      return;
    }
    const child = node.child(levels[depth] as string);
    if (child !== undefined) this.#matchNode(child, levels, depth + 1, dollar, visit);
    if (node.plus !== undefined && wild) this.#matchNode(node.plus, levels, depth + 1, dollar, visit);
  }

  #removeExact(filter: string, subscriber: S): boolean {
    const known = this.#exact.get(filter);
    if (known === undefined || !removeFrom(known, subscriber)) return false;
    if (known.length === 0) this.#exact.delete(filter);
    return true;
  }

  #removeFrom(node: Node<S>, levels: readonly string[], depth: number, subscriber: S): boolean {
    const level = levels[depth];
    if (level === undefined) {
      if (node.here === undefined || !removeFrom(node.here, subscriber)) return false;
      if (node.here.length === 0) node.here = undefined;
      return true;
    }
    if (level === '#') {
      if (node.below === undefined || !removeFrom(node.below, subscriber)) return false;
      if (node.below.length === 0) node.below = undefined;
      return true;
    }
    const child = level === '+' ? node.plus : node.child(level);
    if (child === undefined || !this.#removeFrom(child, levels, depth + 1, subscriber)) return false;
    if (child.isEmpty) {
      if (level === '+') node.plus = undefined;
      else node.removeChild(level);
    }
    return true;
  }
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

function removeFrom<S>(list: S[], subscriber: S): boolean {
  const at = list.indexOf(subscriber);
  if (at < 0) return false;
  // Order does not matter: the last takes its place.
  const last = list.pop() as S;
  if (at < list.length) list[at] = last;
  return true;
}
