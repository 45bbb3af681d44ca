/**
 * The attacks as tests, in groups. Each group is a test file, and files run beside each other: an attack mostly waits,
 * for deadlines and for the quiet in which nothing more may happen.
 * @module
 */

import assert from "node:assert/strict";
import { type Attack, readAttackSet } from "./attack_set.ts";
import { checkNamespaces } from "./network_namespace.ts";
import { describeResult, runAttack, runScene } from "./run.ts";
import type { Isolation } from "./observe_attack.ts";
import { readScenes } from "./scene.ts";

const FOLDER = new URL("../fixtures/attacks", import.meta.url).pathname;

/** The first words of the attacks' ids, by the group that plays them in `tests/attacks/<group>_test.ts`. */
export const GROUPS = {
  capability: ["capability", "cap", "realm", "timer"],
  code: ["bridge", "error", "import"],
  cpu: ["cpu"],
  memory: ["memory"],
  network: ["network", "isolation", "iso"],
  output: ["output", "positive"],
};

/** Every attack of this folder. */
export function readAttacks(): Promise<Attack[]> {
  return readAttackSet(FOLDER, []);
}

/** The group's tests, one for each attack; with `shared` beside a neighbour in one process. */
export async function testAttacks(group: keyof typeof GROUPS, isolation: Isolation = "each"): Promise<void> {
  for (const attack of await readAttackSet(FOLDER, GROUPS[group].map((word) => `${word}-`))) {
    const where = isolation === "shared" ? " beside a neighbour in its process" : "";
    Deno.test(`attack ${attack.id} ends as ${attack.outcome}${where}`, async () => {
      await checkNamespaces();
      const result = await runAttack(attack, isolation);
      assert.deepEqual(result.faults, [], describeResult(attack, result));
    });
  }
}

/** One test for each scene. */
export async function testScenes(): Promise<void> {
  for (const scene of await readScenes(FOLDER, [])) {
    Deno.test(`scene ${scene.id} is as it would be apart`, async () => {
      await checkNamespaces();
      assert.deepEqual(await runScene(scene), []);
    });
  }
}
