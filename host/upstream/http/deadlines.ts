/**
 * The deadlines of many requests, checked by a single timer. One timer per request cost as much as reading an answer.
 * @module
 */

/** How late a missed deadline may be noticed, in milliseconds. */
const LOOK_EVERY_MS = 50;

export interface Deadline {
  /** The deadline was met: stop watching it. */
  met(): void;
  /** There was progress: start the time over. */
  renew(): void;
}

interface Entry {
  at: number;
  onMissed(): void;
}

const entries = new Set<Entry>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `onMissed` soon after `ms` milliseconds have passed without the deadline being met or renewed. */
export function deadline(ms: number, onMissed: () => void): Deadline {
  const entry = { at: performance.now() + ms, onMissed };
  entries.add(entry);
  timer ??= setInterval(look, LOOK_EVERY_MS);
  return {
    met: () => void entries.delete(entry),
    renew: () => entry.at = performance.now() + ms,
  };
}

function look(): void {
  const now = performance.now();
  for (const entry of entries) {
    if (entry.at > now) continue;
    entries.delete(entry);
    entry.onMissed();
  }
  if (entries.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
