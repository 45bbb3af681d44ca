/**
 * What it costs to count and watch what plugins do: the same chain of five with and without, in turn on one machine.
 * The figure is processor time for each event, of host and cells, which noise hurts least.
 * @module
 */

import { measureContender } from "./kit/contender.ts";
import { hogpenChain } from "./kit/hogpen_chain.ts";
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
  const rounds: { watched: number; unwatched: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const each = {
      watched: (await measureContender(watched, ROUND_MS)).micros,
      unwatched: (await measureContender(unwatched, ROUND_MS)).micros,
    };
    if (round > 0) rounds.push(each);
  }
  const micros = (name: "watched" | "unwatched") => median(rounds.map((round) => round[name])).toFixed(2);
  const cost = median(rounds.map((round) => round.watched / round.unwatched - 1));
  const figures = `${micros("unwatched")} → ${micros("watched")} µs for each event, ${(cost * 100).toFixed(1)} %`;
  const what = `${isolation}: ${figures}`;
  goals.push({ what, met: cost <= MAY_COST });
}
printGoals(goals);
