/**
 * The name that was probably meant by a misspelt one: the closest of `names`, if it is close enough to be worth a
 * question, else the first that begins so. Case, hyphens and dots do not count; two letters swapped count as one slip.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  // One slip in a short word; more than three are another word.
  let most = wanted.length < 6 ? 1 : wanted.length < 9 ? 2 : 3;
  for (const candidate of names) {
    const slips = slipsBetween(wanted, plain(candidate), most);
    if (slips <= most) {
      best = candidate;
      most = slips - 1;
    }
  }
  if (best !== undefined || wanted.length < 4) return best;
  // Half a name is no slip of the fingers, but clear all the same.
  return names.find((candidate) => plain(candidate).startsWith(wanted));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Insertions, deletions, substitutions and swaps of neighbours; Infinity: more than `most`. */
function slipsBetween(a: string, b: string, most: number): number {
  if (most < 0) return Number.POSITIVE_INFINITY;
  if (a === b) return 0;
  const after = (ofA: number, ofB: number, slips: number): number =>
    slips + slipsBetween(a.slice(ofA), b.slice(ofB), most - slips);
  if (a[0] === b[0]) return after(1, 1, 0);
  const isSwap = a[0] === b[1] && a[1] === b[0];
  return Math.min(after(1, 0, 1), after(0, 1, 1), isSwap ? after(2, 2, 1) : after(1, 1, 1));
}
