import assert from "node:assert/strict";
import { readAttackSet } from "./attack_set.ts";
import { checkNamespaces } from "./network_namespace.ts";
import { describeResult, runAttack, runScene } from "./run.ts";
import { readScenes } from "./scene.ts";

const FOLDER = new URL("../fixtures/attacks", import.meta.url).pathname;

for (const attack of await readAttackSet(FOLDER, [])) {
  Deno.test(`attack ${attack.id} ends as ${attack.outcome}`, async () => {
    await checkNamespaces();
    const result = await runAttack(attack);
    assert.deepEqual(result.faults, [], describeResult(attack, result));
  });
}

for (const scene of await readScenes(FOLDER, [])) {
  Deno.test(`scene ${scene.id} is as it would be apart`, async () => {
    await checkNamespaces();
    assert.deepEqual(await runScene(scene), []);
  });
}
