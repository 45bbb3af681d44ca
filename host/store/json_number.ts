/**
 * Adding to a number that is kept as JSON text.
 * @module
 */

/** The sum; null when the text is not a JSON number. */
export function addToJsonNumber(text: string, by: number): number | null {
  return JSON_NUMBER.test(text) ? Number(text) + by : null;
}

/** A JSON number; means the same to Postgres. */
export const JSON_NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
