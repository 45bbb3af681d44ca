/**
 * Adds to a number that is stored as JSON text.
 * @module
 */

/** The sum as a number; null when the text is not a JSON number. */
export function addToJsonNumber(text: string, by: number): number | null {
  return JSON_NUMBER.test(text) ? Number(text) + by : null;
}

/** Matches a JSON number, which Postgres reads in the same way. */
export const JSON_NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
