/**
 * What Hogpen in front of PostHog adds to a `/flags` call, next to nginx on the same machine in the same run:
 * milliseconds of a lone client, requests a second of one core, and processor time of a request. What stands for
 * PostHog is an nginx that answers at once. The bare proxy (kit/bare_proxy.ts) shows how much of it is Deno's.
 * @module
 */

import { startNginx } from "../tests/kit/servers/nginx.ts";
import { startTestService } from "../tests/kit/service.ts";
import { measureHttp } from "./kit/http_load.ts";
import { processorOf } from "./kit/process_figures.ts";
import { median, percentile, printGoals, printMachine } from "./kit/report.ts";
import { startBare } from "./kit/start_bare.ts";

const TOKEN = "phc_bench";
const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = 16;
const BODY = new TextEncoder().encode(JSON.stringify({
  token: TOKEN,
  distinct_id: "01a2196b-c642-7360-938f-7d534255e4fd",
  groups: {},
  person_properties: { $initial_current_url: "https://shop.example/", $initial_referrer: "$direct" },
}));
const ANSWER = JSON.stringify({
  flags: { "new-page": { key: "new-page", enabled: true, variant: "b", metadata: { id: 1, version: 3 } } },
  errorsWhileComputingFlags: false,
});

printMachine();
await using posthog = await startNginx((port) =>
  `server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${ANSWER}'; } }`
);
await using nginx = await startNginx((port) =>
  `upstream posthog { server 127.0.0.1:${posthog.port}; keepalive 64; keepalive_requests 1000000; }
server { listen 127.0.0.1:${port}; location / {
  proxy_pass http://posthog; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; } }`
);
await using service = await startTestService({
  config: { projects: [{ id: 1, token: TOKEN, upstream: { type: "posthog", host: posthog.url } }] },
});
await using bare = await startBare("bare_proxy.ts", posthog.url);
// The proxies have one core, and everything else the others.
const cores = navigator.hardwareConcurrency;
if (cores > 1) {
  for (const pid of [nginx.pid, bare.pid, service.pid]) await pin(pid, "0");
  for (const pid of [posthog.pid, Deno.pid]) await pin(pid, `1-${cores - 1}`);
}

const ways = { direct: posthog, nginx, bare, hogpen: service };
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];
/** Milliseconds of a lone call, requests per second, and milliseconds of processor time of a request. */
const figures = Object.fromEntries(
  names.map((name) => [name, { lone: [], rates: [], processor: [] }]),
) as unknown as Record<Way, Record<"lone" | "rates" | "processor", number[]>>;
for (let round = 0; round <= ROUNDS; round++) {
  for (const name of names) {
    const { url, pid } = ways[name];
    const flags = { url: new URL(`${url}/flags/`), bodies: [BODY] };
    const { latencies } = await measureHttp({ ...flags, connections: 1, seconds: SECONDS / 2 });
    const before = processorOf(pid).ms;
    const loaded = await measureHttp({ ...flags, connections: CONNECTIONS, seconds: SECONDS });
    if (round === 0) continue;
    figures[name].processor.push((processorOf(pid).ms - before) / loaded.latencies.length);
    figures[name].lone.push(...latencies);
    figures[name].rates.push(loaded.requestsPerSecond);
  }
}

const rate = (name: Way) => median(figures[name].rates);
const processor = (name: Way) => median(figures[name].processor);
for (const name of names) {
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(figures[name].lone, share).toFixed(3));
  console.log(
    `${name.padEnd(8)} a lone call p50 ${p50} ms, p99 ${p99} ms; ${Math.round(rate(name))} requests/s, ` +
      `${(rate(name) / rate("nginx")).toFixed(2)} × nginx's; ${
        (processor(name) * 1000).toFixed(0)
      } µs of processor time`,
  );
}
const added = (name: Way, share: number) =>
  percentile(figures[name].lone, share) - percentile(figures.direct.lone, share);
for (const name of ["nginx", "bare", "hogpen"] as const) {
  console.log(`${name.padEnd(8)} adds p50 ${added(name, 0.5).toFixed(3)} ms, p99 ${added(name, 0.99).toFixed(3)} ms`);
}
const share = rate("hogpen") / rate("nginx");
printGoals([
  { what: `added p50 ≤ 2 ms: ${added("hogpen", 0.5).toFixed(3)} ms`, met: added("hogpen", 0.5) <= 2 },
  { what: `requests/s of one core ≥ 0.5 × nginx: ${share.toFixed(2)}`, met: share >= 0.5 },
]);

/** Gives the process and all its threads these cores. */
async function pin(pid: number, to: string): Promise<void> {
  const { success } = await new Deno.Command("taskset", { args: ["-a", "-c", "-p", to, String(pid)] }).output();
  if (!success) throw new Error("Cannot give the proxies a core of their own: taskset (util-linux) is missing");
}
