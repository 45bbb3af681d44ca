/**
 * A distinct_id is always text of a bounded length.
 * @module
 */

/** Only this many characters of a distinct_id are kept. */
const MAX_LENGTH = 200;

/** The first 200 characters. Whole characters are counted rather than UTF-16 units, so that none is cut in half. */
export function cutDistinctId(id: string): string {
  return id.length <= MAX_LENGTH ? id : Array.from(id.slice(0, MAX_LENGTH * 2)).slice(0, MAX_LENGTH).join("");
}
