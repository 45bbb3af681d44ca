import assert from "node:assert/strict";
import { readAttackSet } from "./attack_set.ts";
import { checkNamespaces } from "./network_namespace.ts";
import { describeResult, runAttack } from "./run.ts";

const FOLDER = new URL("../fixtures/attacks", import.meta.url).pathname;

for (const attack of await readAttackSet(FOLDER, [])) {
  Deno.test(`attack ${attack.id} ends as ${attack.outcome}`, async () => {
    await checkNamespaces();
    const result = await runAttack(attack);
    assert.deepEqual(result.faults, [], describeResult(attack, result));
  });
}
