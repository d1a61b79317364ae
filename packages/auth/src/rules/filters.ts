/**
 * Whether every topic that `filter` (a Topic Filter, or a Topic Name) can mean is among those of `permitted`. Wildcards at
 * the first level do not stand for `$…` [MQTT5-4.7.2-1].
 */
export function coversFilter(permitted: readonly string[], filter: readonly string[]): boolean {
  for (let i = 0; ; i++) {
    const rule = permitted[i];
    const asked = filter[i];
    if (rule === '#') return !(i === 0 && isDollar(asked));
    if (rule === undefined || asked === undefined) return rule === asked;
    if (asked === '#') return false;
    if (rule === '+') {
      if (i === 0 && isDollar(asked)) return false;
    } else if (rule !== asked) return false;
  }
}

/** Whether some topic matches both. */
export function filtersOverlap(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; ; i++) {
    const one = a[i];
    const other = b[i];
    if (one === '#') return !(i === 0 && isDollar(other)) && !isEmptyName(other, a, i);
    if (other === '#') return !(i === 0 && isDollar(one)) && !isEmptyName(one, b, i);
    if (one === undefined || other === undefined) return one === other;
    if (one === '+' || other === '+') {
      if (i === 0 && (isDollar(one) || isDollar(other))) return false;
    } else if (one !== other) return false;
  }
}

/** `/#` matches what is above it too, but that is the empty name, which no Topic has [MQTT5-4.7.3-1]: `+` has no topic in common with it. */
function isEmptyName(next: string | undefined, withHash: readonly string[], at: number): boolean {
  return next === undefined && at === 1 && withHash[0] === '';
}

function isDollar(level: string | undefined): boolean {
  return level?.startsWith('$') === true;
}
