import type { Subscription } from './subscription.ts';

/** The members of one shared subscription (`$share/group/filter`): each message goes to one of them [MQTT5-4.8.2]. */
export class SharedGroup {
  /** `$share/group/filter` */
  readonly topicFilter: string;
  readonly filter: string;
  readonly members: Subscription[] = [];
  #next = 0;

  constructor(topicFilter: string, filter: string) {
    this.topicFilter = topicFilter;
    this.filter = filter;
  }

  /** False: it is not a member. */
  remove(member: Subscription): boolean {
    const at = this.members.indexOf(member);
    if (at >= 0) this.members.splice(at, 1);
    return at >= 0;
  }

  /**
   * The member whose turn it is: of those connected that can take a message now, else of those connected, else (for what
   * may wait) of those that are away but keep their session, and whose subscription lets it wait there. Whose queue is full
   * and refuses (a message of this size) only when there is no other. A member that may not receive the topic is passed over.
   */
  pick(topic: string, mayWait: boolean, size: number): Subscription | undefined {
    const members = this.members;
    let connected: Subscription | undefined;
    let away: Subscription | undefined;
    let full: Subscription | undefined;
    for (let i = 0; i < members.length; i++) {
      const at = (this.#next + i) % members.length;
      const member = members[at] as Subscription;
      if (member.isFiltered && !member.mayDeliver(topic)) continue;
      const connection = member.session.session.connection;
      if (member.session.session.refuses(size)) {
        full ??= member;
        continue;
      }
      if (connection === undefined) {
        if (member.qos > 0) away ??= member;
        continue;
      }
      if (!connection.output.congested && member.session.session.queue.length === 0) {
        this.#next = at + 1;
        return member;
      }
      connected ??= member;
    }
    const chosen = connected ?? (mayWait ? (away ?? full) : undefined);
    if (chosen !== undefined) this.#next = members.indexOf(chosen) + 1;
    return chosen;
  }
}
