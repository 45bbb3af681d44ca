/** piscina, Node's usual pool of worker threads: the chain in one task per batch, without any sandbox. */
import { Piscina } from "piscina";
import { contend } from "./contender.mjs";

await contend((sources) => {
  const pool = new Piscina({
    filename: new URL("./piscina_worker.mjs", import.meta.url).href,
    maxThreads: 2,
    workerData: sources,
  });
  // Two batches at once, so that both threads have work.
  return async (events) => {
    const half = events.length >> 1;
    const parts = await Promise.all([pool.run(events.slice(0, half)), pool.run(events.slice(half))]);
    return parts.flat();
  };
});
