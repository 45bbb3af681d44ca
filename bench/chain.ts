/**
 * Events a second through chains of plugins, router to outbox in memory: ours against what others run plugins in, and
 * against the limit that parsing and stringifying for every plugin sets. vm2 is called as PostHog's plugin server did,
 * isolated-vm as RudderStack's transformer does, and once more at its best.
 * @module
 */

import { type Contender, programContender } from "./kit/contender.ts";
import { hogpenChain } from "./kit/hogpen_chain.ts";
import { type Goal, median, printGoals, printMachine } from "./kit/report.ts";
import { pluginSources, workloadEvent } from "./workload.ts";

const ROUNDS = 5;
const ROUND_MS = 1000;
const CHAINS = [1, 5, 20];

await installPeers();
printMachine();
const goals: Goal[] = [];
for (const length of CHAINS) goals.push(...await measure(length));
printGoals(goals);

async function measure(length: number): Promise<Goal[]> {
  const sources = pluginSources(length);
  const workload = await Deno.makeTempFile({ suffix: ".json" });
  const events = Array.from({ length: 2000 }, (_, index) => workloadEvent(index));
  await Deno.writeTextFile(workload, JSON.stringify({ sources, events }));
  const peer = (file: string) => [new URL(`./peers/${file}`, import.meta.url).pathname, workload];
  await using opened = new AsyncDisposableStack();
  const contenders = [
    await hogpenChain("one cell each", { sources, isolation: "each" }),
    await hogpenChain("shared cell", { sources, isolation: "shared" }),
    programContender("vm2", "node", peer("posthog.mjs")),
    programContender("isolated-vm", "node", peer("rudderstack.mjs")),
    programContender("isolated-vm, kept", "node", peer("isolated_vm.mjs")),
    programContender("piscina", "node", peer("piscina.mjs")),
    programContender("JSON limit", Deno.execPath(), [
      "run",
      "-A",
      new URL("./json_limit.ts", import.meta.url).pathname,
      workload,
    ]),
  ];
  for (const contender of contenders) opened.use(contender);
  const rates = await interleave(contenders);
  await Deno.remove(workload);

  console.log(`\nchain of ${length}`);
  const limit = rates.get("JSON limit") as number;
  for (const [name, rate] of rates) {
    console.log(
      `  ${name.padEnd(17)} ${Math.round(rate).toString().padStart(8)} events/s  ${(rate / limit).toFixed(2)} × limit`,
    );
  }
  if (length !== 5) return [];
  const goal = (ours: string, factor: number, theirs: string): Goal => {
    const ratio = (rates.get(ours) as number) / (rates.get(theirs) as number);
    return { what: `${ours} ≥ ${factor} × ${theirs}: ${ratio.toFixed(2)}`, met: ratio >= factor };
  };
  return [
    goal("one cell each", 0.9, "JSON limit"),
    goal("one cell each", 1.3, "isolated-vm, kept"),
    goal("shared cell", 2.5, "JSON limit"),
    goal("shared cell", 1, "piscina"),
  ];
}

/** Medians of several rounds in which everybody runs in turn; the first round warms up. */
async function interleave(contenders: Contender[]): Promise<Map<string, number>> {
  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const contender of contenders) {
      const rate = await contender.run(ROUND_MS);
      if (round > 0) rates.get(contender.name)?.push(rate);
    }
  }
  return new Map(Array.from(rates, ([name, values]) => [name, median(values)]));
}

/** The peers need Node: isolated-vm does not load in Deno. */
async function installPeers(): Promise<void> {
  const cwd = new URL("./peers", import.meta.url).pathname;
  const { success } = await new Deno.Command("npm", { args: ["ci", "--no-audit", "--no-fund", "--silent"], cwd })
    .output();
  if (!success) {
    throw new Error("Cannot install the peers in bench/peers: npm ci failed; Node, npm and a C++ compiler are needed");
  }
}
