/**
 * Proves that a plugin's exports decide its capabilities, and that a plugin that fails to load does not affect the
 * others in its cell.
 */

import assert from "node:assert/strict";
import type { PluginSpec } from "../../../runtime/protocol.ts";
import { pluginOf, RawCell } from "../../kit/cells/raw_cell.ts";

async function capabilitiesOf(cell: RawCell, code: string, more: Partial<PluginSpec> = {}) {
  const [result] = await cell.load([pluginOf(code, more)]);
  assert.ok(result !== undefined && "capabilities" in result, JSON.stringify(result));
  return result.capabilities;
}

Deno.test("capabilities are what a plugin exports", async (t) => {
  await using cell = new RawCell();

  await t.step("CA-01 handles processEvent", async () => {
    assert.deepEqual(
      await capabilitiesOf(cell, `exports.processEvent = (e) => e`),
      { methods: ["processEvent"], jobs: [], scheduled_tasks: [] },
    );
  });

  await t.step("CA-02 handles setupPlugin", async () => {
    const { methods } = await capabilitiesOf(cell, `function processEvent() {}; function setupPlugin() {}`);
    assert.deepEqual(methods, ["setupPlugin", "processEvent"]);
  });

  await t.step("CA-03 handles all capabilities", async () => {
    assert.deepEqual(
      await capabilitiesOf(
        cell,
        `exports.processEvent = () => {}; exports.randomFunction = () => {}; exports.onEvent = () => {};
         exports.onSnapshot = () => {}; exports.runEveryHour = () => {}; exports.jobs = { x: () => {} }`,
      ),
      { methods: ["onEvent", "onSnapshot", "processEvent"], jobs: ["x"], scheduled_tasks: ["runEveryHour"] },
    );
  });

  await t.step("a function named in the schedule of plugin.json is a task", async () => {
    const { scheduled_tasks } = await capabilitiesOf(cell, `exports.sync = () => {}; exports.other = () => {}`, {
      scheduledTasks: ["sync", "missing"],
    });
    assert.deepEqual(scheduled_tasks, ["sync"]);
  });

  await t.step("a plugin that fails to load does not keep others from loading", async () => {
    const results = await cell.load([
      pluginOf(`throw new TypeError('not today')`, { pluginConfigId: 1 }),
      pluginOf(`exports.processEvent = (e) => e`, { pluginConfigId: 2 }),
      pluginOf(`require('fs')`, { pluginConfigId: 3 }),
      pluginOf(`exports.processEvent = (e) => {`, { pluginConfigId: 4 }),
    ]);
    assert.deepEqual(
      results.map((result) => "error" in result ? `${result.error.name}: ${result.error.message}` : "loaded"),
      [
        "TypeError: not today",
        "loaded",
        "Error: Cannot import 'fs'! This package is not provided by PostHog in plugins.",
        "SyntaxError: Unexpected token ')'",
      ],
    );
  });
});
