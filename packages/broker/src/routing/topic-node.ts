/** A Topic Name and its value. */
export class Entry<V> {
  readonly topic: string;
  /** Undefined: it has been deleted. */
  value: V | undefined;
  /** Grows with every value that is set anywhere. */
  serial = 0;

  constructor(topic: string) {
    this.topic = topic;
  }
}

/** What is under one level: a node, or, where one name alone goes on from there, its entry. */
export type Branch<V> = Node<V> | Entry<V>;

/** Where names part from each other, or one of them ends. */
export class Node<V> {
  /** Levels that all names have in common here, before they part; undefined: none. */
  label: string | undefined;
  children: Map<string, Branch<V>> | undefined;
  /** The name that ends here. */
  here: Entry<V> | undefined;

  constructor(label: string | undefined) {
    this.label = label;
  }
}
