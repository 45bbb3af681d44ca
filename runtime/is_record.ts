/**
 * Telling JSON objects from the other JSON values.
 * @module
 */

/** True for what `{…}` in JSON becomes: not null, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
