/** Proves that plugins in one cell do as they do in cells of their own, and that every attack is played by a test. */

import assert from "node:assert/strict";
import { GROUPS, readAttacks, testScenes } from "./test_attacks.ts";

await testScenes();

Deno.test("every attack is in one group, and every group has its test file", async () => {
  const words = Object.values(GROUPS).flat();
  for (const { id } of await readAttacks()) {
    assert.equal(words.filter((word) => id.startsWith(`${word}-`)).length, 1, id);
  }
  for (const group of Object.keys(GROUPS)) {
    const code = await Deno.readTextFile(new URL(`./${group}_test.ts`, import.meta.url));
    assert(code.includes(`testAttacks("${group}")`), group);
  }
});
