/**
 * distinct_id: always text, and of a bounded length.
 * @module
 */

/** Characters of a distinct_id that are kept. */
const MAX_LENGTH = 200;

/** The first 200 characters. Characters are counted, not UTF-16 units, so that none is cut in half. */
export function cutDistinctId(id: string): string {
  return id.length <= MAX_LENGTH ? id : Array.from(id.slice(0, MAX_LENGTH * 2)).slice(0, MAX_LENGTH).join("");
}
