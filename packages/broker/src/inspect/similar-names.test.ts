import { describe, expect, it } from 'vitest';
import { similarNames } from './similar-names.ts';

describe('similar names', () => {
  it('finds another case, a part, a slip; the closest first', () => {
    const names = ['Winch-07', 'winch-70', 'winch-08', 'lamp', 'the-winch-07-north'];
    expect(returnOf(similarNames('winch-07', names, 5))).toEqual([
      'Winch-07',
      'the-winch-07-north',
      'winch-08',
      'winch-70',
    ]);
    expect(returnOf(similarNames('buoy', names, 5))).toEqual([]);
  });
});

function returnOf<T>(steps: Iterator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
