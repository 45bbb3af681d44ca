/**
 * `deno task attacks --dir <folder> [id-prefix …]`: runs the attacks of any folder with an attacks.json, each against a service of
 * its own in a network of its own, and prints a line for each.
 * @module
 */

import { parseArgs } from "node:util";
import { type Attack, readAttackSet } from "./attack_set.ts";
import { judgeAttack } from "./judge_attack.ts";
import { checkNamespaces, inNamespace } from "./network_namespace.ts";
import type { Observation } from "./observe_attack.ts";

export interface AttackResult {
  id: string;
  faults: string[];
  tookMs: number;
  seen: Observation | null;
}

/** Runs one attack in a namespace and judges it. */
export async function runAttack(attack: Attack): Promise<AttackResult> {
  const start = performance.now();
  const program = new URL("./run_one.ts", import.meta.url).pathname;
  const { command, args } = inNamespace([
    Deno.execPath(),
    "run",
    "-A",
    "--cached-only",
    program,
    JSON.stringify(attack),
  ]);
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  const tookMs = performance.now() - start;
  if (!success) {
    const words = new TextDecoder().decode(stderr).trim().slice(-2000);
    return { id: attack.id, faults: [`the runner failed: ${words}`], tookMs, seen: null };
  }
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  const seen = JSON.parse(last) as Observation;
  return { id: attack.id, faults: judgeAttack(attack, seen), tookMs, seen };
}

/** `ok   cpu-01-busy-loop  contained  1180 ms  failed, normal again after 210 ms`. */
export function describeResult({ outcome }: Attack, { id, faults, tookMs, seen }: AttackResult): string {
  const verdict = faults.length === 0 ? "ok  " : "FAIL";
  const said = faults.length === 0 ? [] : (seen?.said ?? []).map((line) => `\n       ${line.slice(0, 300)}`);
  return `${verdict} ${id.padEnd(36)} ${outcome.padEnd(20)} ${Math.round(tookMs).toString().padStart(6)} ms  ${
    faults.length === 0 && seen !== null ? describeObservation(seen) : faults.join("; ").slice(0, 600)
  }${said.join("")}`;
}

function describeObservation(seen: Observation): string {
  const [first] = seen.attacks;
  const out = first === null || first === undefined
    ? "no event"
    : `${first.failed ? "failed" : "came out"} after ${Math.round(first.tookMs)} ms`;
  const recovery = seen.recoverMs === null ? "" : `, normal again after ${Math.round(seen.recoverMs)} ms`;
  const load = seen.loadFailed ? "not loaded, " : "";
  return `${load}${out}${recovery}; worst bystander ${Math.round(seen.bystanders.worstMs)} ms, host +${
    Math.round(seen.hostGrowthMb)
  } MB, stop ${Math.round(seen.stop.tookMs)} ms`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { dir: { type: "string" } },
    allowPositionals: true,
  });
  const folder = values.dir ?? new URL("../fixtures/attacks", import.meta.url).pathname;
  const attacks = await readAttackSet(await Deno.realPath(folder), positionals);
  await checkNamespaces();
  let failed = 0;
  for (const attack of attacks) {
    const result = await runAttack(attack);
    if (result.faults.length > 0) failed++;
    console.log(describeResult(attack, result));
  }
  console.log(`${attacks.length - failed} passed, ${failed} failed`);
  if (failed > 0) Deno.exitCode = 1;
}

if (import.meta.main) await main();
