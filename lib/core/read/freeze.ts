/**
 * Freezes plain objects and arrays all the way down.
 * @returns false when the value holds something whose content `Object.freeze` does not protect (Date, Map, Set, typed arrays, other instances)
 */
export function deepFreeze(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  if (Array.isArray(value)) {
    for (const item of value) if (!deepFreeze(item)) return false;
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key of Object.keys(value))
      if (!deepFreeze((value as Record<string, unknown>)[key])) return false;
  }
  Object.freeze(value);
  return true;
}
