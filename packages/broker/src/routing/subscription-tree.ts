import { commonLevels, endOfLevel, hasWildcard, isLevel, ownPart, passLevels, restMatches } from './levels.ts';
import { type Branch, type Bucket, Node } from './subscription-node.ts';

/** Somebody with a Topic Filter, without `$share/group/`. */
export interface Filtered {
  readonly filter: string;
}

/** Where a branch hangs in the tree. */
interface Step<S> {
  readonly node: Node<S>;
  readonly level: string;
}

/** So many units of a text are held against each other in the time of a visit to a node. As a shift. */
const UNITS_OF_VISIT = 4;

/**
 * Who subscribes to what: Topic Filters without wildcards in a map, the others in a tree by level, in which filters have nodes only where
 * they part: the rest of a filter that goes on alone is read from the filter itself. Matching follows [MQTT5-4.7.1] and keeps `$` topics
 * from wildcards at the start [MQTT5-4.7.2-1]. `S` is never an array. Nothing here is recursive.
 */
export class SubscriptionTree<S extends Filtered> {
  readonly #exact = new Map<string, S | S[]>();
  readonly #root = new Node<S>(undefined);
  /** Nodes that `match` has visited, and as many for what else it has looked at; set it to 0 to count anew. */
  visited = 0;
  #size = 0;
  /** Branches that a match has still to look at, each with where it stands in the topic and in the filter. */
  readonly #branches: Branch<S>[] = [];
  readonly #offsets: number[] = [];

  get size(): number {
    return this.#size;
  }

  add(subscriber: S): void {
    this.#size++;
    const { filter } = subscriber;
    if (!hasWildcard(filter)) {
      this.#exact.set(filter, withOne(this.#exact.get(filter), subscriber));
      return;
    }
    let node = this.#root;
    let at = 0;
    for (;;) {
      if (at > filter.length) {
        node.here = withOne(node.here, subscriber);
        return;
      }
      const to = endOfLevel(filter, at);
      if (isLevel(filter, at, to, '#')) {
        node.below = withOne(node.below, subscriber);
        return;
      }
      const known = branchAt(node, filter, at, to);
      if (known === undefined) {
        setBranch(node, ownPart(filter, at, to), subscriber);
        return;
      }
      const next = to + 1;
      if (!(known instanceof Node) && filterOf(known) === filter) {
        const bucket = withOne(known, subscriber);
        if (bucket !== known) setBranch(node, ownPart(filter, at, to), bucket);
        return;
      }
      const child = parted(known, filter, next);
      if (child !== known) setBranch(node, ownPart(filter, at, to), child);
      node = child;
      at = child.label === undefined ? next : next + child.label.length + 1;
    }
  }

  /** False: it was not there. */
  remove(subscriber: S): boolean {
    const { filter } = subscriber;
    const before = this.#size;
    if (!hasWildcard(filter)) {
      const rest = this.#without(this.#exact.get(filter), subscriber);
      if (rest === undefined) this.#exact.delete(filter);
      else this.#exact.set(filter, rest);
      return this.#size < before;
    }
    let node = this.#root;
    let above: Step<S> | undefined;
    let at = 0;
    while (at <= filter.length) {
      const to = endOfLevel(filter, at);
      if (isLevel(filter, at, to, '#')) break;
      const known = branchAt(node, filter, at, to);
      const level = filter.slice(at, to);
      if (known === undefined) return false;
      if (!(known instanceof Node)) {
        if (filterOf(known) !== filter) return false;
        const rest = this.#without(known, subscriber);
        if (rest !== known) setBranch(node, level, rest);
        reduce(node, above);
        return this.#size < before;
      }
      const next = to + 1;
      const { label } = known;
      if (label !== undefined && commonLevels(label, 0, filter, next) !== label.length) return false;
      above = { node, level };
      node = known;
      at = label === undefined ? next : next + label.length + 1;
    }
    if (at > filter.length) node.here = this.#without(node.here, subscriber);
    else node.below = this.#without(node.below, subscriber);
    reduce(node, above);
    return this.#size < before;
  }

  /** All subscribers whose filters match a topic; one that has several such filters comes several times. */
  match(topic: string, visit: (subscriber: S) => void): void {
    visitAll(this.#exact.get(topic), visit);
    const branches = this.#branches;
    const offsets = this.#offsets;
    const isDollar = topic.charCodeAt(0) === 0x24;
    let branch: Branch<S> = this.#root;
    let from = 0;
    let at = 0;
    for (;;) {
      this.visited++;
      // Until the way down ends.
      while (branch instanceof Node) {
        const { label, below, plus } = branch as Node<S>;
        if (label !== undefined) {
          const passed = passLevels(label, topic, from);
          this.visited += label.length >> UNITS_OF_VISIT;
          if (passed < 0) break;
          from = passed;
          at += label.length + 1;
        }
        const isWild = from > 0 || !isDollar;
        if (isWild && below !== undefined) visitAll(below, visit);
        if (from > topic.length) {
          visitAll((branch as Node<S>).here, visit);
          break;
        }
        const to = endOfLevel(topic, from);
        const child: Branch<S> | undefined = (branch as Node<S>).child(topic, from, to);
        const next = to + 1;
        if (child === undefined) {
          if (plus === undefined || !isWild) break;
          branch = plus;
          at += 2;
        } else {
          if (plus !== undefined && isWild) {
            branches.push(plus);
            offsets.push(next, at + 2);
          }
          branch = child;
          at += next - from;
        }
        from = next;
        this.visited++;
        if (branch instanceof Node) continue;
        const filter = filterOf(branch as S | S[]);
        this.visited += (filter.length - at) >> UNITS_OF_VISIT;
        if (restMatches(filter, at, topic, from)) visitAll(branch as S | S[], visit);
      }
      const waiting = branches.pop();
      if (waiting === undefined) return;
      branch = waiting;
      at = offsets.pop() as number;
      from = offsets.pop() as number;
      if (branch instanceof Node) continue;
      const filter = filterOf(branch);
      this.visited += (filter.length - at) >> UNITS_OF_VISIT;
      if (restMatches(filter, at, topic, from)) visitAll(branch, visit);
    }
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

/** The node in which a filter, of which the rest begins at `from`, parts from those of the branch, or ends where they go on. */
function parted<S extends Filtered>(branch: Branch<S>, filter: string, from: number): Node<S> {
  if (!(branch instanceof Node)) {
    const other = filterOf(branch);
    const common = commonLevels(other, from, filter, from);
    const node = new Node<S>(common < 0 ? undefined : ownPart(other, from, from + common));
    place(node, branch, other, common < 0 ? from : from + common + 1);
    return node;
  }
  const { label } = branch;
  if (label === undefined) return branch;
  const common = commonLevels(label, 0, filter, from);
  if (common === label.length) return branch;
  const node = new Node<S>(common < 0 ? undefined : ownPart(label, 0, common));
  const rest = common < 0 ? 0 : common + 1;
  const to = endOfLevel(label, rest);
  branch.label = to < label.length ? ownPart(label, to + 1, label.length) : undefined;
  setBranch(node, ownPart(label, rest, to), branch);
  return node;
}

/** Puts the subscribers of one filter, of which the rest begins at `from`, into a new node. */
function place<S extends Filtered>(node: Node<S>, bucket: S | S[], filter: string, from: number): void {
  if (from > filter.length) {
    node.here = bucket;
    return;
  }
  const to = endOfLevel(filter, from);
  if (isLevel(filter, from, to, '#')) node.below = bucket;
  else setBranch(node, ownPart(filter, from, to), bucket);
}

/** Something in the node is gone: where filters do not part any more, there is no node. */
function reduce<S>(node: Node<S>, above: Step<S> | undefined): void {
  if (above === undefined) return;
  const left = node.reduced();
  if (left !== node) setBranch(above.node, above.level, left);
}

function branchAt<S>(node: Node<S>, filter: string, from: number, to: number): Branch<S> | undefined {
  return isLevel(filter, from, to, '+') ? node.plus : node.child(filter, from, to);
}

function setBranch<S>(node: Node<S>, level: string, branch: Branch<S> | undefined): void {
  if (level === '+') node.plus = branch;
  else node.setChild(level, branch);
}

/** The filter of a bucket: all in it have the same. */
function filterOf<S extends Filtered>(bucket: S | S[]): string {
  return Array.isArray(bucket) ? (bucket[0] as S).filter : bucket.filter;
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
