/**
 * What every peer is wrapped in: reads the workload ({sources, events}) from the file named on the command line, then
 * for each line `<milliseconds>` on stdin runs batches for that long and prints `<events> <milliseconds>`.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/**
 * `start(sources)` returns a function that passes an array of events through the whole chain and resolves to what came
 * out. It gets arrays of `batch` events, `inFlight` at a time: more than one for those who have work for both cores.
 */
export async function contend(start, { batch = 100, inFlight = 1 } = {}) {
  const { sources, events } = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const texts = [];
  for (let at = 0; at < events.length; at += batch) texts.push(JSON.stringify(events.slice(at, at + batch)));
  const passThrough = await start(sources);
  let next = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const begin = performance.now();
    const end = begin + Number(line);
    let count = 0;
    const runBatches = async () => {
      while (performance.now() < end) {
        const out = await passThrough(JSON.parse(texts[next++ % texts.length]));
        if (JSON.stringify(out).length < 100) throw new Error("The chain lost its events");
        count += out.length;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, runBatches));
    console.log(`${count} ${performance.now() - begin}`);
  }
  // Not by itself: there may be timers that nobody clears.
  process.exit();
}
