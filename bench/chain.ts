/**
 * Events a second through chains of plugins, router to outbox in memory: ours against what others run plugins in, and
 * against the limit that parsing and stringifying for every plugin sets. vm2 is called as PostHog's plugin server did,
 * isolated-vm as RudderStack's transformer does, and once more at its best.
 * @module
 */

import { type Contender, measureContender, type Measured, programContender } from "./kit/contender.ts";
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
  const measured = await interleave(contenders);
  await Deno.remove(workload);

  console.log(`\nchain of ${length}`);
  const limit = measured.get("JSON limit") as Measured;
  for (const [name, { rate, micros }] of measured) {
    console.log(
      `  ${name.padEnd(17)} ${Math.round(rate).toString().padStart(8)} events/s  ${
        (rate / limit.rate).toFixed(2)
      } × limit   ${micros.toFixed(1).padStart(6)} µs of processor time  ${(micros / limit.micros).toFixed(2)} × limit`,
    );
  }
  if (length !== 5) return [];
  const goal = (ours: string, factor: number, theirs: string): Goal => {
    const ratio = (measured.get(ours) as Measured).rate / (measured.get(theirs) as Measured).rate;
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
async function interleave(contenders: Contender[]): Promise<Map<string, Measured>> {
  const rounds = new Map(contenders.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const contender of contenders) {
      const measured = await measureContender(contender, ROUND_MS);
      if (round > 0) rounds.get(contender.name)?.push(measured);
    }
  }
  return new Map(
    Array.from(rounds, ([name, each]) => [name, {
      rate: median(each.map(({ rate }) => rate)),
      micros: median(each.map(({ micros }) => micros)),
    }]),
  );
}

/** The peers need Node: isolated-vm does not load in Deno. */
async function installPeers(): Promise<void> {
  const cwd = new URL("./peers", import.meta.url).pathname;
  // Compiling them takes minutes, so it is done once for each lock file.
  const installed = await changedAt(`${cwd}/node_modules/.package-lock.json`);
  if (installed > await changedAt(`${cwd}/package-lock.json`)) return;
  const { success } = await new Deno.Command("npm", { args: ["ci", "--no-audit", "--no-fund", "--silent"], cwd })
    .output();
  if (!success) {
    throw new Error("Cannot install the peers in bench/peers: npm ci failed; Node, npm and a C++ compiler are needed");
  }
}

/** 0 when there is no such file. */
async function changedAt(path: string): Promise<number> {
  return (await Deno.stat(path).catch(() => null))?.mtime?.getTime() ?? 0;
}
