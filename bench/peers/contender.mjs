/**
 * What every peer is wrapped in: reads the workload ({sources, events}) from the file named on the command line, then for each
 * line `<milliseconds>` on stdin runs batches for that long and prints `<events> <milliseconds>`.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Events handed over at once by those who take batches, and in flight by those who do not. */
export const BATCH = 100;

/** `start(sources)` returns a function that passes an array of events through the whole chain and resolves to what came out. */
export async function contend(start) {
  const { sources, events } = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const texts = [];
  for (let at = 0; at < events.length; at += BATCH) texts.push(JSON.stringify(events.slice(at, at + BATCH)));
  const process_ = await start(sources);
  let next = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const end = performance.now() + Number(line);
    const begin = performance.now();
    let count = 0;
    while (performance.now() < end) {
      const out = await process_(JSON.parse(texts[next++ % texts.length]));
      if (JSON.stringify(out).length < 100) throw new Error("The chain lost its events");
      count += out.length;
    }
    console.log(`${count} ${performance.now() - begin}`);
  }
}
