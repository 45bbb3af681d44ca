/**
 * Cursors of the SQLite log: the number of the last record read, as text.
 * @module
 */

import { type Cursor, CursorError } from "./event_log.ts";

/** The number in a cursor; 0 before the first record. */
export function parseCursor(cursor: Cursor): number {
  if (cursor === "") return 0;
  if (!/^\d{1,15}$/.test(cursor)) throw new CursorError(cursor);
  return Number(cursor);
}

/** The cursor after record `number`. */
export function formatCursor(number: number): Cursor {
  return number === 0 ? "" : String(number);
}
