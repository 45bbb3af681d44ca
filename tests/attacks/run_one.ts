/**
 * Plays attacks, a scene or a program, given as JSON, inside the namespace that run.ts made, and prints what was seen
 * as JSON on the last line.
 * @module
 */

import type { Attack } from "./attack_set.ts";
import { type AttackProgram, observeProgram } from "./attack_program.ts";
import { type Isolation, observeAttacks } from "./observe_attack.ts";
import { observeScene } from "./observe_scene.ts";
import type { Scene } from "./scene.ts";

/** What run.ts asks for. */
export type Play = { attacks: Attack[]; isolation: Isolation } | { scene: Scene } | { program: AttackProgram };

const play = JSON.parse(Deno.args[0] ?? "") as Play;
const seen = "attacks" in play
  ? await observeAttacks(play.attacks, play.isolation)
  : "scene" in play
  ? await observeScene(play.scene)
  : await observeProgram(play.program);
console.log(JSON.stringify(seen));
Deno.exit(0);
