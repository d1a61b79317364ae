import { describe, expect, test } from 'vitest';
import { Audiences } from './audiences.ts';
import { Audience } from './route.ts';

const audience = () => new Audience([], [], []);

describe('audiences', () => {
  const subscribers = ['a', 'b', 'c', 'd', 'e'];

  test('are found again by just the same subscribers', () => {
    const audiences = new Audiences<string>();
    const made = audience();
    audiences.add(subscribers, made);
    expect(audiences.find([...subscribers])).toBe(made);
    expect(audiences.find([...subscribers, 'f'])).toBeUndefined();
    expect(audiences.find(['a', 'b', 'c', 'd', 'x'])).toBeUndefined();
    expect(audiences.find(['x', 'b', 'c', 'd', 'e'])).toBeUndefined();
  });

  test('are gone when no topic has them, one with the same first subscriber is not', () => {
    const audiences = new Audiences<string>();
    const [first, second] = [audience(), audience()];
    audiences.add(subscribers, first);
    audiences.add(subscribers.slice(0, 4), second);
    audiences.delete(first);
    expect(audiences.find(subscribers.slice(0, 4))).toBe(second);
    audiences.delete(second);
    expect(audiences.find(subscribers.slice(0, 4))).toBeUndefined();
    expect(audiences.size).toBe(0);
  });

  test('of a few are made anew', () => {
    const audiences = new Audiences<string>();
    audiences.add(['a', 'b'], audience());
    expect(audiences.find(['a', 'b'])).toBeUndefined();
    expect(audiences.find([])).toBeUndefined();
    expect(audiences.size).toBe(0);
  });
});
