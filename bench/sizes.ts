/**
 * What a machine needs: events a second for each core, disk for a million events, memory of the host and of each
 * plugin. The whole service over HTTP with five plugins, everything durable, under full load; Linux.
 */

import { cpuMs, rssMb, treeOf } from "../tests/attacks/process_tree.ts";
import { startTestService } from "../tests/kit/service.ts";
import { isCell } from "./kit/process_figures.ts";
import { median, printMachine } from "./kit/report.ts";
import { receiveSentinels, SENTINEL } from "./kit/sentinel_receiver.ts";
import { pluginSources, workloadEvent } from "./workload.ts";

const TOKEN = "phc_bench";
const PLUGINS = 5;
const EVENTS = 100_000;
const BATCH = 50;
const CONNECTIONS = 8;

printMachine();
await using receiver = receiveSentinels();
const plugins = pluginSources(PLUGINS).map((inline, index) => ({
  id: index + 1,
  source: { inline, name: `plugin ${index + 1}` },
  order: index,
}));
await using service = await startTestService({
  config: { projects: [{ id: 1, token: TOKEN, plugins, destinations: [receiver.destination] }] },
});

const [host = 0, ...cells] = treeOf(service.pid).filter(isKept);
const idle = { host: rssMb(host), cells: median(cells.map(rssMb)) };
const before = cpuOf([host, ...cells]);
let bytes = 0;
let next = 0;
const begin = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
  while (next < EVENTS) {
    const from = next;
    next += BATCH;
    await post(Array.from({ length: BATCH }, (_, index) => freshEvent(from + index)));
  }
}));
const last = { ...freshEvent(0), event: SENTINEL };
await post([last]);
const seconds = (await receiver.seen(last.uuid) - begin) / 1000;
const cpuSeconds = (cpuOf([host, ...cells]) - before) / 1000;
const loaded = { host: rssMb(host), cells: median(cells.map(rssMb)) };
// What has left the inbox goes at the next turn of retention.
await new Promise((resolve) => setTimeout(resolve, 35_000));
const metrics = await (await fetch(`${service.url}/metrics`)).text();
const disk = Number(/^hogpen_log_used_bytes (\d+)/m.exec(metrics)?.[1]);

console.log(`events                  ${EVENTS} of ${Math.round(bytes / EVENTS)} bytes of JSON, ${PLUGINS} plugins`);
console.log(`throughput              ${Math.round(EVENTS / seconds)} events/s`);
console.log(
  `for each core           ${Math.round(EVENTS / cpuSeconds)} events/s (${cpuSeconds.toFixed(1)} s of processor time)`,
);
console.log(`disk, a million events  ${(disk / EVENTS * 1e6 / 1e9).toFixed(1)} GB in the outbox, with the index`);
console.log(`memory of the host      ${Math.round(idle.host)} MB idle, ${Math.round(loaded.host)} MB under load`);
console.log(
  `memory of a plugin      ${Math.round(idle.cells)} MB idle, ${Math.round(loaded.cells)} MB under load`,
);

/** The host and the cells; not the compiler, which ends when plugins are loaded. */
function isKept(pid: number): boolean {
  return pid === service.pid || isCell(pid);
}

function cpuOf(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

async function post(batch: unknown[]): Promise<void> {
  const body = JSON.stringify({ api_key: TOKEN, batch });
  bytes += body.length;
  const response = await fetch(`${service.url}/batch`, { method: "POST", body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`POST /batch answered ${response.status}: ${text}`);
}

function freshEvent(index: number): { uuid: string; [field: string]: unknown } {
  return { ...workloadEvent(index), uuid: crypto.randomUUID() };
}
