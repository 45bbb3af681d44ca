/**
 * vm2 as PostHog's plugin server called it: a pool of worker threads, one for each core, that takes a task for each
 * event, ten at a time to a thread; in each thread a VM per plugin (`posthog_worker.mjs`).
 */
import { Piscina } from "piscina";
import { contend } from "./contender.mjs";

const THREADS = 2;
const TASKS_PER_WORKER = 10;

await contend((sources) => {
  const pool = new Piscina({
    filename: new URL("./posthog_worker.mjs", import.meta.url).href,
    minThreads: THREADS,
    maxThreads: THREADS,
    concurrentTasksPerWorker: TASKS_PER_WORKER,
    workerData: sources,
  });
  return async (events) => {
    const out = await Promise.all(events.map((event) => pool.run({ event })));
    return out.filter((event) => event !== null);
  };
}, { inFlight: 2 });
