/**
 * Decides whether an event that was alone in its cell is what ended the cell.
 * @module
 */

import type { CellEnd } from "../process/cell_end.ts";

/** An event that took this share of the limit by itself would take it again: half of what V8 lets the heap grow to. */
const BOMB_SHARE = 0.375;

/**
 * A hang is blamed on what was running: seeing it a second time would cost another deadline. Running out of memory is
 * blamed on the event if it took most of the memory, or if the cell had done nothing before it. For any other end the
 * event must have been there before, because a process can also be killed from outside.
 */
export function isBlamed(end: CellEnd, earlierDeaths: number, fresh: boolean, memoryBytes: number): boolean {
  switch (end.kind) {
    case "hang":
      return true;
    case "memory":
      return fresh || end.grownBytes > memoryBytes * BOMB_SHARE;
    case "start":
    case "stopped":
      return false;
    default:
      return earlierDeaths > 0;
  }
}
