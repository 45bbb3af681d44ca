/**
 * A lone event's way through five plugins, from the client's POST until it stands in the outbox and is at a
 * destination, beside the bare fsync of the same disk: two commits, of the inbox and of the outbox, lie on the way.
 * @module
 */

import { join } from "node:path";
import { startTestService } from "../tests/kit/service.ts";
import { median, percentile, printGoals, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { loadedProject, post, sentinel } from "./kit/service_load.ts";

const EVENTS = 200;
const WARM_UP = 50;
const PAUSE_MS = 20;
/** Bytes of a write before each fsync: an event with the pages that its commit changes. */
const WRITE_BYTES = 8192;

printMachine();
await using receiver = receiveSentinels();
for (const isolation of ["each", "shared"] as const) {
  await using service = await startTestService({
    config: { projects: [{ ...loadedProject(receiver), isolation }] },
  });
  const taken: number[] = [];
  const delivered: number[] = [];
  for (let index = 0; index < WARM_UP + EVENTS; index++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const event = sentinel();
    const sent = performance.now();
    const [seen] = await Promise.all([
      receiver.seen(event.uuid),
      post(service.url, [event]).then(() => index < WARM_UP || taken.push(performance.now() - sent)),
    ]);
    if (index >= WARM_UP) delivered.push(seen - sent);
  }
  const syncs = await bareSyncs(join(service.folder, "fsync"));
  print(`bare fsync of ${WRITE_BYTES} bytes`, syncs);
  print(`${isolation}: POST answered`, taken);
  print(`${isolation}: at the destination`, delivered);
  // What comes out at the destination has been in the outbox before: the goals hold for a longer way than they name.
  printGoals([
    { what: `${isolation}: p50 ≤ 5 ms: ${ms(median(delivered))}`, met: median(delivered) <= 5 },
    { what: `${isolation}: p99 ≤ 15 ms: ${ms(percentile(delivered, 0.99))}`, met: percentile(delivered, 0.99) <= 15 },
  ]);
}

/** Milliseconds of each. */
async function bareSyncs(path: string): Promise<number[]> {
  using file = await Deno.open(path, { create: true, write: true });
  const bytes = new Uint8Array(WRITE_BYTES).fill(1);
  const times: number[] = [];
  for (let index = 0; index < EVENTS; index++) {
    const start = performance.now();
    await file.write(bytes);
    await file.syncData();
    times.push(performance.now() - start);
  }
  return times;
}

function print(what: string, times: number[]): void {
  console.log(`${what.padEnd(28)} p50 ${ms(median(times))}, p99 ${ms(percentile(times, 0.99))}`);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
