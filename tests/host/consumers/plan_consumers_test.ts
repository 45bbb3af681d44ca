/** Proves which consumers follow from a configuration, and which changes give a consumer a new revision. */

import assert from "node:assert/strict";
import type { DestinationConfig, HogpenConfig, PluginConfig } from "../../../host/config/config.ts";
import { planConsumers } from "../../../host/consumers/plan_consumers.ts";
import { FarSide } from "../../kit/cells/far_side.ts";
import { openFlow } from "../../kit/flow.ts";
import { openPluginHost, type PluginHost } from "../../kit/plugin_host.ts";

function destination(id: string, enabled = true): DestinationConfig {
  return { id, type: "ndjson", enabled, filter: {}, options: { path: "-" } };
}

function pluginConfig(id: number, enabled = true): PluginConfig {
  return {
    id,
    teamId: 1,
    source: { inline: "" },
    enabled,
    order: 0,
    config: {},
    attachments: {},
    timeoutSeconds: 30,
    memoryMb: 256,
    egress: { allow: [] },
    cell: null,
  };
}

function configOf(plugins: PluginConfig[], destinations: DestinationConfig[] = []): HogpenConfig {
  return {
    projects: [{ id: 1, name: "p", token: "phc_t", anonymizeIps: false, isolation: "each", plugins, destinations }],
  };
}

function plan(
  config: HogpenConfig,
  { plugins, journal }: PluginHost,
  { clock, store }: Awaited<ReturnType<typeof openFlow>>,
) {
  const { batching, openSink } = new FarSide().spec("any");
  const openDestination = () => ({ batching, openSink });
  const { run, reserve } = planConsumers(config, { plugins, journal, clock, jobs: store.jobs, openDestination });
  return { run, ids: run.map(({ id }) => id), reserved: reserve.map(({ id }) => id) };
}

Deno.test("planConsumers() has one consumer for each enabled destination, and for each function that a plugin has", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  await host.run(1, `export function onSnapshot() {} export function exportEvents() {}`);
  await host.run(2, `export function processEvent(event) { return event; }`);
  await host.run(3, `export function onEvent() {} export function composeWebhook() {}`);
  const config = configOf([1, 2, 3].map((id) => pluginConfig(id)), [destination("a"), destination("off", false)]);
  const { ids, reserved } = plan(config, host, flow);
  assert.deepEqual(ids, ["destination:1/a", "onEvent:1", "exportEvents:1", "onEvent:3", "composeWebhook:3"]);
  assert.deepEqual(reserved, []);
});

Deno.test("planConsumers() reserves the places of a plugin that is not loaded yet, and none of one that is switched off", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  const { ids, reserved } = plan(configOf([pluginConfig(7), pluginConfig(8, false)]), host, flow);
  assert.deepEqual([ids, reserved], [[], ["onEvent:7", "exportEvents:7", "composeWebhook:7"]]);
});

Deno.test("planConsumers() gives a consumer another revision when its buffer's settings change, not when its plugin is loaded anew", async () => {
  await using flow = await openFlow();
  await using host = openPluginHost(flow);
  const config = configOf([pluginConfig(1)]);
  const revision = async (settings: Record<string, string>, code = "export function exportEvents() {}") => {
    const { runtime } = await host.run(1, code, { config: settings });
    const { run } = plan(config, host, flow);
    await runtime[Symbol.asyncDispose]();
    return run.map((spec) => spec.revision);
  };
  const before = await revision({ exportEventsBufferSeconds: "5" });
  assert.deepEqual(
    await revision({ exportEventsBufferSeconds: "5" }, "export async function exportEvents() {}"),
    before,
  );
  assert.notDeepEqual(await revision({ exportEventsBufferSeconds: "6" }), before);
  assert.notDeepEqual(await revision({ exportEventsBufferSeconds: "5", exportEventsToIgnore: "a" }), before);
});
