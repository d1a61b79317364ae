import { utf8Length } from '#short-loops';
import { MalformedPacketError, ProtocolError } from '../errors.ts';
import * as ReasonCode from '../reason-code.ts';
import { MAXIMUM_STRING_BYTES } from '../wire/utf8.ts';
import { quote } from './topic-name.ts';

/** A Topic Filter taken apart. */
export interface ParsedFilter {
  /** The ShareName of a Shared Subscription, `undefined` for an ordinary one. */
  share: string | undefined;
  /** The Topic Filter without `$share/{ShareName}/`. */
  filter: string;
}

const SLASH = 0x2f;
const SHARE_PREFIX = '$share/';

/** Whether a string may be subscribed to, Shared Subscriptions included (sections 4.7 and 4.8.2). */
export function isValidTopicFilter(filter: string): boolean {
  return filterFault(filter) === undefined;
}

/**
 * Takes a Topic Filter apart. Shared Subscriptions are understood in every version. Throws ProtocolError
 * `topic-filter-invalid` (0x8F) for what `isValidTopicFilter` refuses, and `topic-filter-too-deep` (0x8F) for more levels than
 * `maximumLevels`, the `$share` prefix not counted.
 */
export function parseTopicFilter(topicFilter: string, maximumLevels: number = Number.POSITIVE_INFINITY): ParsedFilter {
  const fault = filterFault(topicFilter);
  if (fault !== undefined) {
    throw new ProtocolError(
      'topic-filter-invalid',
      `Topic Filter ${quote(topicFilter)}: ${fault}`,
      ReasonCode.TopicFilterInvalid,
    );
  }
  const start = filterStart(topicFilter);
  checkLevels(topicFilter, start, maximumLevels);
  if (start === 0) return { share: undefined, filter: topicFilter };
  return { share: topicFilter.slice(SHARE_PREFIX.length, start - 1), filter: topicFilter.slice(start) };
}

/**
 * Checks a Topic Filter that came over the wire. One that breaks the rules of 4.7 and 4.8.2 is a MalformedPacketError
 * `topic-filter-invalid`, 0x81: 0x8F is for what is "correctly formed, but not accepted" (section 3.14.2.1), such as more levels than
 * `maximumLevels`, ProtocolError `topic-filter-too-deep`.
 */
export function checkTopicFilter(topicFilter: string, maximumLevels: number, field: string): void {
  const fault = filterFault(topicFilter);
  if (fault !== undefined) {
    throw new MalformedPacketError('topic-filter-invalid', `${field} ${quote(topicFilter)}: ${fault}`);
  }
  checkLevels(topicFilter, filterStart(topicFilter), maximumLevels);
}

function checkLevels(topicFilter: string, start: number, maximumLevels: number): void {
  let levels = 1;
  for (let i = start; i < topicFilter.length; i++) if (topicFilter.charCodeAt(i) === SLASH) levels++;
  if (levels <= maximumLevels) return;
  throw new ProtocolError(
    'topic-filter-too-deep',
    `Topic Filter ${quote(topicFilter)} has ${levels} levels; ${maximumLevels} are accepted here`,
    ReasonCode.TopicFilterInvalid,
    { is: 'topic-filter-too-deep', limit: maximumLevels, actual: levels, where: quote(topicFilter) },
  );
}

/** Whether a filter asks for a Shared Subscription. Says nothing about its being valid. */
export function isSharedFilter(topicFilter: string): boolean {
  return topicFilter.startsWith(SHARE_PREFIX);
}

/** Where the filter proper begins: behind `$share/{ShareName}/`, or at 0. For a valid filter. */
export function filterStart(topicFilter: string): number {
  return isSharedFilter(topicFilter) ? topicFilter.indexOf('/', SHARE_PREFIX.length) + 1 : 0;
}

/** What is wrong with a Topic Filter in words, or `undefined`. */
export function filterFault(topicFilter: string): string | undefined {
  // [MQTT311-4.7.3-1] [MQTT5-4.7.3-1]
  if (topicFilter === '') return 'it is empty';
  // [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]
  if (isSharedFilter(topicFilter) && !/^\$share\/[^/+#]+\/./s.test(topicFilter)) {
    return 'it is not $share/{ShareName}/{Topic Filter}';
  }
  const filter = topicFilter.slice(filterStart(topicFilter));
  // [MQTT311-4.7.1-2] [MQTT311-4.7.1-3] [MQTT5-4.7.1-1] [MQTT5-4.7.1-2]
  if (/[^/][+#]|[+#][^/]|#./s.test(filter)) return '+ and # must stand alone in a level, # in the last one';
  // [MQTT311-4.7.3-2] [MQTT5-4.7.3-2]
  if (filter.includes('\0')) return 'it contains U+0000';
  if (!filter.isWellFormed()) return 'it contains half of a surrogate pair';
  // [MQTT311-4.7.3-3] [MQTT5-4.7.3-3]
  const mayBeLong = topicFilter.length * 3 > MAXIMUM_STRING_BYTES;
  if (mayBeLong && utf8Length(topicFilter) > MAXIMUM_STRING_BYTES)
    return `it is longer than ${MAXIMUM_STRING_BYTES} bytes`;
  return undefined;
}
