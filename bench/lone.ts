/**
 * A lone event's way through five plugins, from the client's POST until it stands in the outbox and until it is at a
 * destination, beside the bare fsync of the same disk: two commits, of the inbox and of the outbox, lie on the way.
 * @module
 */

import { DatabaseSync } from "node:sqlite";
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
  const way = { taken: [] as number[], stored: [] as number[], delivered: [] as number[] };
  using outbox = watchOutbox(join(service.folder, "data", "events.db"));
  for (let index = 0; index < WARM_UP + EVENTS; index++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const event = sentinel();
    const before = outbox.last();
    const sent = performance.now();
    const delivered = receiver.seen(event.uuid);
    await post(service.url, [event]);
    const taken = performance.now();
    const stored = await outbox.grown(before);
    if (index < WARM_UP) continue;
    way.taken.push(taken - sent);
    way.stored.push(stored - sent);
    way.delivered.push(await delivered - sent);
  }
  print(`bare fsync of ${WRITE_BYTES} bytes`, await bareSyncs(join(service.folder, "fsync")));
  print(`${isolation}: POST answered`, way.taken);
  print(`${isolation}: in the outbox`, way.stored);
  print(`${isolation}: at the destination`, way.delivered);
  const [p50, p99] = [median(way.stored), percentile(way.stored, 0.99)];
  printGoals([
    { what: `${isolation}: in the outbox p50 ≤ 5 ms: ${ms(p50)}`, met: p50 <= 5 },
    { what: `${isolation}: in the outbox p99 ≤ 15 ms: ${ms(p99)}`, met: p99 <= 15 },
  ]);
}

/** Sees the outbox grow through a connection of its own to the log's database, which it looks at every millisecond. */
function watchOutbox(path: string) {
  const db = new DatabaseSync(path, { readOnly: true });
  const query = db.prepare("SELECT last FROM parts WHERE topic = 'outbox' AND project = 1");
  const last = () => Number(query.get()?.last ?? 0);
  return {
    last,
    /** Resolves with the time at which it was seen to hold more. */
    async grown(before: number): Promise<number> {
      while (last() <= before) await new Promise((resolve) => setTimeout(resolve, 1));
      return performance.now();
    },
    [Symbol.dispose]: () => db.close(),
  };
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
