/**
 * Proves that events reach `onEvent`, `exportEvents` and jobs through the whole service, also across a kill. The first
 * test waits 5 real seconds, because the service runs as a process with its own clock and retries `onEvent` after that
 * time.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const PLUGIN = `
  const post = async (path, value, { config }) => {
    const response = await fetch(config.url + path, { method: "POST", body: JSON.stringify(value) });
    if (response.status === 503) throw new RetryError("Service is down");
  };
  exports.onEvent = async (event, meta) => {
    await post("/event", event.event, meta);
    await meta.jobs.later({ event: event.event }).runIn(1, "second");
  };
  exports.exportEvents = (events, meta) => post("/export", events.map(({ event }) => event), meta);
  exports.jobs = { later: ({ event }, meta) => post("/job", event, meta) };
`;

function configuration(url: string, seconds: string, enabled = true) {
  const config = { url, exportEventsBufferSeconds: seconds };
  const egress = { allow: ["127.0.0.1"] };
  const plugin = { id: 39, source: { inline: PLUGIN, name: "flow" }, config, egress, enabled };
  return { projects: [{ id: 1, token: "phc_flow", plugins: [plugin] }] };
}

function capture(service: RunningService, ...events: string[]): Promise<void> {
  return service.capture({
    api_key: "phc_flow",
    batch: events.map((event) => ({ event, distinct_id: "me", properties: {} })),
  }, "/batch");
}

function sent({ requests }: HttpReceiver, path: string): unknown[] {
  return requests.filter((request) => request.path === path).map(({ text }) => JSON.parse(text));
}

Deno.test("E2-01 FN-01 FN-09 events reach onEvent, exportEvents and jobs through the whole service, also over kill -9", async () => {
  await using far = new HttpReceiver(({ text }) => new Response("", { status: text === '"unlucky"' ? 503 : 200 }));
  await using service = await startTestService({ config: configuration(far.url, "2") });
  await capture(service, "e1", "unlucky");
  await eventually("onEvent had both", () => sent(far, "/event").length >= 2);
  await service.end("SIGKILL");
  assert.deepEqual(sent(far, "/export"), []);
  far.answer = () => new Response("");
  await service.start();
  await capture(service, "e2");
  await eventually("all are exported", () => new Set(sent(far, "/export").flat()).size === 3);
  await eventually("the retry ran after its 5 seconds", () => sent(far, "/event").lastIndexOf("unlucky") > 1);
  await eventually("the jobs ran", () => new Set(sent(far, "/job")).size === 3);
  await eventually("nobody is behind", async () => {
    const { results } = await service.api<{ results: { lag: { events: number } }[] }>("/_hogpen/api/consumers");
    return results.length === 2 && results.every(({ lag }) => lag.events === 0);
  });
});

Deno.test("what is in the buffer of exportEvents is exported when the service stops, and when the plugin is switched off", async () => {
  await using far = new HttpReceiver(() => new Response(""));
  await using service = await startTestService({ config: configuration(far.url, "600") });
  await capture(service, "e1");
  await eventually("onEvent had it", () => sent(far, "/event").length === 1);
  await service.end("SIGTERM");
  assert.deepEqual(sent(far, "/export"), [["e1"]]);
  await service.start();
  await capture(service, "e2");
  await eventually("onEvent had it", () => sent(far, "/event").includes("e2"));
  await service.configure(configuration(far.url, "600", false));
  await eventually("the change is applied", () => service.output().includes("Applied:"));
  assert.deepEqual(sent(far, "/export"), [["e1"], ["e2"]]);
});

Deno.test("a plugin that names $plugins_succeeded sees which plugins before it succeeded, also within a shared cell", async () => {
  const inline = (name: string, code: string) => ({ inline: code, name });
  const seer = `export function processEvent(event) {
    const { $plugins_succeeded, $plugins_failed } = event.properties
    event.properties.seen = { $plugins_succeeded, $plugins_failed }
    return event
  }`;
  for (const cell of [undefined, "all"]) {
    await using service = await startTestService({
      config: {
        projects: [{
          id: 1,
          token: "phc_marks",
          plugins: [
            { id: 1, source: inline("One", "export const processEvent = (event) => event") },
            { id: 2, source: inline("Two", "export function processEvent() { throw new Error('no') }") },
            { id: 3, source: inline("Seer", seer) },
            { id: 4, source: inline("Last", "export const processEvent = (event) => event") },
          ].map((plugin) => ({ ...plugin, ...(cell && { cell }) })),
        }],
      },
    });
    await service.capture({ api_key: "phc_marks", event: "e", distinct_id: "me" });
    const [event] = await service.events(1);
    assert.deepEqual(event?.properties.seen, { $plugins_succeeded: ["One (1)"], $plugins_failed: ["Two (2)"] });
    assert.deepEqual(event?.properties.$plugins_succeeded, ["One (1)", "Seer (3)", "Last (4)"]);
    assert.deepEqual(event?.properties.$plugins_failed, ["Two (2)"]);
  }
});
