/**
 * `visible_if` and `required_if` of a field: lists of `[key, value]` that the other fields must all match. Without a
 * value, the other field must not be empty.
 * @module
 */

/** `otherwise` is the result for a field without a condition, or with one of an unknown form. */
export function applies(condition: unknown, values: Record<string, unknown>, otherwise: boolean): boolean {
  if (!Array.isArray(condition) || condition.length === 0) return otherwise;
  return condition.every((pair) => {
    if (!Array.isArray(pair)) return otherwise;
    const [key, value] = pair;
    const found = values[String(key)];
    return value === undefined ? Boolean(found) : found === value;
  });
}
