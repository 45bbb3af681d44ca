/**
 * Whether an event that was alone in its cell is what ended it.
 * @module
 */

import type { CellEnd } from "../process/cell_end.ts";

/** An event that took this share of the limit by itself would take it again: half of what V8 lets the heap grow to. */
const BOMB_SHARE = 0.375;

/**
 * A hang is the fault of what was running, and to see it twice would cost another deadline. Memory is its fault if it took most of it, or if there was
 * nothing before it. For any other end it must have been there before: a process can be killed from outside.
 *
 * `earlierDeaths`: how many cells ended with this event in flight before. `fresh`: the cell had done nothing else.
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
