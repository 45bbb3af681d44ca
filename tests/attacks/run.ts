/**
 * `deno task attacks [--dir <folder>] [--shared] [id-prefix …]`: runs what is in a folder of attacks, each against a
 * service of its own in a network of its own, and prints a line for each: the entries of its attacks.json
 * (attack_set.ts), scenes of several plugins (scene.ts) and programs that attack from outside (attack_program.ts). With
 * `--shared` attacker and observer share a process (`isolation: "shared"`).
 * @module
 */

import { parseArgs } from "node:util";
import { type AttackProgram, judgeProgram, type ProgramObservation, readPrograms } from "./attack_program.ts";
import { type Attack, readAttackSet } from "./attack_set.ts";
import { judgeAttack } from "./judge_attack.ts";
import { judgeScene } from "./judge_scene.ts";
import { checkNamespaces, inNamespace } from "./network_namespace.ts";
import type { Isolation, Observation } from "./observe_attack.ts";
import type { SceneObservation } from "./observe_scene.ts";
import type { Play } from "./run_one.ts";
import { isShared, readScenes, type Scene, takenApart } from "./scene.ts";

export interface AttackResult {
  id: string;
  faults: string[];
  tookMs: number;
  seen: Observation | null;
}

/** Plays it in a namespace and gives what was seen. Rejects with the runner's own words when that fails. */
async function play<Seen>(what: Play): Promise<Seen> {
  const program = new URL("./run_one.ts", import.meta.url).pathname;
  const { command, args } = inNamespace([
    Deno.execPath(),
    "run",
    "-A",
    "--cached-only",
    program,
    JSON.stringify(what),
  ]);
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(`the runner failed: ${new TextDecoder().decode(stderr).trim().slice(-2000)}`);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "") as Seen;
}

/** Runs one attack against a service of its own and judges it. */
export async function runAttack(attack: Attack, isolation: Isolation = "each"): Promise<AttackResult> {
  const [result] = await runTogether([attack], isolation);
  return result as AttackResult;
}

/** Runs attacks one after the other against one service, and judges each. */
export async function runTogether(attacks: Attack[], isolation: Isolation = "each"): Promise<AttackResult[]> {
  const start = performance.now();
  const seen = await play<Observation[]>({ attacks, isolation }).catch((error: Error) => error);
  const tookMs = performance.now() - start;
  return attacks.map((attack, index) => {
    const own = seen instanceof Error ? seen : seen[index] as Observation;
    if (own instanceof Error) return { id: attack.id, faults: [own.message], tookMs, seen: null };
    return { id: attack.id, faults: judgeAttack(attack, own), tookMs, seen: own };
  });
}

/** Plays a scene, and where its plugins share a cell also with a cell for each. Every reason why it failed. */
export async function runScene(scene: Scene): Promise<string[]> {
  try {
    const all = isShared(scene) ? [scene, takenApart(scene), takenApart(scene)] : [scene];
    const [seen, ...apart] = await Promise.all(all.map((scene) => play<SceneObservation>({ scene })));
    return judgeScene(scene, seen as SceneObservation, apart);
  } catch (error) {
    return [(error as Error).message];
  }
}

/** `ok   cpu-01-busy-loop  contained  1180 ms  failed, normal again after 210 ms`. */
export function describeResult({ outcome }: Attack, { id, faults, tookMs, seen }: AttackResult): string {
  const said = faults.length === 0 ? [] : (seen?.said ?? []).map((line) => `\n       ${line.slice(0, 300)}`);
  const words = faults.length === 0 && seen !== null ? describeObservation(seen) : faults.join("; ").slice(0, 600);
  return `${describeLine(id, outcome, faults, tookMs)}  ${words}${said.join("")}`;
}

function describeLine(id: string, outcome: string, faults: string[], tookMs: number): string {
  const verdict = faults.length === 0 ? "ok  " : "FAIL";
  return `${verdict} ${id.padEnd(36)} ${outcome.padEnd(20)} ${Math.round(tookMs).toString().padStart(6)} ms`;
}

function describeObservation(seen: Observation): string {
  const [first] = seen.attacks;
  const out = first === null || first === undefined
    ? "no event"
    : `${first.failed ? "failed" : "came out"} after ${Math.round(first.tookMs)} ms`;
  const recovery = seen.recoverMs === null ? "" : `, normal again after ${Math.round(seen.recoverMs)} ms`;
  const load = seen.loadFailed ? "not loaded, " : "";
  return `${load}${out}${recovery}; ${seen.counts.out} events of ${seen.counts.sent}, worst bystander ${
    Math.round(seen.bystanders.worstMs)
  } ms, host +${Math.round(seen.hostGrowthMb)} MB, stop ${Math.round(seen.stop.tookMs)} ms`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { dir: { type: "string" }, shared: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const folder = await Deno.realPath(values.dir ?? new URL("../fixtures/attacks", import.meta.url).pathname);
  const attacks = await readAttackSet(folder, positionals);
  const scenes = await readScenes(folder, positionals);
  const programs = await readPrograms(folder, positionals);
  await checkNamespaces();
  let failed = 0;
  for (const attack of attacks) {
    const result = await runAttack(attack, values.shared ? "shared" : "each");
    if (result.faults.length > 0) failed++;
    console.log(describeResult(attack, result));
  }
  const others = [
    ...scenes.map((scene) => ({ id: scene.id, outcome: "apart", run: () => runScene(scene) })),
    ...programs.map((program) => ({ id: program.id, outcome: "host answers", run: () => runProgram(program) })),
  ];
  for (const { id, outcome, run } of others) {
    const start = performance.now();
    const faults = await run();
    if (faults.length > 0) failed++;
    console.log(`${describeLine(id, outcome, faults, performance.now() - start)}  ${faults.join("; ").slice(0, 1200)}`);
  }
  console.log(`${attacks.length + others.length - failed} passed, ${failed} failed`);
  if (failed > 0) Deno.exitCode = 1;
}

async function runProgram(program: AttackProgram): Promise<string[]> {
  try {
    return judgeProgram(await play<ProgramObservation>({ program }));
  } catch (error) {
    return [(error as Error).message];
  }
}

if (import.meta.main) await main();
