/**
 * Proves that `metrics` keeps sums, largest and smallest values for each plugin, and bounds how many metrics it may
 * have.
 */

import assert from "node:assert/strict";
import { openTestServices } from "../../../testing/plugin_services.ts";
import { loadPlugin } from "../../../host/loader/load_plugin.ts";
import { startFixturePlugin } from "../../../testing/fixture_plugin.ts";

Deno.test("metrics.record sums up, and keeps the largest and the smallest", async () => {
  await using services = await openTestServices();
  for (const value of [3, 5, 4]) {
    await services.call("metrics.record", ["sum", "increment", value]);
    await services.call("metrics.record", ["max", "max", value]);
    await services.call("metrics.record", ["min", "min", value]);
  }
  const owner = { pluginConfigId: 39, teamId: 2 };
  assert.deepEqual(services.metrics.list(), [
    { ...owner, name: "sum", value: 12 },
    { ...owner, name: "max", value: 5 },
    { ...owner, name: "min", value: 3 },
  ]);
});

Deno.test("metrics.record refuses what no sandbox sends, and more than 100 metrics of a plugin", async () => {
  await using services = await openTestServices();
  await assert.rejects(services.call("metrics.record", ["a", "set", 1]), TypeError);
  await assert.rejects(services.call("metrics.record", ["a", "max", null]), TypeError);
  for (let n = 0; n < 100; n++) await services.call("metrics.record", [`m${n}`, "max", 1]);
  await assert.rejects(services.call("metrics.record", ["one more", "max", 1]), /may have 100 metrics/);
});

Deno.test("a plugin that exports no metrics has no meta.metrics, one with a type that there is not does not load", async () => {
  const start = async (code: string) =>
    await startFixturePlugin({ plugin: await loadPlugin({ inline: code }), config: {}, now: 0, random: 0 });
  await using plain = await start(
    "export function processEvent(event, meta) { event.keys = Object.keys(meta).sort(); return event }",
  );
  const [result] = await plain.batch("processEvent", [{ event: "e", distinct_id: "u", team_id: 2 }]);
  assert.deepEqual(result?.event?.keys, [
    "attachments",
    "cache",
    "config",
    "geoip",
    "global",
    "jobs",
    "storage",
    "utils",
  ]);
  await assert.rejects(start("export const metrics = { a: 'sum', b: 'mean', c: 'MEDIAN' }"), {
    message: "Only 'sum', 'max', and 'min' are supported as metric types. Invalid types received: mean, median",
  });
});
