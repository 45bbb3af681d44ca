/**
 * The attacks as tests, in groups. Each group is a test file, and files run beside each other: an attack mostly waits,
 * for deadlines and for the quiet in which nothing more may happen.
 * @module
 */

import assert from "node:assert/strict";
import { type Attack, readAttackSet } from "./attack_set.ts";
import { checkNamespaces } from "./network_namespace.ts";
import { type AttackResult, describeResult, runScene, runTogether } from "./run.ts";
import type { Isolation } from "./observe_attack.ts";
import { readScenes } from "./scene.ts";

const FOLDER = new URL("../fixtures/attacks", import.meta.url).pathname;

/** Attacks against one service: each brings two cells. */
const MOST_TOGETHER = 6;

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

/**
 * The group's tests, one for each attack; with `shared` beside a neighbour in one process. Starting a service takes
 * most of an attack's time, so several attacks are played against one, unless an attack needs its own. When the tests
 * of some that were played together fail, `deno task attacks` plays each alone and shows which one it is.
 */
export async function testAttacks(group: keyof typeof GROUPS, isolation: Isolation = "each"): Promise<void> {
  const attacks = await readAttackSet(FOLDER, GROUPS[group].map((word) => `${word}-`));
  const where = isolation === "shared" ? " beside a neighbour in its process" : "";
  for (const together of playedTogether(attacks)) {
    let results: Promise<AttackResult[]> | undefined;
    for (const [index, attack] of together.entries()) {
      Deno.test(`attack ${attack.id} ends as ${attack.outcome}${where}`, async () => {
        results ??= checkNamespaces().then(() => runTogether(together, isolation));
        const result = (await results)[index] as AttackResult;
        assert.deepEqual(result.faults, [], describeResult(attack, result));
      });
    }
  }
}

/** The attacks in lists of those that are played against one service, about equally long. */
function playedTogether(attacks: Attack[]): Attack[][] {
  const alone = attacks.filter(({ isAlone }) => isAlone).map((attack) => [attack]);
  const others = attacks.filter(({ isAlone }) => !isAlone);
  const size = Math.ceil(others.length / Math.ceil(others.length / MOST_TOGETHER));
  const lists: Attack[][] = [];
  for (let from = 0; from < others.length; from += size) lists.push(others.slice(from, from + size));
  return [...lists, ...alone];
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
