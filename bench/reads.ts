/**
 * How long each read of the API takes and how much it answers, with 200 plugin configs, a million events and a million
 * log lines behind it.
 * @module
 */

import { openSqliteEventLog } from "../host/log/sqlite_event_log.ts";
import type { Point } from "../host/store/observed.ts";
import type { Store } from "../host/store/store.ts";
import { openSqliteStore } from "../host/store/sqlite_store.ts";
import { startHostProcess } from "./kit/host_process.ts";
import { percentile, printGoals, printMachine } from "./kit/report.ts";
import { workloadEvent } from "./workload.ts";

const PLUGINS = 200;
const PLUGINS_A_PROJECT = 4;
const PROJECTS = PLUGINS / PLUGINS_A_PROJECT;
const EVENTS = 1_000_000;
const LOG_LINES = 1_000_000;
const CHUNK = 5_000;
/** As many events as the router takes at a time. */
const BLOCK = 250;
const ROUNDS = 60;
const MOST_MS = 50;
const MOST_BYTES = 100 * 1024;
/** Events that go through all plugins before, so that there are counters to be read. */
const LIVE_EVENTS = 2_000;

interface Documented {
  paths: Record<string, Record<string, { parameters: { name: string; in: string; required: boolean }[] }>>;
}

interface List<T> {
  results: T[];
  next: string | null;
}

printMachine();
const folder = await Deno.makeTempDir({ prefix: "hogpen_reads_" });
await Deno.mkdir(`${folder}/data`);
await fillLog();
await fillStore();
const host = await startHostProcess({ folder, config: { projects: projects() } });
await untilReady();
await sendEvents();

const document = await host.api("/_hogpen/api/openapi.json") as Documented;
const rows: { path: string; ms: number; bytes: number }[] = [];
for (const [path, methods] of Object.entries(document.paths)) {
  const target = methods.get && await targetOf(path, methods.get.parameters);
  if (target) rows.push(await measure(path, target));
}
// What the page of all apps asks for, again and again.
const sparks = "/_hogpen/api/metrics/series?subject=plugin:*&field=in&points=40";
rows.push(await measure("sparklines of all apps", sparks));
rows.sort((one, other) => other.ms - one.ms);
for (const { path, ms, bytes } of rows) {
  console.log(`${ms.toFixed(1).padStart(7)} ms  ${(bytes / 1024).toFixed(0).padStart(5)} KB  ${path}`);
}
await host.stop();
await Deno.remove(folder, { recursive: true });
const slow = rows.filter(({ ms }) => ms >= MOST_MS);
const large = rows.filter(({ bytes }) => bytes > MOST_BYTES);
const named = (list: typeof rows) => list.map(({ path }) => path).join(", ");
printGoals([
  { what: `95 % of each of ${rows.length} reads within ${MOST_MS} ms ${named(slow)}`, met: slow.length === 0 },
  { what: `no answer is larger than 100 KB ${named(large)}`, met: large.length === 0 },
]);
Deno.exit();

function projects(): unknown[] {
  return Array.from({ length: PROJECTS }, (_, p) => ({
    id: p + 1,
    token: `phc_${p + 1}`,
    plugins: Array.from({ length: PLUGINS_A_PROJECT }, (_, index) => ({
      id: p * PLUGINS_A_PROJECT + index + 1,
      cell: `cell_${p + 1}`,
      source: {
        name: `Plugin ${index + 1}`,
        inline:
          `exports.processEvent = (event) => { event.properties.p${index} = true; return event }; exports.onEvent = () => {};
          exports.runEveryHour = () => {}`,
      },
      config: { region: "eu", interval: "10", filter: "a,b,c" },
    })),
  }));
}

async function fillLog(): Promise<void> {
  await using log = await openSqliteEventLog({ path: `${folder}/data/events.db`, synchronous: "off" });
  for (let sent = 0; sent < EVENTS; sent += BLOCK) {
    const project = sent / BLOCK % PROJECTS + 1;
    const records = Array.from({ length: BLOCK }, (_, index) => {
      const event = { ...workloadEvent(sent + index), team_id: project, distinct_id: `user-${index % 500}` };
      return { key: `user-${index % 500}`, event: new TextEncoder().encode(JSON.stringify(event)) };
    });
    await log.append("outbox", project, records);
  }
}

async function fillStore(): Promise<void> {
  await using store = await openSqliteStore({ path: `${folder}/data/store.db`, synchronous: "off" });
  const from = Date.now() - LOG_LINES;
  for (let written = 0; written < LOG_LINES; written += CHUNK) {
    await store.logs.append(Array.from({ length: CHUNK }, (_, index) => {
      const pluginConfigId = (written + index) % PLUGINS + 1;
      return {
        id: crypto.randomUUID(),
        pluginConfigId,
        teamId: Math.ceil(pluginConfigId / PLUGINS_A_PROJECT),
        at: from + written + index,
        source: "CONSOLE" as const,
        type: "LOG" as const,
        message: `Line ${written + index} says that somebody bought something for ${index} crowns`,
        instanceId: "bench",
      };
    }));
  }
  await fillSeries(store);
}

/** What a service that is always busy has counted after an hour. */
async function fillSeries({ series }: Store): Promise<void> {
  const histogram = Object.fromEntries(["le_1", "le_2", "le_5", "le_10", "le_25", "le_50"].map((name) => [name, 40]));
  const calls = { in: 240, out: 230, dropped: 10, calls: 240, ms: 480.25, ...histogram };
  const points: Record<string, Point> = {};
  for (let id = 1; id <= PLUGINS; id++) {
    points[`plugin:${id}`] = { cpu_ms: 312.5, memory_bytes: 81_000_000 };
    points[`plugin:${id}/processEvent`] = calls;
    points[`plugin:${id}/onEvent`] = calls;
    points[`consumer:onEvent:${id}`] = { delivered: 230, lag: 3, bytes: 120_000 };
  }
  for (let id = 1; id <= PROJECTS; id++) points[`project:${id}`] = { received: 240, stored: 240 };
  for (const step of [10, 60] as const) {
    const now = Math.floor(Date.now() / 1000 / step) * step * 1000;
    for (let back = 1; back <= 3600 / step; back++) {
      const at = now - back * step * 1000;
      await series.put("bench", Object.entries(points).map(([subject, point]) => ({ subject, step, at, point })));
    }
  }
}

async function untilReady(): Promise<void> {
  for (let running = 0; running < PLUGINS;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    running = 0;
    for (let next: string | null = ""; next !== null;) {
      const page = await host.api(`/_hogpen/api/plugin_configs?next=${next}`) as List<{ state: string }>;
      running += page.results.filter(({ state }) => state === "running").length;
      next = page.next;
    }
  }
}

async function sendEvents(): Promise<void> {
  for (let sent = 0; sent < LIVE_EVENTS; sent += 50) {
    const batch = Array.from(
      { length: 50 },
      (_, index) => ({ event: "live", distinct_id: `user-${index}`, properties: {} }),
    );
    const body = JSON.stringify({ api_key: `phc_${sent / 50 % PROJECTS + 1}`, batch });
    await (await fetch(`${host.url}/batch`, { method: "POST", body })).body?.cancel();
  }
  // Counters are kept every ten seconds.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
}

/** The path with its parameters, as the page would ask; null for what is no read of a thing that is there. */
async function targetOf(
  path: string,
  parameters: Documented["paths"][string][string]["parameters"],
): Promise<string | null> {
  if (
    path.endsWith("/live") ||
    /\{(fingerprint|key)\}|(dropped|traced)_events\/|dead_letters\/|jobs\/|attachments/.test(path)
  ) return null;
  if (path.endsWith("/revisions")) return null;
  const values: Record<string, string> = { team_id: "7", subject: "plugin:*,consumer:*,project:*" };
  if (path.includes("{cursor}")) {
    const { results: [event] } = await host.api("/_hogpen/api/events?team_id=7") as { results: { cursor: string }[] };
    values.cursor = event?.cursor ?? "";
  }
  const id = path.includes("consumers/") ? "onEvent:7" : "7";
  const query = new URLSearchParams(
    parameters.filter(({ in: place, required }) => place === "query" && required).map((
      { name },
    ) => [name, values[name] ?? ""]),
  );
  return `${path.replace("{id}", id).replace("{cursor}", encodeURIComponent(values.cursor ?? ""))}?${query}`;
}

async function measure(path: string, target: string): Promise<{ path: string; ms: number; bytes: number }> {
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    const response = await fetch(`${host.url}${target}`, { headers: { Authorization: `Bearer ${host.adminToken}` } });
    bytes = (await response.arrayBuffer()).byteLength;
    times.push(performance.now() - from);
    if (!response.ok) throw new Error(`Cannot read ${target}: ${response.status}`);
  }
  return { path, ms: percentile(times, 0.95), bytes };
}
