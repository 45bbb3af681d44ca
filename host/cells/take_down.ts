/**
 * The end of a cell that is no longer needed: teardownPlugin of each plugin that was set up, within a bounded time,
 * then the process.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import type { Clock } from "../clock.ts";
import type { Cell } from "./process/cell.ts";
import { CellEndedError, inSeconds } from "./process/cell_end.ts";
import type { PluginMember } from "./plugin_member.ts";

/** Whatever the deadline of a call: a stop must not wait longer for a plugin. */
const LONGEST_TEARDOWN_MS = 5_000;

/** `members` in the order of the LoadRequest. A cell that has ended already has nothing to tear down. */
export async function takeDown(cell: Cell, members: PluginMember[], deadlineMs: number, clock: Clock): Promise<void> {
  await Promise.all(members.map(async (member, index) => {
    if (!member.isSetUp) return;
    if (cell.end !== undefined) {
      member.isSetUp = false;
      return;
    }
    try {
      member.unloaded(await tearDown(cell, index, member, Math.min(deadlineMs, LONGEST_TEARDOWN_MS), clock));
    } catch (error) {
      if (!(error instanceof CellEndedError)) throw error;
      member.isSetUp = false;
    }
  }));
  await cell[Symbol.asyncDispose]();
}

async function tearDown(
  cell: Cell,
  index: number,
  member: PluginMember,
  timeoutMs: number,
  clock: Clock,
): Promise<ErrorRecord | null> {
  if (!member.capabilities?.methods.includes("teardownPlugin")) return null;
  const over = new AbortController();
  const request = { plugin: index, type: "method", name: "teardownPlugin" } as const;
  const answer = await Promise.race([
    cell.call(request, "other"),
    clock.sleep(timeoutMs, over.signal).then(() => null),
  ]).finally(() => over.abort());
  if (answer?.ok) return null;
  const message = `teardownPlugin did not return for ${inSeconds(timeoutMs)}`;
  return answer?.error ?? { name: "TimeoutError", message, retry: false };
}
