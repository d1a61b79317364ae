import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isValidTopicFilter, isValidTopicName, ProtocolError, parseTopicFilter, topicMatches } from '../index.ts';
import { plainTopicFilter, sharedTopicFilter, topicFilter, topicName } from '../testing/arbitraries.ts';

describe('Topic Names', () => {
  for (const topic of [
    'a',
    '/',
    '//',
    'a/',
    '/a',
    ' ',
    'a b',
    '$SYS/x',
    '$share/g/t',
    '\uFEFF',
    '\u0001',
    '水/温度',
    'x'.repeat(65_535),
  ]) {
    it(`${JSON.stringify(topic.slice(0, 20))} is one`, () => expect(isValidTopicName(topic)).toBe(true));
  }
  for (const topic of ['', '+', '#', 'a/#', 'a+b', 'a\0b', 'a\ud800', 'x'.repeat(65_536), '水'.repeat(21_846)]) {
    it(`${JSON.stringify(topic.slice(0, 20))} is none`, () => expect(isValidTopicName(topic)).toBe(false));
  }
  it('generated ones are', () => fc.assert(fc.property(topicName, isValidTopicName)));
});

describe('Topic Filters', () => {
  for (const filter of [
    '#',
    '+',
    '/',
    '+/+',
    '/+',
    'a/#',
    'a/+/b',
    '+/#',
    '/#',
    'a/',
    '$SYS/#',
    '$share',
    '$shared/a',
    '$SHARE//a',
    '$share/g/a',
    '$share/g/#',
    '$share/g/+',
    '$share/g//',
    '$share/g/$SYS/x',
    '$share/g/$share/h/t',
    '\uFEFF',
    'x'.repeat(65_535),
  ]) {
    it(`${JSON.stringify(filter.slice(0, 20))} is one`, () => expect(isValidTopicFilter(filter)).toBe(true));
  }
  for (const filter of [
    '',
    '##',
    'a#',
    '#a',
    '#/',
    '#/a',
    'a/#/',
    'a/#/b',
    'a/b#',
    '++',
    '+a',
    'a+',
    'a/+b',
    'a/b+/c',
    '+#',
    'a\0',
    'a\udc00',
    '$share/',
    '$share/g',
    '$share/g/',
    '$share//',
    '$share//a',
    '$share/+/a',
    '$share/#/a',
    '$share/g+/a',
    '$share/g#/a',
    '$share/g/a#',
    '$share/g/#/a',
    '$share/g/+a',
    'x'.repeat(65_536),
  ]) {
    it(`${JSON.stringify(filter.slice(0, 20))} is none`, () => {
      expect(isValidTopicFilter(filter)).toBe(false);
      expect(() => parseTopicFilter(filter)).toThrow(ProtocolError);
      expect(() => parseTopicFilter(filter)).toThrow(
        expect.objectContaining({ code: 'topic-filter-invalid', reasonCode: 0x8f }),
      );
    });
  }

  it('are taken apart', () => {
    expect(parseTopicFilter('a/+/#')).toEqual({ share: undefined, filter: 'a/+/#' });
    expect(parseTopicFilter('$share/group/a/b')).toEqual({ share: 'group', filter: 'a/b' });
    expect(parseTopicFilter('$share/g//a')).toEqual({ share: 'g', filter: '/a' });
    expect(parseTopicFilter('$share')).toEqual({ share: undefined, filter: '$share' });
  });

  it('have a limit of levels, the $share prefix not counted', () => {
    expect(parseTopicFilter('$share/g/a/b', 2).filter).toBe('a/b');
    expect(() => parseTopicFilter('a/b/c', 2)).toThrow(
      expect.objectContaining({ code: 'topic-filter-too-deep', reasonCode: 0x8f }),
    );
  });

  it('generated ones are, and take apart into what they were made of', () => {
    fc.assert(fc.property(topicFilter, isValidTopicFilter));
    fc.assert(
      fc.property(sharedTopicFilter, (filter) => {
        const parsed = parseTopicFilter(filter);
        return `$share/${parsed.share}/${parsed.filter}` === filter;
      }),
    );
  });
});

describe('matching', () => {
  const cases: [filter: string, matches: string[], misses: string[]][] = [
    ['a', ['a'], ['b', 'A', 'a/', '/a', 'aa', 'a/b']],
    ['a/b', ['a/b'], ['a', 'a/b/', 'a/b/c', 'a//b']],
    ['#', ['a', '/', 'a/b/c', '/a', 'x$'], ['$SYS', '$SYS/a', '$']],
    ['+', ['a', 'x$'], ['/', 'a/', '/a', 'a/b', '$SYS', '$']],
    ['+/+', ['/', 'a/b', 'a/', '/a'], ['a', 'a/b/c', '$SYS/a']],
    ['/+', ['/a', '/'], ['a', '/a/b']],
    ['+/', ['a/', '/'], ['a', 'a/b']],
    ['a/+', ['a/b', 'a/'], ['a', 'a/b/c', 'b/a']],
    ['a/#', ['a', 'a/', 'a/b', 'a/b/c', 'a//'], ['b', 'ab', 'ab/c', '/a']],
    ['a/+/#', ['a/b', 'a/b/c', 'a/', 'a//x'], ['a', 'b/a/c']],
    ['+/a/#', ['x/a', 'x/a/b', '/a'], ['a', 'x/b', '$SYS/a']],
    ['/#', ['/', '/a', '/a/b'], ['a', 'a/b']],
    ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/d', 'a/b/b/c']],
    ['$SYS/#', ['$SYS', '$SYS/a', '$SYS/a/b'], ['a', 'SYS/a', '$SYSx']],
    ['$SYS/+', ['$SYS/a'], ['$SYS', '$SYS/a/b']],
    ['+/monitor/Clients', ['a/monitor/Clients'], ['$SYS/monitor/Clients']],
    ['sport/tennis/player1/#', ['sport/tennis/player1', 'sport/tennis/player1/ranking'], ['sport/tennis/player10']],
    ['$share/g/a/+', ['a/b'], ['$share/g/a/b', 'a']],
    ['$share/g/#', ['a', 'a/b'], ['$SYS']],
    ['a//b', ['a//b'], ['a/b', 'a/x/b']],
  ];
  for (const [filter, matches, misses] of cases) {
    for (const topic of matches) it(`${filter} matches ${topic}`, () => expect(topicMatches(filter, topic)).toBe(true));
    for (const topic of misses) it(`${filter} misses ${topic}`, () => expect(topicMatches(filter, topic)).toBe(false));
  }

  it('agrees with a regular expression', () => {
    const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const expression = (filter: string): RegExp => {
      const source = filter
        .split('/')
        .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '#' : escaped(level)))
        .join('/')
        .replace(/^#$/, '[^]*')
        .replace(/\/#$/, '(/[^]*)?');
      return new RegExp(`^${source}$`);
    };
    fc.assert(
      fc.property(plainTopicFilter, topicName, (filter, topic) => {
        const hidden = topic.startsWith('$') && /^[+#]/.test(filter);
        expect(topicMatches(filter, topic)).toBe(!hidden && expression(filter).test(topic));
      }),
      { numRuns: 2000 },
    );
  });

  it('a Topic Name without wildcards matches itself', () => {
    fc.assert(
      fc.property(
        topicName.filter((topic) => !topic.startsWith('$share/')),
        (topic) => topicMatches(topic, topic),
      ),
    );
  });
});
