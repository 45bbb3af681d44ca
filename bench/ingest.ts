/**
 * How many events per second are acknowledged when each acknowledgement waits for the disk: over HTTP and by the log
 * alone, next to what bare SQLite and a bare Deno.serve do on this machine in the same run.
 * `deno task bench ingest [--seconds 3] [--rounds 5]`
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { LogRecord } from "../host/log/event_log.ts";
import { openSqliteEventLog } from "../host/log/sqlite_event_log.ts";
import { startHostProcess } from "./kit/host_process.ts";
import { measureHttp } from "./kit/http_load.ts";
import { median, percentile, printMachine } from "./kit/report.ts";
import { startBare } from "./kit/start_bare.ts";
import { workloadEvent } from "./workload.ts";

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { seconds: { type: "string", default: "3" }, rounds: { type: "string", default: "5" } },
});
const seconds = Number(flags.seconds);
const rounds = Number(flags.rounds);

const BATCH = 50;
const BATCH_CONNECTIONS = 8;
const SINGLE_CONNECTIONS = 64;
const TOKEN = "phc_ingest";

interface Figures {
  eventsPerSecond: number;
  latencies?: number[];
}

/** One thing to measure; `run` takes about `seconds`. */
interface Contender {
  name: string;
  run(): Promise<Figures>;
}

const encoder = new TextEncoder();
const events = Array.from({ length: 1000 }, (_, index) => workloadEvent(index));
const records: LogRecord[] = events.map((event) => ({
  key: String(event.distinct_id),
  event: encoder.encode(JSON.stringify(event)),
}));

/** Batches as SDKs send them. */
function batchBodies(): Uint8Array[] {
  return Array.from({ length: 16 }, (_, turn) => {
    const batch = events.slice(turn * BATCH, (turn + 1) * BATCH);
    return encoder.encode(JSON.stringify({ api_key: TOKEN, sent_at: new Date().toISOString(), batch }));
  });
}

function singleBodies(): Uint8Array[] {
  return events.slice(0, 256).map((event) => encoder.encode(JSON.stringify({ api_key: TOKEN, ...event })));
}

/**
 * One row per event, one transaction per `perCommit` events, each synced: what SQLite can do with nothing around it.
 */
function bareSqlite(folder: string, perCommit: number): Contender {
  return {
    name: `bare SQLite, ${perCommit} event${perCommit === 1 ? "" : "s"} per transaction`,
    run() {
      using db = new DatabaseSync(`${folder}/bare${perCommit}.db`);
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      db.exec("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, key TEXT, event BLOB)");
      const insert = db.prepare("INSERT INTO events (key, event) VALUES (?, ?)");
      let count = 0;
      const started = performance.now();
      while (performance.now() - started < seconds * 1000) {
        db.exec("BEGIN");
        for (let i = 0; i < perCommit; i++) {
          const { key, event } = records[count++ % records.length]!;
          insert.run(key, event);
        }
        db.exec("COMMIT");
      }
      return Promise.resolve({ eventsPerSecond: count / (performance.now() - started) * 1000 });
    },
  };
}

/** The log as the capture API uses it, without the HTTP. */
function logAlone(folder: string, callers: number, perCall: number): Contender {
  return {
    name: `event log alone, ${perCall} event${perCall === 1 ? "" : "s"} per call, ${callers} callers`,
    async run() {
      await using log = await openSqliteEventLog({ path: `${folder}/log${perCall}.db` });
      let count = 0;
      const started = performance.now();
      await Promise.all(Array.from({ length: callers }, async () => {
        while (performance.now() - started < seconds * 1000) {
          const from = count % (records.length - perCall);
          await log.append("inbox", 1, records.slice(from, from + perCall));
          count += perCall;
        }
      }));
      return { eventsPerSecond: count / (performance.now() - started) * 1000 };
    },
  };
}

function http(name: string, url: string, bodies: Uint8Array[], connections: number, perRequest: number): Contender {
  return {
    name: `${name}, ${perRequest} event${perRequest === 1 ? "" : "s"} per request, ${connections} connections`,
    async run() {
      const figures = await measureHttp({ url: new URL(url), bodies, connections, seconds });
      return { eventsPerSecond: figures.requestsPerSecond * perRequest, latencies: figures.latencies };
    },
  };
}

printMachine();
const folder = await Deno.makeTempDir({ prefix: "hogpen_ingest_" });
try {
  await using bare = await startBare("bare_server.ts");
  const config = { projects: [{ id: 1, name: "Ingest", token: TOKEN, plugins: [], destinations: [] }] };
  await using host = await startHostProcess({ folder, config });
  const contenders = [
    bareSqlite(folder, BATCH),
    logAlone(folder, BATCH_CONNECTIONS, BATCH),
    http("bare Deno.serve", bare.url, batchBodies(), BATCH_CONNECTIONS, BATCH),
    http("Hogpen", `${host.url}/batch`, batchBodies(), BATCH_CONNECTIONS, BATCH),
    bareSqlite(folder, 1),
    bareSqlite(folder, SINGLE_CONNECTIONS),
    logAlone(folder, SINGLE_CONNECTIONS, 1),
    http("bare Deno.serve", bare.url, singleBodies(), SINGLE_CONNECTIONS, 1),
    http("Hogpen", `${host.url}/e`, singleBodies(), SINGLE_CONNECTIONS, 1),
  ];
  const figures = contenders.map(() => [] as Figures[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) figures[i]!.push(await contender.run());
  }
  console.log(`events of ${records[0]!.event.length} bytes; medians of ${rounds} × ${seconds} s, interleaved`);
  for (const [i, { name }] of contenders.entries()) {
    const rate = median(figures[i]!.map(({ eventsPerSecond }) => eventsPerSecond));
    const latencies = figures[i]!.flatMap(({ latencies }) => latencies ?? []);
    const latency = latencies.length === 0
      ? ""
      : `  p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`;
    console.log(`${name.padEnd(62)} ${Math.round(rate).toLocaleString("en").padStart(9)} events/s${latency}`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
