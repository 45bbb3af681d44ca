/**
 * What others notice while a few connections send requests that are small on the wire and large in memory, or simply
 * large: how long `/_health` takes, and how much the host grows.
 * `deno task bench intake_flood [--seconds 5]`
 * @module
 */

import { Buffer } from "node:buffer";
import { parseArgs } from "node:util";
import zlib from "node:zlib";
import { startHostProcess } from "./kit/host_process.ts";
import { type Goal, printGoals, printMachine } from "./kit/report.ts";

const { values: flags } = parseArgs({
  args: Deno.args.slice(1),
  options: { seconds: { type: "string", default: "5" } },
});
const CONNECTIONS = 8;
const MOST_HEALTH_MS = 100;
const MOST_GROWTH_MB = 200;
const TOKEN = "phc_flood";

const minimal = '{"event":"e","distinct_id":"d"}';
const batch = (events: string) => Buffer.from(`{"api_key":"${TOKEN}","batch":[${events}]}`);
const many = batch(`${minimal},`.repeat(599_999) + minimal);
const nested = batch(`{"event":"e","distinct_id":"d","properties":{"a":${"[".repeat(5_000_000)}`);
const wide = batch(`{"event":"e","distinct_id":"d","properties":{"a":[${"1,".repeat(400_000)}1]}}`);
const full = batch(
  Array(9_000).fill(`{"event":"e","distinct_id":"d","properties":{"a":"${"x".repeat(1_800)}"}}`).join(),
);

const FLOODS: { name: string; body: Uint8Array; encoding?: string }[] = [
  { name: "600,000 minimal events, gzip", body: zlib.gzipSync(many), encoding: "gzip" },
  { name: "600,000 minimal events, brotli", body: zlib.brotliCompressSync(many), encoding: "br" },
  { name: "600,000 minimal events, unpacked", body: many },
  { name: "five million brackets, gzip", body: zlib.gzipSync(nested), encoding: "gzip" },
  { name: "400,000 values in one event, gzip", body: zlib.gzipSync(wide), encoding: "gzip" },
  { name: "9,000 ordinary events, gzip", body: zlib.gzipSync(full), encoding: "gzip" },
];

printMachine();
const goals: Goal[] = [];
for (const { name, body, encoding } of FLOODS) {
  const folder = await Deno.makeTempDir({ prefix: "hogpen_flood_" });
  await using host = await startHostProcess({ folder, config: { projects: [{ id: 1, token: TOKEN }] } });
  const before = residentMb(host.pid);
  const until = performance.now() + Number(flags.seconds) * 1000;
  const answers = new Map<number, number>();
  const send = async () => {
    while (performance.now() < until) {
      const headers = { "content-type": "application/json", ...(encoding && { "content-encoding": encoding }) };
      const answer = await fetch(`${host.url}/batch`, { method: "POST", headers, body: new Uint8Array(body) });
      await answer.body?.cancel();
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
    }
  };
  const healths: number[] = [];
  let most = before;
  const watch = async () => {
    while (performance.now() < until) {
      const start = performance.now();
      await (await fetch(`${host.url}/_health`)).body?.cancel();
      healths.push(performance.now() - start);
      most = Math.max(most, residentMb(host.pid));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all([watch(), ...Array.from({ length: CONNECTIONS }, send)]);
  healths.sort((a, b) => a - b);
  const worst = Math.round(healths.at(-1) ?? Infinity);
  const growth = Math.round(most - before);
  const told = [...answers].map(([status, count]) => `${count} × ${status}`).join(", ");
  console.log(
    `${name} (${Math.round(body.byteLength / 1024)} KB): ${told}; /_health median ${
      Math.round(healths[healths.length >> 1] ?? 0)
    } ms, most ${worst} ms; host +${growth} MB`,
  );
  goals.push({ what: `${name}: /_health below ${MOST_HEALTH_MS} ms: ${worst}`, met: worst < MOST_HEALTH_MS });
  goals.push({
    what: `${name}: host grows by less than ${MOST_GROWTH_MB} MB: ${growth}`,
    met: growth < MOST_GROWTH_MB,
  });
  await Deno.remove(folder, { recursive: true });
}
printGoals(goals);

function residentMb(pid: number): number {
  const [, pages = "0"] = Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ");
  return Number(pages) * 4096 / 1e6;
}
