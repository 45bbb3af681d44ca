/**
 * Deadlines of many requests, which one timer looks after: a timer for each cost as much as reading an answer.
 * @module
 */

/** How late a deadline may be noticed. */
const LOOK_EVERY_MS = 50;

export interface Deadline {
  /** It is met: nothing happens any more. */
  met(): void;
  /** Something happened: the time begins anew. */
  renew(): void;
}

interface Entry {
  at: number;
  onMissed(): void;
}

const entries = new Set<Entry>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `onMissed` when the deadline is not met within so many milliseconds, or a moment later. */
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
