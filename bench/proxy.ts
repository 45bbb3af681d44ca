/**
 * What Hogpen in front of PostHog adds to a `/flags` call, next to nginx on the same machine in the same run:
 * milliseconds of a lone client, and requests a second of one core. What stands for PostHog is an nginx that answers at
 * once.
 * @module
 */

import { startNginx } from "../tests/kit/servers/nginx.ts";
import { startTestService } from "../tests/kit/service.ts";
import { measureHttp } from "./kit/http_load.ts";
import { median, percentile, printGoals, printMachine } from "./kit/report.ts";

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
// The proxies have one core, and everything else the others.
const cores = navigator.hardwareConcurrency;
if (cores > 1) {
  for (const pid of [nginx.pid, service.pid]) await pin(pid, "0");
  for (const pid of [posthog.pid, Deno.pid]) await pin(pid, `1-${cores - 1}`);
}

const ways = { direct: posthog.url, nginx: nginx.url, hogpen: service.url };
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];
const lone: Record<Way, number[]> = { direct: [], nginx: [], hogpen: [] };
const rates: Record<Way, number[]> = { direct: [], nginx: [], hogpen: [] };
for (let round = 0; round <= ROUNDS; round++) {
  for (const name of names) {
    const flags = { url: new URL(`${ways[name]}/flags/`), bodies: [BODY] };
    const { latencies } = await measureHttp({ ...flags, connections: 1, seconds: SECONDS / 2 });
    const { requestsPerSecond } = await measureHttp({ ...flags, connections: CONNECTIONS, seconds: SECONDS });
    if (round === 0) continue;
    lone[name].push(...latencies);
    rates[name].push(requestsPerSecond);
  }
}

for (const name of names) {
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(lone[name], share).toFixed(3));
  const rate = Math.round(median(rates[name]));
  console.log(`${name.padEnd(8)} a lone call p50 ${p50} ms, p99 ${p99} ms; ${rate} requests/s`);
}
const added = (name: Way, share: number) => percentile(lone[name], share) - percentile(lone.direct, share);
for (const name of ["nginx", "hogpen"] as const) {
  console.log(`${name.padEnd(8)} adds p50 ${added(name, 0.5).toFixed(3)} ms, p99 ${added(name, 0.99).toFixed(3)} ms`);
}
const share = median(rates.hogpen) / median(rates.nginx);
printGoals([
  { what: `added p50 ≤ 2 ms: ${added("hogpen", 0.5).toFixed(3)} ms`, met: added("hogpen", 0.5) <= 2 },
  { what: `requests/s of one core ≥ 0.5 × nginx: ${share.toFixed(2)}`, met: share >= 0.5 },
]);

/** Gives the process and all its threads these cores. */
async function pin(pid: number, to: string): Promise<void> {
  const { success } = await new Deno.Command("taskset", { args: ["-a", "-c", "-p", to, String(pid)] }).output();
  if (!success) throw new Error("Cannot give the proxies a core of their own: taskset (util-linux) is missing");
}
