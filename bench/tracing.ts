/**
 * What it costs to trace events by OpenTelemetry: the whole service over HTTP with five plugins, without its exporter,
 * with one request in a hundred sampled, and with all of them, in turn on one machine. The collector is a server that
 * throws away what it gets.
 */

import { type RunningService, startTestService } from "../tests/kit/service.ts";
import { median, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { loadedProject, measureThroughput } from "./kit/service_load.ts";

const ROUNDS = 9;
const EVENTS_A_ROUND = 20_000;

printMachine();
await using receiver = receiveSentinels();
await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  await request.body?.cancel();
  return Response.json({});
});
const exporting = (share: string) => ({
  OTEL_DENO: "true",
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
  OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
  OTEL_TRACES_SAMPLER_ARG: share,
});
const KINDS: Record<string, Record<string, string>> = {
  "without the exporter": {},
  "1 % of requests traced": exporting("0.01"),
  "all requests traced": exporting("1"),
};
await using services = new AsyncDisposableStack();
const contenders: { name: string; service: RunningService; rates: number[] }[] = [];
for (const [name, env] of Object.entries(KINDS)) {
  const projects = [loadedProject(receiver)];
  contenders.push({ name, service: services.use(await startTestService({ config: { projects }, env })), rates: [] });
}

for (let round = 0; round <= ROUNDS; round++) {
  for (const { service, rates } of contenders) {
    const rate = await measureThroughput(service.url, receiver, EVENTS_A_ROUND);
    if (round > 0) rates.push(rate);
  }
}
const [base = 0] = contenders.map(({ rates }) => median(rates));
for (const { name, rates } of contenders) {
  const rate = median(rates);
  const change = (rate / base - 1) * 100;
  console.log(`${name.padEnd(24)} ${Math.round(rate)} events/s, ${change.toFixed(1)} %`);
}
