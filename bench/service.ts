/**
 * The whole service over HTTP, durable on both ends, with five plugins: events a second, and the time from a client's
 * POST until the event has come out of the outbox at a destination, under half that load and for a lone event.
 * @module
 */

import { startTestService } from "../tests/kit/service.ts";
import { hogpenChain } from "./kit/hogpen_chain.ts";
import { median, percentile, printGoals, printMachine } from "./kit/report.ts";
import { receiveSentinels } from "./kit/sentinel_receiver.ts";
import { BATCH, freshEvent, loadedProject, measureThroughput, post, sentinel } from "./kit/service_load.ts";
import { pluginSources } from "./workload.ts";

const ROUNDS = 5;
const EVENTS_A_ROUND = 20_000;
const HALF_LOAD_SECONDS = 15;
const LONE_EVENTS = 30;

printMachine();
const sources = pluginSources(5);
await using receiver = receiveSentinels();
await using service = await startTestService({ config: { projects: [loadedProject(receiver)] } });

const chainRates: number[] = [];
const serviceRates: number[] = [];
{
  await using chain = await hogpenChain("chain", { sources, isolation: "each" });
  for (let round = 0; round <= ROUNDS; round++) {
    const [chainRate, serviceRate] = [
      await chain.run(1500),
      await measureThroughput(service.url, receiver, EVENTS_A_ROUND),
    ];
    if (round === 0) continue;
    chainRates.push(chainRate);
    serviceRates.push(serviceRate);
  }
}
const rate = median(serviceRates);
const share = rate / median(chainRates);
console.log(`router to outbox in memory  ${Math.round(median(chainRates))} events/s`);
console.log(`whole service over HTTP     ${Math.round(rate)} events/s, ${share.toFixed(2)} of it`);

const loaded = await latencies(rate / 2);
console.log(`at half load                p50 ${ms(percentile(loaded, 0.5))}, p99 ${ms(percentile(loaded, 0.99))}`);
const lone = await loneLatencies();
console.log(`a lone event                p50 ${ms(percentile(lone, 0.5))}, p99 ${ms(percentile(lone, 0.99))}`);

printGoals([
  { what: `service ≥ 0.5 × chain: ${share.toFixed(2)}`, met: share >= 0.5 },
  { what: `p99 at half load < 250 ms: ${ms(percentile(loaded, 0.99))}`, met: percentile(loaded, 0.99) < 250 },
  { what: `p50 of a lone event < 15 ms: ${ms(percentile(lone, 0.5))}`, met: percentile(lone, 0.5) < 15 },
]);

/** Milliseconds from POST to destination of one event in each batch, at a steady rate. */
async function latencies(eventsPerSecond: number): Promise<number[]> {
  const pauseMs = BATCH / eventsPerSecond * 1000;
  const begin = performance.now();
  const measured: Promise<number>[] = [];
  for (let batch = 0; batch * pauseMs < HALF_LOAD_SECONDS * 1000; batch++) {
    await until(begin + batch * pauseMs);
    const marked = sentinel();
    const sent = performance.now();
    const events = [...Array.from({ length: BATCH - 1 }, (_, index) => freshEvent(batch * BATCH + index)), marked];
    measured.push(Promise.all([receiver.seen(marked.uuid), post(service.url, events)]).then(([seen]) => seen - sent));
  }
  return await Promise.all(measured);
}

async function loneLatencies(): Promise<number[]> {
  const measured: number[] = [];
  for (let index = 0; index < LONE_EVENTS; index++) {
    await until(performance.now() + 100);
    const marked = sentinel();
    const sent = performance.now();
    const [seen] = await Promise.all([receiver.seen(marked.uuid), post(service.url, [marked])]);
    measured.push(seen - sent);
  }
  return measured;
}

async function until(time: number): Promise<void> {
  const left = time - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
