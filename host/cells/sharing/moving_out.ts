/**
 * How a plugin that misbehaves leaves a cell that the service had it share: its log says why, and the service is asked
 * for a cell of its own. Nothing happens in a cell of one plugin, or in one that the operator named.
 * @module
 */

import type { PluginMember } from "../plugin_member.ts";
import { createThreadShare } from "./thread_share.ts";

export interface MovingOutOptions {
  members: readonly PluginMember[];
  instanceId: string;
  now(): number;
  /** Aborts when the plugins are to stop: then nobody is moved any more. */
  stopping: AbortSignal;
  /** Told of those that are to have cells of their own, and why. Absent where nobody is moved. */
  onMisbehaviour: ((pluginConfigIds: readonly number[], reason: string) => void) | undefined;
}

export interface MovingOut {
  /** Asks for cells of their own, once for each. */
  move(pluginConfigIds: readonly number[], reason: string): void;
  /** Moves all: it cannot be told who it was. */
  moveAll(reason: string): void;
  /** Takes how long a plugin kept the thread, in milliseconds, and moves one that has kept it for too long. */
  noteThread(pluginConfigId: number, ms: number): void;
}

export function createMovingOut(options: MovingOutOptions): MovingOut {
  const { members, instanceId, stopping, onMisbehaviour } = options;
  const threadShare = createThreadShare(options.now);
  const moved = new Set<number>();

  function move(pluginConfigIds: readonly number[], reason: string): void {
    if (onMisbehaviour === undefined || stopping.aborted) return;
    const leaving = members.filter(({ id }) => pluginConfigIds.includes(id) && !moved.has(id));
    if (leaving.length === 0) return;
    const words = leaving.reduce((text, member) => member.hide(text), reason);
    for (const member of leaving) {
      moved.add(member.id);
      member.say("WARN", `Moved to a process of its own for a day: ${words} (instance ID ${instanceId}).`);
    }
    onMisbehaviour(leaving.map(({ id }) => id), words);
  }

  return {
    move,
    moveAll: (reason) => move(members.map(({ id }) => id), `one of its neighbours or itself: ${reason}`),
    noteThread(pluginConfigId, ms) {
      if (!threadShare.isOverused(pluginConfigId, ms)) return;
      move([pluginConfigId], "it kept the processor from its neighbours more than half of the time");
    },
  };
}
