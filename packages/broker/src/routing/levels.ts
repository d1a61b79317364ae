const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;

/** A part of a long string keeps all of it in memory: up to this many characters the engine copies it. */
const COPIED = 12;

/** A part of a Topic Name or Topic Filter that keeps nothing else in memory. */
export function ownPart(text: string, from: number, to: number): string {
  if (from === 0 && to === text.length) return text;
  const part = text.slice(from, to);
  return part.length <= COPIED ? part : Buffer.from(part).toString();
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/** Where the level that begins at `from` ends. */
export function endOfLevel(text: string, from: number): number {
  const slash = text.indexOf('/', from);
  return slash < 0 ? text.length : slash;
}

/** Whether the level from `from` to `to` is one that stands for others: `+` or `#`. */
export function isLevel(text: string, from: number, to: number, wildcard: '+' | '#'): boolean {
  return to - from === 1 && text.charCodeAt(from) === (wildcard === '+' ? PLUS : HASH);
}

/**
 * Holds levels of a filter (no `#` among them) against a topic, both from the beginning of a level on. Returns where the topic's next
 * level begins (past its end: there is none), or -1: they do not match.
 */
export function passLevels(levels: string, topic: string, from: number): number {
  let at = 0;
  let to = from;
  for (;;) {
    if (to > topic.length) return -1;
    if (isPlusAt(levels, at)) {
      at++;
      to = endOfLevel(topic, to);
    } else {
      for (; at < levels.length; at++, to++) {
        const unit = levels.charCodeAt(at);
        if (unit === SLASH) break;
        if (topic.charCodeAt(to) !== unit) return -1;
      }
      if (to < topic.length && topic.charCodeAt(to) !== SLASH) return -1;
    }
    // Both stand at the end of a level.
    to++;
    if (at >= levels.length) return to;
    at++;
  }
}

/** Whether the rest of a filter matches the rest of a topic, each from the beginning of a level on; past the end: nothing is left. */
export function restMatches(filter: string, filterFrom: number, topic: string, topicFrom: number): boolean {
  let at = filterFrom;
  let to = topicFrom;
  for (;;) {
    if (at > filter.length) return to > topic.length;
    const unit = filter.charCodeAt(at);
    if (unit === HASH) return true;
    if (to > topic.length) return false;
    if (isPlusAt(filter, at)) {
      at++;
      to = endOfLevel(topic, to);
    } else {
      for (; at < filter.length; at++, to++) {
        const wanted = filter.charCodeAt(at);
        if (wanted === SLASH) break;
        if (topic.charCodeAt(to) !== wanted) return false;
      }
      if (to < topic.length && topic.charCodeAt(to) !== SLASH) return false;
    }
    at++;
    to++;
  }
}

/**
 * How far two texts agree, level by level, each from the beginning of a level on: length of what they have in common, -1: not a level,
 * 0: one that is empty. `#` is never part of it.
 */
export function commonLevels(a: string, aFrom: number, b: string, bFrom: number): number {
  if (aFrom > a.length || bFrom > b.length) return -1;
  let common = -1;
  for (let i = 0; ; i++) {
    const isEndOfA = isEndAt(a, aFrom + i);
    if (isEndOfA !== isEndAt(b, bFrom + i)) return common;
    if (isEndOfA) {
      common = i;
      if (aFrom + i >= a.length || bFrom + i >= b.length) return common;
    } else {
      const unit = a.charCodeAt(aFrom + i);
      if (unit !== b.charCodeAt(bFrom + i) || unit === HASH) return common;
    }
  }
}

function isEndAt(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === SLASH;
}

function isPlusAt(levels: string, at: number): boolean {
  return levels.charCodeAt(at) === PLUS;
}
