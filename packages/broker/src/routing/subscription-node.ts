/** Subscribers of one filter: mostly one, kept without a list. */
export type Bucket<S> = S | S[] | undefined;

/** What is under one level: a node, or, where one filter alone goes on from there, the subscribers of that filter. */
export type Branch<S> = Node<S> | S | S[];

/** Up to this many children of a node are a list, `level, branch, level, branch …`: a map of so few takes more room and time. */
const FEW = 8;

type Children<S> = (string | Branch<S>)[] | Map<string, Branch<S>> | undefined;

/** Where filters part from each other, or one of them ends. */
export class Node<S> {
  /** Levels that all filters have in common here, before they part; undefined: none. `#` is never among them. */
  label: string | undefined;
  children: Children<S>;
  /** Under `+`. */
  plus: Branch<S> | undefined;
  /** Subscribers of exactly this path. */
  here: Bucket<S>;
  /** Subscribers of this path and everything below it (`path/#`). */
  below: Bucket<S>;

  constructor(label: string | undefined) {
    this.label = label;
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

  /** What takes the node's place when filters no longer part here; itself while they do. */
  reduced(): Branch<S> | undefined {
    const { plus, here, below, children } = this;
    const size = countOf(children);
    const count = size + (plus === undefined ? 0 : 1) + (here === undefined ? 0 : 1) + (below === undefined ? 0 : 1);
    if (count > 1) return this;
    if (size === 0 && plus === undefined) return here ?? below;
    const [level, branch] = plus === undefined ? onlyChild(children) : ['+', plus];
    if (branch instanceof Node) {
      const levels = [this.label, level, branch.label].filter((part) => part !== undefined);
      branch.label = levels.join('/');
    }
    return branch;
  }
}

function countOf<S>(children: Children<S>): number {
  if (children === undefined) return 0;
  return children instanceof Map ? children.size : children.length >> 1;
}

function onlyChild<S>(children: Children<S>): [level: string, branch: Branch<S>] {
  const [first] = children instanceof Map ? children : [children as [string, Branch<S>]];
  return first as [string, Branch<S>];
}
