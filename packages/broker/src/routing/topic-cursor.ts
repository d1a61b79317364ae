import type { Node } from './topic-index.ts';

/** Children of a node that are still to be visited, and the level of the filter that they are held against. */
interface Visit<V> {
  readonly children: IterableIterator<[string, Node<V>]>;
  readonly depth: number;
  readonly atRoot: boolean;
}

/**
 * Where a walk over the topics that a filter matches has come to. It holds no list: a million topics cost what a hundred do,
 * and what is set or deleted meanwhile is no harm. What was set after it began is passed over.
 */
export class TopicCursor<V> {
  /** Nodes visited so far. */
  visited = 0;
  readonly #root: Node<V>;
  readonly #levels: readonly string[];
  readonly #lastSerial: number;
  readonly #stack: Visit<V>[] = [];
  #first: V | undefined;

  constructor(root: Node<V>, filter: string, lastSerial: number) {
    this.#root = root;
    this.#levels = filter.split('/');
    this.#lastSerial = lastSerial;
    this.#first = this.#enter(root, 0);
  }

  /** Nothing more will come. */
  get done(): boolean {
    return this.#first === undefined && this.#stack.length === 0;
  }

  /** The next value; undefined: there was none among the next `most` nodes. */
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
      const [key, child] = next.value;
      // Wildcards at the start match no `$` topics [MQTT5-4.7.2-1].
      if (visit.atRoot && key.charCodeAt(0) === 0x24) continue;
      const value = this.#enter(child, visit.depth);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** The value at a node, and what is below it to be visited later. */
  #enter(start: Node<V>, startDepth: number): V | undefined {
    let node = start;
    let depth = startDepth;
    for (;;) {
      const level = this.#levels[depth];
      if (level === undefined) return this.#valueOf(node);
      const { children } = node;
      if (level === '#') {
        if (children !== undefined)
          this.#stack.push({ children: children.entries(), depth, atRoot: node === this.#root });
        return this.#valueOf(node);
      }
      if (children === undefined) return undefined;
      if (level === '+') {
        this.#stack.push({ children: children.entries(), depth: depth + 1, atRoot: node === this.#root });
        return undefined;
      }
      const child = children.get(level);
      if (child === undefined) return undefined;
      node = child;
      depth++;
    }
  }

  #valueOf(node: Node<V>): V | undefined {
    return node.topic !== undefined && node.serial <= this.#lastSerial ? node.value : undefined;
  }
}
