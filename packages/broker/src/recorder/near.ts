/** More names than this are not compared: an answer that comes now is better. */
const MOST_COMPARED = 50_000;

/** Of `names`, those that a misspelt one probably meant, the closest first: another case, a part of it, a slip or two. */
export function nearNames(wanted: string, names: Iterable<string>, most: number): string[] {
  const plain = wanted.toLowerCase();
  const bound = Math.max(1, Math.floor(plain.length / 3));
  const found = new Map<string, number>();
  let compared = 0;
  for (const name of names) {
    if (++compared > MOST_COMPARED) break;
    if (name === wanted || found.has(name)) continue;
    const other = name.toLowerCase();
    const distance = other === plain ? 0 : isPart(plain, other) ? 0.5 : slips(plain, other, bound);
    if (distance <= bound) found.set(name, distance);
  }
  return [...found]
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([name]) => name);
}

function isPart(a: string, b: string): boolean {
  return a.length >= 3 && b.length >= 3 && (a.includes(b) || b.includes(a));
}

/** Insertions, deletions and substitutions from one to the other; Infinity when there are more than `bound`. */
function slips(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound || a.length > 64) return Number.POSITIVE_INFINITY;
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same));
    }
    if (Math.min(...row) > bound) return Number.POSITIVE_INFINITY;
    last = row;
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}
