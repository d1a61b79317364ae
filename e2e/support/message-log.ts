/** A message as a subscriber of any make saw it. */
export interface SeenMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** Messages that arrived, in order, and a way to wait for one. */
export class MessageLog {
  readonly all: SeenMessage[] = [];
  readonly #watchers = new Set<() => void>();

  add(message: SeenMessage): void {
    this.all.push(message);
    for (const look of [...this.#watchers]) look();
  }

  /** The first message on this topic, if need be later. */
  on(topic: string, withinMs = 10_000): Promise<SeenMessage> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.all.find((message) => message.topic === topic);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`no message on ${topic}; there were ${JSON.stringify(this.all)}`));
      }, withinMs);
      this.#watchers.add(look);
      look();
    });
  }
}
