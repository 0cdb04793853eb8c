/** Freezes a value and all that it holds, and answers it. */
export function deepFrozen<T>(value: T): T {
  // The elements of a typed array cannot be frozen: Object.freeze throws on one.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const child of Object.values(value)) deepFrozen(child);
  return Object.freeze(value);
}
