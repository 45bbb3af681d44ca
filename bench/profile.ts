/**
 * Where the time of an event goes: each step of its way alone, in microseconds of this thread for each event, in
 * batches of 50. What the threads of the databases do beside it is not in it.
 * @module
 */

import { createSdkRoutes } from "../host/capture/sdk/sdk_routes.ts";
import type { LogRecord, StoredRecord } from "../host/log/event_log.ts";
import { openSqliteEventLog } from "../host/log/sqlite_event_log.ts";
import { createSink } from "../host/destinations/create_sink.ts";
import { encodeEvents } from "../host/router/encode_events.ts";
import { finishBatch } from "../host/router/finish_batch.ts";
import { decodeBatch, encodeBatchFrame, FrameReader } from "../runtime/frames.ts";
import { FrameKind, Outcome } from "../runtime/protocol.ts";
import { median, printMachine } from "./kit/report.ts";
import { pluginSources, workloadEvent } from "./workload.ts";

const BATCH = 50;
const ROUNDS = 7;
const ROUND_MS = 400;
const TEAM = 1;

const folder = await Deno.makeTempDir({ prefix: "hogpen_bench_" });
const events = Array.from({ length: BATCH }, (_, index) => workloadEvent(index));
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const records: LogRecord[] = events.map((event) => ({
  key: String(event.distinct_id),
  event: encoder.encode(JSON.stringify(event)),
}));
const stored: StoredRecord[] = records.map((record, index) => ({
  ...record,
  cursor: String(index + 1),
  at: Date.now(),
}));
const texts = records.map(({ event }) => decoder.decode(event));
const parsed = texts.map((text) => JSON.parse(text));
const encoded = encodeEvents(records);
const header = { fn: "processEvent", chain: [0], lengths: encoded.lengths };
const frame = encodeBatchFrame(FrameKind.Batch, 1, header, encoded.body);
const processEvent = evaluate(pluginSources(1)[0] as string);

printMachine();
await using log = await openSqliteEventLog({ path: `${folder}/events.db` });
await log.register("inbox", TEAM, "bench", "earliest");
const project = {
  id: TEAM,
  name: "bench",
  token: "phc_bench",
  anonymizeIps: false,
  isolation: "each" as const,
  plugins: [],
  destinations: [],
};
const app = createSdkRoutes({
  projects: { byToken: () => project, byId: () => project, isPersonalKey: () => false },
  log: { append: () => Promise.resolve() },
  now: Date.now,
  trustProxy: () => false,
  clientIpHeader: null,
});
const body = JSON.stringify({ api_key: "phc_bench", batch: events });
const { sink } = createSink(
  { id: "file", type: "ndjson", enabled: true, filter: {}, options: { path: `${folder}/out.ndjson` } },
  { project },
);
const plugin = { pluginConfigId: 1, mark: "plugin (1)" };
const routed = {
  survivors: records.map((_, index) => index),
  events: encoded,
  runs: [{ plugin, outcomes: records.map(() => Outcome.ok) }],
};

const rows: [string, number][] = [
  [
    "decode and validate a request",
    await time(async () =>
      void await app.request("/batch", { method: "POST", body, headers: { "Content-Type": "application/json" } })
    ),
  ],
  ["inbox: append, one sync for the batch", await time(() => log.append("inbox", TEAM, records))],
  ["frame: encode", await time(() => void encodeBatchFrame(FrameKind.Batch, 1, header, encoded.body))],
  [
    "frame: cut and decode",
    await time(() => void new FrameReader(1e9).push(frame).map((each) => decodeBatch(each.subarray(9)))),
  ],
  ["parse", await time(() => texts.forEach((text) => JSON.parse(text)))],
  ["plugin (adds a property)", await time(() => parsed.forEach((event) => processEvent(event, { config: {} })))],
  ["stringify", await time(() => parsed.forEach((event) => encoder.encode(JSON.stringify(event))))],
  [
    "finish: parse, check, normalise, stringify",
    await time(async () => void await finishBatch(stored, routed, { teamId: TEAM, anonymizeIps: false, deferred: [] })),
  ],
  ["outbox: step, one sync for the batch", await time(() => log.step(TEAM, "bench", "", records))],
  [
    "destination: a file, one sync for the batch",
    await time(async () => void await sink.deliver(stored, new AbortController().signal)),
  ],
];
for (const [what, micros] of rows) console.log(`| ${what.padEnd(44)} | ${micros.toFixed(1).padStart(6)} |`);
await sink[Symbol.asyncDispose]();

/** Microseconds an event, the median of several rounds. */
async function time(action: () => void | Promise<void>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    let batches = 0;
    const begin = performance.now();
    while (performance.now() - begin < ROUND_MS) {
      await action();
      batches++;
    }
    if (round > 0) rounds.push((performance.now() - begin) / batches / BATCH * 1000);
  }
  return median(rounds);
}

function evaluate(source: string): (event: unknown, meta: unknown) => unknown {
  const module = { exports: {} as { processEvent(event: unknown, meta: unknown): unknown } };
  new Function("module", "exports", source)(module, module.exports);
  return module.exports.processEvent;
}
