import { filterStart } from './topic-filter.ts';

/**
 * Whether a valid Topic Filter matches a valid Topic Name, level by level: the plain reading of section 4.7, for tests to
 * compare with and for callers with a handful of filters. `$share/{ShareName}/` is looked through.
 */
export function topicMatches(filter: string, topic: string): boolean {
  const filterLevels = filter.slice(filterStart(filter)).split('/');
  const topicLevels = topic.split('/');
  const first = filterLevels[0];
  // A wildcard in the first level does not match what begins with $ [MQTT311-4.7.2-1] [MQTT5-4.7.2-1].
  if (topic.startsWith('$') && (first === '#' || first === '+')) return false;
  for (let i = 0; i < filterLevels.length; i++) {
    const level = filterLevels[i];
    // # stands for any number of levels, none included: a/# matches a [MQTT311-4.7.1-2] (section 4.7.1.2).
    if (level === '#') return true;
    if (i >= topicLevels.length) return false;
    if (level !== '+' && level !== topicLevels[i]) return false;
  }
  return filterLevels.length === topicLevels.length;
}
