// Files of one package that import each other in a circle, types too. What lies in a circle can only be read, built and tested as one.

/**
 * The circles among files: each a list of the files that reach each other. `imports`: of each file, the files of the same package that it
 * imports.
 */
export function findCircles(imports) {
  // Tarjan's strongly connected components, with a stack of its own: a chain of imports may be long.
  const order = new Map();
  const low = new Map();
  const open = [];
  const isOpen = new Set();
  const circles = [];
  for (const root of imports.keys()) {
    if (order.has(root)) continue;
    const work = [enter(root)];
    while (work.length > 0) {
      const { file, left } = work.at(-1);
      const next = left.pop();
      if (next === undefined) {
        work.pop();
        const parent = work.at(-1)?.file;
        if (parent !== undefined) low.set(parent, Math.min(low.get(parent), low.get(file)));
        close(file);
      } else if (!order.has(next)) work.push(enter(next));
      else if (isOpen.has(next)) low.set(file, Math.min(low.get(file), order.get(next)));
    }
  }
  return circles;

  function enter(file) {
    order.set(file, order.size);
    low.set(file, order.get(file));
    open.push(file);
    isOpen.add(file);
    return { file, left: [...(imports.get(file) ?? [])] };
  }

  /** All that reach each other with this file, when it is the first of them. */
  function close(file) {
    if (low.get(file) !== order.get(file)) return;
    const members = open.splice(open.indexOf(file));
    for (const member of members) isOpen.delete(member);
    if (members.length > 1 || imports.get(file)?.includes(file)) circles.push(members.reverse());
  }
}
