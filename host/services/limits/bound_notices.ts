/**
 * Reports in a plugin's log that a limit applies: once when it begins, then at most once a minute with the number of
 * refusals, and never once per refusal.
 * @module
 */

export interface BoundNotices {
  /** `bound` names the limit and `message` says what it did; the first message of each minute is shown. */
  acted(bound: string, message: string): void;
}

const EVERY_MS = 60_000;

export function createBoundNotices(now: () => number, write: (message: string) => void): BoundNotices {
  const bounds = new Map<string, { shownAt: number; since: number }>();
  return {
    acted(bound, message) {
      const seen = bounds.get(bound);
      const time = now();
      if (seen && time - seen.shownAt < EVERY_MS) {
        seen.since++;
        return;
      }
      const more = seen?.since ? ` (and ${seen.since} times more since this was last said)` : "";
      bounds.set(bound, { shownAt: time, since: 0 });
      write(message + more);
    },
  };
}
