/**
 * Takes a plugin from a started cell to the point where it takes events: its code is evaluated, then setupPlugin
 * succeeds, is tried again after a RetryError or a time-out, or fails for good.
 * @module
 */

import type { ErrorRecord } from "../../runtime/errors.ts";
import { maxAttempts, retryDelayMs, SETUP_PLUGIN_RETRIES } from "../../runtime/retry.ts";
import type { Clock } from "../clock.ts";
import type { Cell } from "./process/cell.ts";
import { type CellEnd, CellEndedError } from "./process/cell_end.ts";
import type { PluginMember } from "./plugin_member.ts";
import { PluginState } from "./plugin_runtime.ts";

export interface BringUpOptions {
  deadlineMs: number;
  clock: Clock;
  /** Aborted when the plugins are to be stopped. */
  signal: AbortSignal;
}

/**
 * Loads and sets up; afterwards each member has succeeded, is disabled or `waitsForSetup`, unless the signal is
 * aborted. Rejects with CellEndedError when the cell ended and no member can be blamed for it.
 */
export async function bringUp(cell: Cell, members: PluginMember[], options: BringUpOptions): Promise<void> {
  await load(cell, members, options.deadlineMs);
  // One after the other, so that it is known which one ended the cell.
  for (const [index, member] of members.entries()) {
    if (cell.end !== undefined) throw new CellEndedError(cell.end, false);
    if (!member.disabled && !options.signal.aborted) await setUp(cell, index, member, options);
  }
}

async function load(cell: Cell, members: PluginMember[], deadlineMs: number): Promise<void> {
  const egressAllow = [...new Set(members.flatMap((member) => member.config.egress.allow))];
  try {
    const { plugins } = await cell.load({ plugins: members.map((member) => member.spec()), deadlineMs, egressAllow });
    for (const [index, member] of members.entries()) {
      const result = plugins[index];
      if (result === undefined) continue;
      if ("error" in result) member.failLoad(result.error);
      else member.loaded(result.capabilities);
    }
  } catch (error) {
    const [member] = members;
    if (!(error instanceof CellEndedError) || member === undefined || members.length > 1) throw error;
    if (!isOwnFault(error.end)) throw error;
    member.failLoad(endAsError(error.end));
  }
}

/** Resolves when setup has succeeded, has failed for good, or has waited past its deadline for the first time. */
async function setUp(cell: Cell, index: number, member: PluginMember, options: BringUpOptions): Promise<void> {
  member.waitsForSetup = false;
  if (!member.capabilities?.methods.includes("setupPlugin")) return member.setUp();
  await trySetups(cell, index, member, options);
}

/**
 * Continues where bringUp left a member whose setup had waited past its deadline, while the cell already works for
 * others.
 */
export async function setUpLate(
  cell: Cell,
  index: number,
  member: PluginMember,
  options: BringUpOptions,
): Promise<void> {
  try {
    await waitWhileAlive(cell, options.clock, retryDelayMs(SETUP_PLUGIN_RETRIES, 1) ?? 0, options.signal);
    await trySetups(cell, index, member, options, 2);
    if (member.disabled || options.signal.aborted) return;
    member.waitsForSetup = false;
    member.enter(PluginState.Running);
  } catch (error) {
    if (!(error instanceof CellEndedError)) throw error;
  }
}

async function trySetups(
  cell: Cell,
  index: number,
  member: PluginMember,
  { clock, signal }: BringUpOptions,
  first = 1,
): Promise<void> {
  const attempts = maxAttempts(SETUP_PLUGIN_RETRIES);
  for (let attempt = first; !signal.aborted; attempt++) {
    member.enter(PluginState.SettingUp);
    const error = await trySetup(cell, index);
    if (error === null) return member.setUp();
    // A setup that still waits at its deadline waits for something outside that may be unavailable just now: PostHog
    // retried its time-outs. A loop is the plugin's own fault, and has ended the cell.
    const isWaiting = error.name === "TimeoutError" && cell.end === undefined;
    if (!error.retry && !isWaiting) return member.failSetup(error);
    const waitMs = retryDelayMs(SETUP_PLUGIN_RETRIES, attempt);
    if (waitMs === null) return member.failSetup(error, `${attempt}/${attempts}`);
    member.retrySetup(error, `${attempt}/${attempts}`, waitMs);
    if (isWaiting && attempt === 1) {
      // Waiting for the deadline at each attempt would hold up every event for minutes, so events pass the plugin by
      // until it is set up.
      member.waitsForSetup = true;
      return;
    }
    await waitWhileAlive(cell, clock, waitMs, signal);
  }
}

/** Null when it succeeded. */
async function trySetup(cell: Cell, index: number): Promise<ErrorRecord | null> {
  try {
    const answer = await cell.call({ plugin: index, type: "method", name: "setupPlugin" }, "other");
    return answer.ok ? null : answer.error;
  } catch (error) {
    if (error instanceof CellEndedError && isOwnFault(error.end)) return endAsError(error.end);
    throw error;
  }
}

/** Rejects with CellEndedError when the cell ends meanwhile. */
async function waitWhileAlive(cell: Cell, clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const sleeping = clock.sleep(waitMs, AbortSignal.any([signal, over.signal]));
  const end = await Promise.race([cell.ending, sleeping.then(() => null)]);
  over.abort();
  if (end !== null) throw new CellEndedError(end, false);
}

/** A process can also be killed from outside, or fail to start. */
function isOwnFault(end: CellEnd): boolean {
  return end.kind === "hang" || end.kind === "memory" || end.kind === "protocol";
}

function endAsError(end: CellEnd): ErrorRecord {
  return { name: end.kind === "hang" ? "TimeoutError" : "Error", message: end.words, retry: false };
}
