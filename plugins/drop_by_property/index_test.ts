import assert from "node:assert/strict";
import { startPlugin } from "hogpen/testing";

/** Which of the values, as the property `p`, come through. */
async function kept(config: Record<string, string>, values: unknown[]): Promise<unknown[]> {
  await using plugin = await startPlugin(import.meta.dirname, { config: { property: "p", ...config } });
  const events = values.map((p, index) => ({ event: "e", distinct_id: `${index}`, team_id: 2, properties: { p } }));
  const outcomes = await plugin.batch("processEvent", events);
  return values.filter((_, index) => outcomes[index]?.event != null);
}

const VALUES = ["a", "ab", "", 5, "5", 7, true, { x: "a" }, undefined];

Deno.test("drop_by_property drops by every condition", async () => {
  const cases: [string, string, unknown[]][] = [
    ["is set", "", ["", undefined]],
    ["is not set", "", ["a", "ab", 5, "5", 7, true, { x: "a" }]],
    ["equals", "a, 5", ["ab", "", 7, true, { x: "a" }, undefined]],
    ["does not equal", "a, 5", ["a", 5, "5"]],
    ["contains", "a", ["", 5, "5", 7, true, undefined]],
    ["does not contain", "a", ["a", "ab", { x: "a" }]],
    ["matches", "^[0-9]$", ["a", "ab", "", true, { x: "a" }, undefined]],
    ["is greater than", "5", ["a", "ab", "", 5, "5", true, { x: "a" }, undefined]],
    ["is less than", "6", ["a", "ab", "", 7, true, { x: "a" }, undefined]],
  ];
  for (const [operator, value, expected] of cases) {
    assert.deepEqual(await kept({ operator, value }, VALUES), expected, operator);
  }
});

Deno.test("drop_by_property can keep only what meets the condition, and look at the event itself", async () => {
  assert.deepEqual(await kept({ value: "a", action: "Keep only them" }, VALUES), ["a"]);
  await using plugin = await startPlugin(import.meta.dirname, { config: { property: "event", value: "noise" } });
  assert.equal(await plugin.processEvent({ event: "noise" }), null);
  assert.notEqual(await plugin.processEvent({ event: "signal", properties: undefined }), null);
});

Deno.test("drop_by_property does not start with a condition that makes no sense", async () => {
  const start = (config: Record<string, string>) => startPlugin(import.meta.dirname, { config });
  await assert.rejects(start({}), /"Property" is empty/);
  await assert.rejects(start({ property: "p", operator: "matches", value: "(" }), { name: "SyntaxError" });
  await assert.rejects(
    start({ property: "p", operator: "is less than", value: "x" }),
    /expected "Value" to be a number/,
  );
  await assert.rejects(start({ property: "p", operator: "resembles" }), /expected a known "Condition"/);
});
