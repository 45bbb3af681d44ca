/**
 * `visible_if` and `required_if` of a field: lists of `[key, value]`, all of which the other fields must have. Without a value,
 * the other field must not be empty.
 * @module
 */

/** `otherwise` is for a field without a condition, or with one of another form. */
export function applies(condition: unknown, values: Record<string, unknown>, otherwise: boolean): boolean {
  if (!Array.isArray(condition) || condition.length === 0) return otherwise;
  return condition.every((pair) => {
    if (!Array.isArray(pair)) return otherwise;
    const [key, value] = pair;
    const found = values[String(key)];
    return value === undefined ? Boolean(found) : found === value;
  });
}
