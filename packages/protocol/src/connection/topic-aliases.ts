import { violation } from '@hawser/codec';
import * as ReasonCode from '@hawser/codec/reason-code';

/** Topic Aliases that the peer has set. They live as long as the Network Connection [MQTT5-3.3.2-7]. */
export class InboundAliases {
  readonly #maximum: number;
  readonly #topics: (string | undefined)[] = [];

  /** `maximum`: the Topic Alias Maximum that this side announced. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The topic that a PUBLISH with an alias means; remembers it when the PUBLISH brings a topic too. */
  resolve(alias: number, topic: string): string {
    if (alias > this.#maximum) {
      // 0 has been refused by the decoder.
      // [MQTT5-3.3.2-8], [MQTT5-3.3.2-9]
      const seen = `${alias}; ${this.#maximum} are accepted here`;
      throw violation('PUBLISH', 'topic-alias-invalid', seen, ReasonCode.TopicAliasInvalid);
    }
    if (topic !== '') {
      this.#topics[alias] = topic;
      return topic;
    }
    const known = this.#topics[alias];
    if (!known) throw violation('PUBLISH', 'topic-alias-unknown', alias);
    return known;
  }
}

/** Topic Aliases that this side assigns, least recently used first to go, within what the peer allows [MQTT5-3.1.2-26]. */
export class OutboundAliases {
  readonly #maximum: number;
  /** By topic. */
  readonly assigned = new Map<string, number>();
  /** Set by `assign`: the peer knows the alias already, the topic can stay away. */
  known = false;

  /** `maximum`: the peer's Topic Alias Maximum, 1 or more. */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  assign(topic: string): number {
    const aliases = this.assigned;
    let replaced = topic;
    let alias = aliases.get(topic);
    this.known = alias !== undefined;
    if (!alias) {
      alias = aliases.size + 1;
      if (alias > this.#maximum) [replaced, alias] = aliases.entries().next().value as [string, number];
    }
    aliases.delete(replaced);
    aliases.set(topic, alias);
    return alias;
  }
}

/**
 * The PUBLISH that was to set the alias was not sent: its number stands for no topic until it is assigned again. No method, for a page,
 * whose client looks at the size first, has no use for it.
 */
export function unsetAlias({ assigned }: OutboundAliases, topic: string): void {
  const alias = assigned.get(topic);
  if (alias === undefined) return;
  assigned.delete(topic);
  // U+0000 is in no topic.
  assigned.set(`\0${alias}`, alias);
}
