/** Longer names are not compared: they are no slip of anybody's, and a look at each would take long. */
const LONGEST_LOOKED_AT = 256;
/** A name of another length, or with other letters, is no slip away: most are passed over for the price of a look at their letters. */
const LETTERS = 32;

/**
 * Of `names`, those that a misspelt one probably meant, the closest first: another case, a part of it, a slip or two. Yields after each name,
 * so that others have their turn in between.
 */
export function* similarNames(wanted: string, names: Iterable<string>, most: number): Generator<undefined, string[]> {
  const plain = wanted.toLowerCase();
  const bound = Math.max(1, Math.floor(plain.length / 3));
  const letters = lettersOf(plain);
  const found = new Map<string, number>();
  for (const name of names) {
    yield;
    if (name === wanted || name.length > LONGEST_LOOKED_AT || found.has(name)) continue;
    const distance = distanceOf(plain, name.toLowerCase(), letters, bound);
    if (distance <= bound) found.set(name, distance);
    // Only the closest are asked for: of many that are near no more are kept than that.
    if (found.size > MOST_KEPT) keepClosest(found, most);
  }
  return closest(found, most).map(([name]) => name);
}

const MOST_KEPT = 1000;

function closest(found: ReadonlyMap<string, number>, most: number): [string, number][] {
  return [...found].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).slice(0, most);
}

function keepClosest(found: Map<string, number>, most: number): void {
  const kept = closest(found, most);
  found.clear();
  for (const [name, distance] of kept) found.set(name, distance);
}

/** 0: the same but for case; 0.5: one is part of the other; Infinity: more than `bound` slips away. */
function distanceOf(plain: string, other: string, letters: number, bound: number): number {
  if (other === plain) return 0;
  if (isPart(plain, other)) return 0.5;
  if (Math.abs(plain.length - other.length) > bound || plain.length > LONGEST) return Number.POSITIVE_INFINITY;
  // Each slip takes away or adds two kinds of letters at most.
  if (bitsOf(letters ^ lettersOf(other)) > 2 * bound) return Number.POSITIVE_INFINITY;
  return slips(plain, other, bound);
}

/** The kinds of letters in a text, as bits. */
function lettersOf(text: string): number {
  let letters = 0;
  const end = Math.min(text.length, 2 * LONGEST);
  for (let i = 0; i < end; i++) letters |= 1 << (text.charCodeAt(i) % LETTERS);
  return letters;
}

function bitsOf(value: number): number {
  let count = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function isPart(a: string, b: string): boolean {
  return a.length >= 3 && b.length >= 3 && (a.includes(b) || b.includes(a));
}

/** Longer names are not compared letter by letter. */
const LONGEST = 64;

/** Insertions, deletions and substitutions from one to the other; Infinity when there are more than `bound`. */
function slips(a: string, b: string, bound: number): number {
  const row = new Uint8Array(b.length + 1);
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] as number;
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number;
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1;
      const steps = Math.min(above + 1, (row[j - 1] as number) + 1, diagonal + same);
      row[j] = steps;
      if (steps < least) least = steps;
      diagonal = above;
    }
    if (least > bound) return Number.POSITIVE_INFINITY;
  }
  const last = row[b.length] as number;
  return last > bound ? Number.POSITIVE_INFINITY : last;
}
