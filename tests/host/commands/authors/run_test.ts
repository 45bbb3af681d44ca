/** Proves that `hogpen run` shows authors everything their plugin did with an event, task or job. */

import assert from "node:assert/strict";
import { pluginFolder } from "../../../kit/plugin_folder.ts";
import { runCommand } from "../../../kit/run_command.ts";

const FILES = {
  "plugin.json": '{"name":"Busy","config":[{"key":"greeting","type":"string","default":"hi"}]}',
  "index.js": `
    export function setupPlugin({ config }) { if (config.greeting === "bad") throw new Error("bad greeting") }
    export async function processEvent(event, { config, storage, cache, jobs }) {
      if (event.event === "noise") return null
      if (event.event === "bad") throw new TypeError("bad event")
      event.properties.greeting = config.greeting
      delete event.properties.gone
      event.properties.price = Number(event.properties.price)
      await storage.set("seen", 1)
      await cache.set("last", event.event)
      await jobs.send({ to: 7 }).runIn(2, "minutes")
      posthog.capture("derived", { of: event.event })
      console.log("rate", (await (await fetch("https://rates.example.com/")).json()).rate)
      return event
    }
    export const jobs = { send({ to }) { console.warn("sent to", to) } }
    export function runEveryHour() { console.log("an hour") }`,
  "event.json": '{"event":"order","properties":{"price":"3","gone":1}}',
  "events.json": '[{"event":"noise"},{"event":"bad"}]',
  "config.json": '{"greeting":"hello"}',
  "wrong.json": '{"greeting":"bad"}',
  "fetch.json": '[{"url":"https://rates.example.com/","json":{"rate":2}}]',
};

Deno.test("run shows the change of an event, and all that the plugin did besides", async () => {
  await using folder = await pluginFolder(FILES);
  const [event, config, fetch] = ["event.json", "config.json", "fetch.json"].map(folder.file) as [
    string,
    string,
    string,
  ];
  const { code, out, err } = await runCommand([
    "run",
    folder.path,
    "--event",
    event,
    "--config",
    config,
    "--fetch",
    fetch,
  ]);
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(
    out,
    `processEvent
order: changed
  ~ properties.price     "3" → 3
  - properties.gone      1
  + properties.greeting  "hello"
logs
  LOG   rate 2
storage
  + seen  1
cache
  + last  "order"
jobs
  send({"to":7}) in 120 s
captured
  derived {"of":"order"}
fetches
  GET https://rates.example.com/
`,
  );
});

Deno.test("run --json prints an object for each event, says what was dropped, and fails when the plugin throws", async () => {
  await using folder = await pluginFolder(FILES);
  const { code, out } = await runCommand(["run", folder.path, "--event", folder.file("events.json"), "--json"]);
  assert.equal(code, 1);
  const [dropped, failed] = out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([dropped.after, dropped.before.event, dropped.calls], [null, "noise", [{
    function: "processEvent",
  }]]);
  assert.deepEqual([failed.calls[0].error.name, failed.calls[0].error.message], ["TypeError", "bad event"]);
});

Deno.test("run gives the functions that follow what they get live", async () => {
  await using folder = await pluginFolder({
    "plugin.json": JSON.stringify({
      name: "Sees",
      config: [{ key: "exportEventsToIgnore", type: "string", default: "secret" }],
    }),
    "index.js": `
      export const processEvent = (event) => { event.properties.$elements = [{ tag_name: "a" }]; return event };
      const tell = (name) => (given) => {
        for (const { event, elements, properties, $set, ...others } of [given].flat()) {
          const [element] = elements ?? [];
          console.log(name, event, element?.tag_name, "$elements" in properties, $set?.plan, "site_url" in others);
        }
      };
      export const onEvent = tell("onEvent");
      export const onSnapshot = tell("onSnapshot");
      export const exportEvents = tell("exportEvents");`,
    "events.json": JSON.stringify([
      { event: "order", properties: { $set: { plan: "free" } } },
      { event: "secret" },
      { event: "$snapshot" },
    ]),
  });
  const { code, out, err } = await runCommand(["run", folder.path, "--event", folder.file("events.json"), "--json"]);
  assert.deepEqual([code, err], [0, ""]);
  const [order, secret, recording] = out.trim().split("\n").map((line) =>
    JSON.parse(line).logs.map(({ message }: { message: string }) => message)
  );
  assert.deepEqual(order, ["onEvent order a false free false", "exportEvents order a false free false"]);
  assert.deepEqual(secret, ["onEvent secret a false undefined false"]);
  assert.deepEqual(recording, [
    "onSnapshot $snapshot undefined false undefined false",
    "exportEvents $snapshot undefined false undefined false",
  ]);
});

Deno.test("run starts tasks and jobs by name", async () => {
  await using folder = await pluginFolder(FILES);
  const task = await runCommand(["run", folder.path, "--task", "runEveryHour"]);
  assert.deepEqual([task.code, task.out], [0, "runEveryHour\nlogs\n  LOG   an hour\n"]);
  const job = await runCommand(["run", folder.path, "--job", "send", "--payload", '{"to":1}']);
  assert.deepEqual([job.code, job.out], [0, "send\nlogs\n  WARN  sent to 1\n"]);
  const unknown = await runCommand(["run", folder.path, "--job", "sent"]);
  assert.deepEqual([unknown.code, unknown.err], [2, "Cannot run the job sent: it has send\n"]);
});

Deno.test("run says why it cannot", async () => {
  await using folder = await pluginFolder(FILES);
  const wrong = await runCommand(["run", folder.path, "--config", folder.file("wrong.json")]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^Cannot run .*: setupPlugin threw Error: bad greeting\n.*index\.js:2:\d+\)\n$/);
  const missing = await runCommand(["run", folder.path, "--event", folder.file("none.json")]);
  assert.deepEqual([missing.code, /none\.json: there is no such file/.test(missing.err)], [2, true]);
  const rules = await runCommand(["run", folder.path, "--fetch", folder.file("config.json")]);
  assert.deepEqual([rules.code, /the file: found an object, expected an array/.test(rules.err)], [2, true]);
  const broken = await runCommand(["run", folder.file("none")]);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /^Cannot run /);
});
