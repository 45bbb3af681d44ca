/**
 * Proves that a running service applies changes of `hogpen.json` to the affected plugin configs only, and keeps its
 * state when the file is invalid.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { startTestService } from "../kit/service.ts";

function greeter(id: number, word: string) {
  const inline =
    `exports.processEvent = (event, { config }) => { event.properties["word_${id}"] = config.word; return event; };
    exports.teardownPlugin = () => console.log("torn down");`;
  return { id, source: { inline, name: `greeter ${id}` }, config: { word }, order: id };
}

function configuration(...plugins: unknown[]) {
  return { projects: [{ id: 1, token: "phc_reload", plugins }] };
}

interface PluginConfigs {
  results: { id: number; pid: number | null; state: string }[];
}

Deno.test("a changed hogpen.json reloads only the plugin configs that changed, and tears the old ones down", async () => {
  await using service = await startTestService({ config: configuration(greeter(1, "a"), greeter(2, "b")) });
  const before = await service.api<PluginConfigs>("/_hogpen/api/plugin_configs");
  await service.configure(configuration(greeter(1, "a"), greeter(2, "c")));
  await eventually("the change is applied", () => service.output().includes("Applied: changed plugin config 2"));
  await service.capture({ api_key: "phc_reload", event: "after", distinct_id: "me", properties: {} });
  const [event] = await service.events(1);
  assert.equal(event?.properties.word_1, "a");
  assert.equal(event?.properties.word_2, "c");
  const after = await service.api<PluginConfigs>("/_hogpen/api/plugin_configs");
  const pidOf = ({ results }: PluginConfigs, id: number) => results.find((config) => config.id === id)?.pid;
  assert.equal(pidOf(after, 1), pidOf(before, 1));
  assert.notEqual(pidOf(after, 2), pidOf(before, 2));
  await eventually("the old one's teardown is in its log", async () => {
    const { results } = await service.api<{ results: { message: string }[] }>("/_hogpen/api/plugin_configs/2/logs");
    return results.some(({ message }) => message === "torn down");
  });
});

Deno.test("a hogpen.json that became wrong is reported and the running state kept", async () => {
  await using service = await startTestService({ config: configuration(greeter(1, "a")) });
  await service.configure({ projects: [{ id: 1, token: 7 }] });
  await eventually("the problem is told", () => service.output().includes("The running configuration is kept"));
  assert.match(service.output(), /projects\[0\]\.token/);
  await service.capture({ api_key: "phc_reload", event: "still", distinct_id: "me", properties: {} });
  const [event] = await service.events(1);
  assert.equal(event?.properties.word_1, "a");
});

Deno.test("plugins of a project that was added run, and those of one that was removed end", async () => {
  const one = { id: 1, token: "phc_one", plugins: [greeter(1, "a")] };
  const two = { id: 2, token: "phc_two", plugins: [greeter(2, "b")] };
  await using service = await startTestService({ config: { projects: [one] } });
  await service.configure({ projects: [two] });
  await eventually("the change is applied", () => service.output().includes("Applied:"));
  await service.capture({ api_key: "phc_two", event: "hello", distinct_id: "me", properties: {} });
  const [event] = await service.events(1, 2);
  assert.equal(event?.properties.word_2, "b");
  await assert.rejects(service.capture({ api_key: "phc_one", event: "hello", distinct_id: "me" }));
});
