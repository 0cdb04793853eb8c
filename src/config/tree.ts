/** What a configuration file holds: JSON. */
export type Tree = { [key: string]: unknown };

/** A plain object; not a list. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; undefined where the path leads nowhere. Reads own keys only. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/**
 * Sets the value at a path of the schema and makes the sections on the way: a list if an index follows. Changes
 * nothing if the path is blocked by a value that is no section, or would leave a gap in a list; the answer says
 * which.
 */
export function setAt(tree: Tree, path: readonly string[], value: unknown): 'set' | 'blocked' | 'gap' {
  let node: unknown = tree;
  for (const [depth, step] of path.entries()) {
    const last = depth === path.length - 1;
    const fresh = /^\d+$/.test(path[depth + 1] ?? '') ? [] : {};
    if (Array.isArray(node)) {
      const index = Number(step);
      if (index > node.length) return 'gap';
      if (last) node[index] = value;
      else node[index] ??= fresh;
      node = node[index];
    } else if (isTree(node)) {
      if (last) node[step] = value;
      else node[step] ??= fresh;
      node = node[step];
    } else {
      return 'blocked';
    }
  }
  return 'set';
}
