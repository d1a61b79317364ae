import { hasWildcard } from './subscription-tree.ts';
import { TopicCursor } from './topic-cursor.ts';

export class Node<V> {
  /** Grows with every value that is set anywhere. */
  serial = 0;
  children: Map<string, Node<V>> | undefined;
  topic: string | undefined;
  value: V | undefined;
}

/** Values by Topic Name, found by name or by all the names that a Topic Filter matches: the mirror of the SubscriptionTree. */
export class TopicIndex<V> {
  readonly #values = new Map<string, V>();
  readonly #root = new Node<V>();
  #serial = 0;

  get size(): number {
    return this.#values.size;
  }

  get(topic: string): V | undefined {
    return this.#values.get(topic);
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }

  /** The name that was set first, of those still there. */
  oldest(): string | undefined {
    return this.#values.keys().next().value;
  }

  set(topic: string, value: V): void {
    const known = this.#values.has(topic);
    this.#values.set(topic, value);
    let node = this.#root;
    if (known) {
      for (const level of topic.split('/')) node = node.children?.get(level) as Node<V>;
    } else {
      for (const level of topic.split('/')) {
        node.children ??= new Map();
        let child = node.children.get(level);
        if (child === undefined) {
          child = new Node();
          node.children.set(level, child);
        }
        node = child;
      }
      node.topic = topic;
    }
    node.value = value;
    node.serial = ++this.#serial;
  }

  delete(topic: string): boolean {
    if (!this.#values.delete(topic)) return false;
    this.#remove(this.#root, topic.split('/'), 0);
    return true;
  }

  /** Visits every value whose name the filter matches. */
  match(filter: string, visit: (value: V, topic: string) => void): void {
    if (!hasWildcard(filter)) {
      const value = this.#values.get(filter);
      if (value !== undefined) visit(value, filter);
      return;
    }
    this.#match(this.#root, filter.split('/'), 0, visit);
  }

  /** The same, a few at a time: those that are there now and still will be when their turn comes. */
  cursor(filter: string): TopicCursor<V> {
    return new TopicCursor(this.#root, filter, this.#serial);
  }

  #match(node: Node<V>, levels: readonly string[], depth: number, visit: (value: V, topic: string) => void): void {
    const level = levels[depth];
    if (level === undefined) {
      if (node.topic !== undefined) visit(node.value as V, node.topic);
      return;
    }
    if (level === '#') {
      this.#all(node, depth === 0, visit);
      return;
    }
    if (node.children === undefined) return;
    if (level !== '+') {
      const child = node.children.get(level);
      if (child !== undefined) this.#match(child, levels, depth + 1, visit);
      return;
    }
    for (const [key, child] of node.children) {
      if (depth === 0 && key.charCodeAt(0) === 0x24) continue;
      this.#match(child, levels, depth + 1, visit);
    }
  }

  #all(node: Node<V>, atRoot: boolean, visit: (value: V, topic: string) => void): void {
    if (node.topic !== undefined) visit(node.value as V, node.topic);
    if (node.children === undefined) return;
    for (const [key, child] of node.children) {
      if (atRoot && key.charCodeAt(0) === 0x24) continue;
      this.#all(child, false, visit);
    }
  }

  /** True: nothing is left of the node. */
  #remove(node: Node<V>, levels: readonly string[], depth: number): boolean {
    const level = levels[depth];
    if (level === undefined) {
      node.topic = undefined;
      node.value = undefined;
    } else {
      const child = node.children?.get(level);
      if (child !== undefined && this.#remove(child, levels, depth + 1)) node.children?.delete(level);
      if (node.children?.size === 0) node.children = undefined;
    }
    return node.topic === undefined && node.children === undefined;
  }
}
