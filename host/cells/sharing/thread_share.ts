/**
 * Notices a plugin that keeps the thread of a shared cell from its neighbours, though each of its calls ends in time.
 * @module
 */

/** Milliseconds that one plugin may keep the thread at once, and in each millisecond in the long run. */
const BURST_MS = 2_000;
const SHARE = 0.5;

export interface ThreadShare {
  /** Takes what a plugin used. True when it has used more than it may. */
  isOverused(pluginConfigId: number, ms: number): boolean;
}

export function createThreadShare(now: () => number): ThreadShare {
  const seen = new Map<number, { left: number; at: number }>();
  return {
    isOverused(pluginConfigId, ms) {
      const at = now();
      const before = seen.get(pluginConfigId) ?? { left: BURST_MS, at };
      const left = Math.min(BURST_MS, before.left + (at - before.at) * SHARE) - ms;
      seen.set(pluginConfigId, { left, at });
      return left < 0;
    },
  };
}
