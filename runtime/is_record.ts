/**
 * Distinguishes JSON objects from other JSON values.
 * @module
 */

/** True for a value that is written `{…}` in JSON, so neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
