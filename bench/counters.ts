/**
 * What it costs to count and watch what plugins do: the same chain of five with and without, in turn on one machine.
 * The figure is processor time for each event, of host and cells, which noise hurts least.
 * @module
 */

import type { Contender } from "./kit/contender.ts";
import { hogpenChain } from "./kit/hogpen_chain.ts";
import { processorOf } from "./kit/process_figures.ts";
import { type Goal, median, printGoals, printMachine } from "./kit/report.ts";
import { pluginSources } from "./workload.ts";

const ROUNDS = 15;
const ROUND_MS = 2000;
const MAY_COST = 0.02;

printMachine();
const goals: Goal[] = [];
for (const isolation of ["each", "shared"] as const) {
  const sources = pluginSources(5);
  await using watched = await hogpenChain("watched", { sources, isolation });
  await using unwatched = await hogpenChain("unwatched", { sources, isolation, isWatched: false });
  const costs: number[] = [];
  const rounds: { with: number; without: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const each = { with: await measure(watched), without: await measure(unwatched) };
    if (round === 0) continue;
    rounds.push(each);
    costs.push(each.with / each.without - 1);
  }
  const micros = (name: "with" | "without") => median(rounds.map((round) => round[name])).toFixed(2);
  const cost = median(costs);
  const what = `${isolation}: ${micros("without")} → ${micros("with")} µs for each event, ${(cost * 100).toFixed(1)} %`;
  goals.push({ what, met: cost <= MAY_COST });
}
printGoals(goals);

/** Microseconds of processor time for each event. */
async function measure({ pids, run }: Contender): Promise<number> {
  const used = () => pids.reduce((sum, pid) => sum + processorOf(pid).ms, 0);
  const [before, begin] = [used(), performance.now()];
  const rate = await run(ROUND_MS);
  return (used() - before) * 1_000_000 / (rate * (performance.now() - begin));
}
