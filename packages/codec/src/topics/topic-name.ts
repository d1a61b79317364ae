import { topicLevels, utf8Length } from '#short-loops';
import { malformed, violation } from '../errors.ts';
import * as ReasonCode from '../reason-code.ts';
import { MAXIMUM_STRING_BYTES } from '../wire/utf8.ts';

const WILDCARD = /[+#]/;

/**
 * Whether a string may be published to: at least one character [MQTT311-4.7.3-1] [MQTT5-4.7.3-1], no wildcard
 * [MQTT311-3.3.2-2] [MQTT5-3.3.2-2], no U+0000 [MQTT311-4.7.3-2] [MQTT5-4.7.3-2], at most 65,535 bytes of UTF-8
 * [MQTT311-4.7.3-3] [MQTT5-4.7.3-3].
 */
export function isValidTopicName(topic: string): boolean {
  return !/^$|[+#\0\p{Cs}]/u.test(topic) && utf8Length(topic) <= MAXIMUM_STRING_BYTES;
}

/**
 * Throws for a decoded string that is no Topic Name. Empty, or a wildcard in it: MalformedPacketError `topic-name-invalid`,
 * 0x81, since 0x90 is for what is "correctly formed, but not accepted" (section 3.14.2.1). More levels than `maximumLevels` is just that:
 * ProtocolError `topic-name-too-deep`, 0x90. `field` names it in the message.
 */
export function checkTopicName(topic: string, maximumLevels: number, field: string): void {
  if (topic === '') throw malformed(field, 'topic-name-invalid', 'it is empty');
  // [MQTT311-3.3.2-2] [MQTT5-3.3.2-2] [MQTT5-4.7.1-1]
  if (WILDCARD.test(topic)) throw malformed(field, 'topic-name-invalid', `${quote(topic)} has a wildcard`);
  const levels = topicLevels(topic);
  if (levels <= maximumLevels) return;
  const seen = `${levels} levels; ${maximumLevels} are accepted here`;
  const excess = { is: 'topic-name-too-deep', limit: maximumLevels, actual: levels, where: field } as const;
  throw violation(field, 'topic-name-too-deep', seen, ReasonCode.TopicNameInvalid, excess);
}

/** A topic in quotes, cut to what a person reads. */
export function quote(topic: string): string {
  return JSON.stringify(topic.length > 80 ? `${topic.slice(0, 79)}…` : topic);
}
