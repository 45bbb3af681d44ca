/** piscina, Node's usual pool of worker threads: the chain in one task per batch, without any sandbox. */
import { Piscina } from "piscina";
import { contend } from "./contender.mjs";

await contend((sources) => {
  const pool = new Piscina({
    filename: new URL("./piscina_worker.mjs", import.meta.url).href,
    minThreads: 2,
    maxThreads: 2,
    workerData: sources,
  });
  return (events) => pool.run(events);
}, { inFlight: 3 });
