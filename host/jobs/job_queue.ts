/**
 * Enqueues jobs in the store, and wakes the runner so that it does not have to poll.
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Jobs } from "../store/store.ts";

/** The number and size of a plugin's jobs are bounded in `host/services/jobs.ts`, where the plugin asks for them. */
export type JobQueue = Pick<Jobs, "enqueue" | "outstanding">;

/** The longest unit that PostHog knows is a year. */
const LONGEST_DELAY_DAYS = 5 * 366;
const DAY_MS = 24 * 3_600_000;

export function createJobQueue(jobs: JobQueue, { clock, wake }: { clock: Clock; wake(): void }): JobQueue {
  return {
    async enqueue(job) {
      if (!(job.runAt <= clock.now() + LONGEST_DELAY_DAYS * DAY_MS)) {
        throw new RangeError(
          `Cannot enqueue the job ${job.type}: expected a time within ${LONGEST_DELAY_DAYS} days, found ${job.runAt}`,
        );
      }
      const stored = await jobs.enqueue(job);
      wake();
      return stored;
    },
    outstanding: (pluginConfigId) => jobs.outstanding(pluginConfigId),
  };
}
