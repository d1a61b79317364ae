/** Subscribers of one path: mostly one, kept without a list. */
type Bucket<S> = S | S[] | undefined;

/** What is under one level: a node, or, where no filter goes deeper, only the subscribers of exactly that path. */
type Branch<S> = Node<S> | S | S[];

/** Up to this many children of a node are a list, `level, branch, level, branch …`: a map of so few takes more room and time. */
const FEW = 8;

type Children<S> = (string | Branch<S>)[] | Map<string, Branch<S>> | undefined;

class Node<S> {
  children: Children<S>;
  /** Under `+`. */
  plus: Branch<S> | undefined;
  /** Subscribers of exactly this path. */
  here: Bucket<S>;
  /** Subscribers of this path and everything below it (`path/#`). */
  below: Bucket<S>;

  constructor(here: Bucket<S>) {
    this.here = here;
  }

  /** The branch under the level that stands in `text` from `from` to `to`. */
  child(text: string, from: number, to: number): Branch<S> | undefined {
    const { children } = this;
    if (children === undefined) return undefined;
    if (children instanceof Map) return children.get(text.slice(from, to));
    for (let i = 0; i < children.length; i += 2) {
      const level = children[i] as string;
      if (level.length === to - from && text.startsWith(level, from)) return children[i + 1] as Branch<S>;
    }
    return undefined;
  }

  /** Puts a branch under a level in the place of the one there is; undefined: none is left. */
  setChild(level: string, branch: Branch<S> | undefined): void {
    const { children } = this;
    if (children instanceof Map) {
      if (branch !== undefined) children.set(level, branch);
      else if (children.delete(level) && children.size === 0) this.children = undefined;
      return;
    }
    const list = children ?? [];
    const at = list.findIndex((known, i) => i % 2 === 0 && known === level);
    if (branch === undefined) {
      if (at >= 0) list.splice(at, 2);
      if (list.length === 0) this.children = undefined;
    } else if (at >= 0) list[at + 1] = branch;
    else if (list.length < 2 * FEW) this.children = list.length === 0 ? [level, branch] : [...list, level, branch];
    else {
      const map = new Map<string, Branch<S>>();
      for (let i = 0; i < list.length; i += 2) map.set(list[i] as string, list[i + 1] as Branch<S>);
      this.children = map.set(level, branch);
    }
  }

  /** Itself, or the least that says as much. */
  reduced(): Branch<S> | undefined {
    const isLeaf = this.below === undefined && this.plus === undefined && this.children === undefined;
    return isLeaf ? this.here : this;
  }
}

/**
 * Who subscribes to what: Topic Filters without wildcards in a map, the others in a tree by level. Matching follows
 * [MQTT5-4.7.1] and keeps `$` topics from wildcards at the start [MQTT5-4.7.2-1]. `S` is never an array.
 */
export class SubscriptionTree<S extends object> {
  readonly #exact = new Map<string, S | S[]>();
  readonly #root = new Node<S>(undefined);
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
    const levels = filter.split('/');
    let node = this.#root;
    for (const [depth, level] of levels.entries()) {
      if (level === '#') {
        node.below = withOne(node.below, subscriber);
        return;
      }
      const isPlus = level === '+';
      const known = isPlus ? node.plus : node.child(level, 0, level.length);
      // The last level of a path that nothing goes on from needs no node.
      const isEnd = depth === levels.length - 1;
      let branch: Branch<S>;
      if (known instanceof Node) {
        branch = known;
        if (isEnd) known.here = withOne(known.here, subscriber);
      } else branch = isEnd ? withOne(known, subscriber) : new Node<S>(known);
      if (isPlus) node.plus = branch;
      else if (branch !== known) node.setChild(level, branch);
      if (branch instanceof Node) node = branch;
    }
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
    const child = node.child(topic, from, to);
    if (child !== undefined) this.#matchBranch(child, topic, to + 1, dollar, visit);
    if (plus !== undefined && wild) this.#matchBranch(plus, topic, to + 1, dollar, visit);
  }

  #matchBranch(branch: Branch<S>, topic: string, from: number, dollar: boolean, visit: (subscriber: S) => void): void {
    if (branch instanceof Node) this.#matchNode(branch, topic, from, dollar, visit);
    else {
      this.visited++;
      if (from > topic.length) visitAll(branch, visit);
    }
  }

  /** What is left of the branch. */
  #removeFrom(branch: Branch<S>, levels: readonly string[], depth: number, subscriber: S): Branch<S> | undefined {
    const level = levels[depth];
    if (!(branch instanceof Node)) return level === undefined ? this.#without(branch, subscriber) : branch;
    if (level === undefined) branch.here = this.#without(branch.here, subscriber);
    else if (level === '#') branch.below = this.#without(branch.below, subscriber);
    else {
      const isPlus = level === '+';
      const known = isPlus ? branch.plus : branch.child(level, 0, level.length);
      if (known === undefined) return branch;
      const left = this.#removeFrom(known, levels, depth + 1, subscriber);
      if (isPlus) branch.plus = left;
      else if (left !== known) branch.setChild(level, left);
    }
    return branch.reduced();
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
