/** Proves that plugins of a project with `isolation: "shared"` share a process until one of them misbehaves. */
import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

interface View {
  id: number;
  pid: number | null;
  state: string;
  apart: string | null;
}

function marker(id: number, more = "") {
  const inline = `${more} exports.processEvent = (event) => {
    if (event.event === "attack ${id}") /^(a+)+$/.test("a".repeat(50) + "!");
    event.properties.passed = [...event.properties.passed ?? [], ${id}];
    return event;
  };`;
  return { id, source: { inline, name: `marker ${id}` }, order: id, timeoutSeconds: 1 };
}

async function views(service: RunningService): Promise<View[]> {
  return (await service.api<{ results: View[] }>("/_hogpen/api/plugin_configs")).results;
}

/** Ids by the process that they run in, in the order of the chain. */
async function processes(service: RunningService): Promise<number[][]> {
  const all = await views(service);
  return Array.from(Map.groupBy(all, ({ pid }) => pid).values(), (group) => group.map(({ id }) => id));
}

function config(isolation: string) {
  const pool = marker(3, `require("generic-pool");`);
  return {
    projects: [{ id: 1, token: "phc_shared", isolation, plugins: [marker(1), marker(2), pool, marker(4), marker(5)] }],
  };
}

Deno.test("isolation shared: neighbours share a process until one misbehaves, which then has its own; no event is lost or passes a plugin", async () => {
  await using service = await startTestService({ config: config("shared") });
  await eventually("all run", async () => (await views(service)).every(({ state }) => state === "running"));
  assert.deepEqual(await processes(service), [[1, 2], [3], [4, 5]]);
  const send = (event: string, n: number) =>
    service.capture({ api_key: "phc_shared", event, distinct_id: `u${n}`, properties: { n } });
  for (let n = 0; n < 40; n++) await send(n === 7 ? "attack 4" : "normal", n);
  await eventually("plugin 4 has a process of its own", async () => (await processes(service)).length === 4);
  for (let n = 40; n < 60; n++) await send("normal", n);
  const events = await service.events(60);
  assert.deepEqual(events.map(({ properties }) => properties.n).sort((a, b) => Number(a) - Number(b)), [
    ...Array.from({ length: 60 }, (_, n) => n),
  ]);
  for (const { event, properties } of events) {
    assert.deepEqual(properties.passed, event === "normal" ? [1, 2, 3, 4, 5] : [1, 2, 3, 5]);
  }
  assert.deepEqual(await processes(service), [[1, 2], [3], [4], [5]]);
  const four = (await views(service)).find(({ id }) => id === 4);
  assert.equal(four?.apart, "a call to processEvent did not return for 1 s");
  const { results: lines } = await service.api<{ results: { message: string }[] }>(
    "/_hogpen/api/plugin_configs/4/logs?limit=100",
  );
  assert.ok(lines.some(({ message }) => message.startsWith("Moved to a process of its own for a day: a call to")));

  await service.end("SIGTERM");
  await service.start();
  await eventually("all run again", async () => (await views(service)).every(({ state }) => state === "running"));
  assert.deepEqual(await processes(service), [[1, 2], [3], [4], [5]], "a restart brings nobody together again");

  await service.api("/_hogpen/api/plugin_configs/4/share", "POST");
  await eventually("it shares again", async () => (await processes(service)).length === 3);
  assert.equal((await views(service)).find(({ id }) => id === 4)?.apart, null);
  await service.configure(config("each"));
  await eventually("each has its own", async () => (await processes(service)).length === 5);
  await send("normal", 60);
  assert.equal((await service.events(61)).length, 61);
});

Deno.test("a project made through the API shares processes when it says so", async () => {
  await using service = await startTestService({ config: { projects: [{ id: 1, token: "phc_file" }] } });
  const made = await service.api<{ id: number; isolation: string }>("/_hogpen/api/projects", "POST", {
    name: "Shared",
    isolation: "shared",
  });
  assert.equal(made.isolation, "shared");
  const listed = await service.api<{ results: { id: number; isolation: string }[] }>("/_hogpen/api/projects");
  assert.deepEqual(listed.results.map(({ isolation }) => isolation), ["each", "shared"]);
  const changed = await service.api<{ isolation: string }>(`/_hogpen/api/projects/${made.id}`, "PATCH", {
    isolation: "each",
  });
  assert.equal(changed.isolation, "each");
});
