/**
 * Proves that `onEvent` and `onSnapshot` receive the right events in order, and are retried as PostHog retries them.
 * The far side of one test answers after real delays of up to 20 ms, so that a wrong order would show.
 */

import assert from "node:assert/strict";
import type { DeadLetter } from "../../../host/store/store.ts";
import { eventually } from "../../kit/eventually.ts";
import { numbered, openFlow } from "../../kit/flow.ts";
import { HttpReceiver } from "../../kit/servers/http_receiver.ts";
import { storedRecords } from "../../kit/stored_records.ts";
import { openProject, type Project } from "../../kit/plugin_project.ts";

/** An HTTP server that the plugin calls, and the bodies it was sent. */
function openFarSide(): { server: HttpReceiver; bodies: () => unknown[] } & AsyncDisposable {
  const server = new HttpReceiver(() => new Response("ok"));
  return {
    server,
    bodies: () => server.requests.map(({ text }) => JSON.parse(text)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function caughtUp({ consumers }: Project): Promise<unknown> {
  return eventually("every consumer is at the end", async () => {
    const statuses = await consumers.list();
    return statuses.length > 0 && statuses.every(({ lag }) => lag.events === 0);
  });
}

/** A dead letter of onEvent. */
function letterOf(event: string): DeadLetter {
  const [record] = storedRecords([{ event }]);
  const text = new TextDecoder().decode(record?.event);
  return { id: "1", at: 0, teamId: 1, consumer: "onEvent:39", reason: "it failed", event: text };
}

const POST_EVENT = `
  async function post(meta, value) {
    const response = await fetch(meta.config.url, { method: "POST", body: JSON.stringify(value) });
    if (response.status === 503) throw new RetryError("Service is down");
    if (!response.ok) throw new Error("answered " + response.status);
  }
`;
const ON_EVENT = POST_EVENT + `export const onEvent = (event, meta) => post(meta, event);`;

Deno.test("VM-37 E2-01 AH-03 onEvent gets the event in its final shape, and onSnapshot does not", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  const code = `${ON_EVENT} export const onSnapshot = (event, meta) => post(meta, { snapshot: event.event });`;
  await using project = await openProject(flow, code, { config: { url: far.server.url } });
  await flow.append({
    event: "signed up",
    distinct_id: "u1",
    ip: "203.0.113.7",
    timestamp: "2026-03-04T11:29:00.000Z",
    properties: { $set: { plan: "free" }, colour: "red" },
    now: "2026-03-04T11:29:01.000Z",
  });
  await caughtUp(project);
  const [event] = far.bodies() as Record<string, unknown>[];
  assert.deepEqual(Object.keys(event ?? {}).sort(), [
    "$set",
    "distinct_id",
    "elements",
    "event",
    "ip",
    "properties",
    "team_id",
    "timestamp",
    "uuid",
  ]);
  assert.deepEqual([event?.event, event?.timestamp, event?.$set, event?.elements], [
    "signed up",
    "2026-03-04T11:29:00.000Z",
    { plan: "free" },
    [],
  ]);
  assert.equal(far.bodies().length, 1);
});

Deno.test("VM-38 E2-03 AH-07 $snapshot events go to onSnapshot alone", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  const code = `${ON_EVENT} export const onSnapshot = (event, meta) => post(meta, { snapshot: event.event });`;
  await using project = await openProject(flow, code, { config: { url: far.server.url } });
  await flow.append({ event: "$snapshot", properties: { $snapshot_data: {} } });
  await caughtUp(project);
  assert.deepEqual(far.bodies(), [{ snapshot: "$snapshot" }]);
});

Deno.test("E2-02 FN-08 onEvent gets the elements of an autocaptured event", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  const code = `${POST_EVENT} export const onEvent = (event, meta) => post(meta, event.elements);`;
  await using project = await openProject(flow, code, { config: { url: far.server.url } });
  await flow.append({
    event: "$autocapture",
    properties: { $elements: [{ tag_name: "div", nth_child: 1, nth_of_type: 2, $el_text: "text" }] },
  });
  await caughtUp(project);
  assert.deepEqual(far.bodies(), [[{
    attributes: {},
    nth_child: 1,
    nth_of_type: 2,
    order: 0,
    tag_name: "div",
    text: "text",
  }]]);
});

Deno.test("AH-05 a plugin without onEvent has no consumer", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, `export function processEvent(event) { return event; }`);
  assert.deepEqual(await project.consumers.list(), []);
});

Deno.test("onEvent sees the events of one distinct_id in order, whatever each takes", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  let delay = 20;
  far.server.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, delay--));
    return new Response("ok");
  };
  const code = `${POST_EVENT}
    export async function onEvent(event, meta) { await post(meta, [event.distinct_id, event.event]); }`;
  await using project = await openProject(flow, code, { config: { url: far.server.url } });
  await flow.append(...numbered(20).map((event, index) => ({ ...event, distinct_id: `u${index % 2}` })));
  await caughtUp(project);
  for (const id of ["u0", "u1"]) {
    const seen = (far.bodies() as [string, string][]).filter(([distinctId]) => distinctId === id).map(([, name]) =>
      name
    );
    assert.deepEqual(seen, numbered(20).map(({ event }) => event).filter((_, index) => `u${index % 2}` === id));
  }
});

Deno.test("an event at which onEvent throws is not delivered but counted apart, and the log names it", async () => {
  await using flow = await openFlow();
  await using project = await openProject(
    flow,
    `export function onEvent({ event }) { if (event === "bad") throw new Error("no") }`,
  );
  await flow.append({ event: "good" }, { event: "bad" }, { event: "good" });
  await caughtUp(project);
  const [status] = await project.consumers.list();
  assert.deepEqual([status?.delivered, status?.threw, status?.rejected], [2, 1, 0]);
  assert.equal((await flow.store.deadLetters.list({ limit: 10 })).results.length, 0);
  assert.match((await project.host.logs(39)).join("\n"), /Error: no \(event "bad", uuid [0-9a-f-]{36}\)/);
});

Deno.test("RT-04 RT-05 onEvent runs once when it returns, and once when it throws another error, which is stored and logged", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  const code = `${ON_EVENT}`;
  await using project = await openProject(flow, code, { config: { url: far.server.url } });
  await flow.append({ event: "fine" });
  await caughtUp(project);
  far.server.answer = () => new Response("no", { status: 400 });
  await flow.append({ event: "wrong" });
  await caughtUp(project);
  await flow.clock.advance(600_000);
  assert.deepEqual(far.bodies().map((event) => (event as { event: string }).event), ["fine", "wrong"]);
  assert.deepEqual((await flow.store.jobs.list({ limit: 10 })).results, []);
  assert.deepEqual(await project.letters(), []);
  assert.match((await project.host.logs(39)).join("\n"), /answered 400/);
  const record = await flow.store.pluginConfigs.get(39);
  assert.deepEqual([record?.lastError?.message, (record?.lastError?.event as { event: string }).event], [
    "answered 400",
    "wrong",
  ]);
});

Deno.test("RT-06 onEvent is retried after 5, 10, 20, 40 and 80 s, then its event goes to the dead letters", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  far.server.answer = () => new Response("down", { status: 503 });
  await using project = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
  await flow.append({ event: "unlucky" });
  await caughtUp(project);
  for (const [retry, seconds] of [5, 10, 20, 40, 80].entries()) {
    await flow.clock.advance(seconds * 1000 - 1);
    assert.equal(far.server.requests.length, retry + 1, `not yet after ${seconds} s`);
    const [job] = (await flow.store.jobs.list({ limit: 10 })).results;
    assert.deepEqual([job?.kind, job?.attempt, job?.maxAttempts, job?.state], ["onEvent", retry + 2, 6, "waiting"]);
    await flow.clock.advance(1);
    await eventually(`retry ${retry + 1} ran`, () => far.server.requests.length === retry + 2);
    await eventually("it is written down", async () => (await flow.store.jobs.get(job?.id ?? ""))?.state !== "running");
  }
  const [letter] = await project.letters();
  assert.deepEqual([letter?.consumer, letter?.reason], ["onEvent:39", "RetryError (attempt 6/6): Service is down"]);
  assert.equal(JSON.parse(letter?.event ?? "{}").event, "unlucky");
  assert.match((await project.host.logs(39)).join("\n"), /onEvent was given up after 6 of 6 attempts/);
  const [job] = (await flow.store.jobs.list({ limit: 10 })).results;
  assert.deepEqual([job?.state, job?.lastError], ["failed", "RetryError (attempt 6/6): Service is down"]);
});

Deno.test("RT-07 onEvent that succeeds on its third attempt is done, and other events did not wait for it", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  far.server.answer = ({ text }) => new Response("", { status: text.includes("unlucky") ? 503 : 200 });
  await using project = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
  await flow.append({ event: "unlucky" }, { event: "lucky" });
  await caughtUp(project);
  assert.equal(far.server.requests.length, 2);
  await flow.clock.advance(5_000);
  await eventually("the second attempt ran", () => far.server.requests.length === 3);
  far.server.answer = () => new Response("");
  await eventually("the third attempt waits", async () => {
    const [job] = (await flow.store.jobs.list({ limit: 10 })).results;
    return job?.attempt === 3 && job.state === "waiting";
  });
  await flow.clock.advance(10_000);
  await eventually("it is done", async () => (await flow.store.jobs.list({ limit: 1 })).results[0]?.state === "done");
  await flow.clock.advance(600_000);
  assert.equal(far.server.requests.length, 4);
  assert.deepEqual(await project.letters(), []);
});

Deno.test("retries of onEvent survive a restart and run at their time", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  far.server.answer = () => new Response("down", { status: 503 });
  {
    await using project = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
    await flow.append({ event: "unlucky" });
    await caughtUp(project);
  }
  await flow.reopen();
  far.server.answer = () => new Response("");
  await using _ = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
  await flow.clock.advance(4_999);
  assert.equal(far.server.requests.length, 1);
  await flow.clock.advance(1);
  await eventually("it is done", async () => (await flow.store.jobs.list({ limit: 1 })).results[0]?.state === "done");
  assert.equal(far.server.requests.length, 2);
});

Deno.test("an event of the dead letters goes back to the onEvent that gave it up", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  await using project = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
  await project.requeue(letterOf("given up"));
  assert.deepEqual(far.bodies().map((body) => (body as { event: string }).event), ["given up"]);
});

Deno.test("a plugin that answers with nothing but RetryErrors makes its lag grow, not the store", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  far.server.answer = () => new Response("down", { status: 503 });
  await using project = await openProject(flow, ON_EVENT, { config: { url: far.server.url } });
  for (let batch = 0; batch < 3; batch++) {
    await flow.append({ event: `e${batch}` });
    await caughtUp(project);
  }
  await flow.append({ event: "e3" });
  const status = await eventually("the consumer waits", async () => {
    const status = await project.consumers.get("onEvent:39");
    return status?.state === "waiting" ? status : null;
  });
  assert.match(status.lastError?.message ?? "", /Nothing but retries came back.*Service is down/);
  assert.equal(status.lag.events, 1);
});

Deno.test("events pass a plugin that was disabled, and its author is told from when", async () => {
  await using flow = await openFlow();
  await using project = await openProject(
    flow,
    `export function setupPlugin({ config }) { throw new Error("no key"); } export function onEvent() {}`,
  );
  await flow.append({ event: "e1" }, { event: "e2" });
  await caughtUp(project);
  const told = (await project.host.logs(39)).filter((message) => message.includes("while it is disabled"));
  assert.deepEqual(told.length, 1);
  assert.match(told[0] ?? "", /2026-03-04T11:30:00.000Z .* Rewind onEvent:39/);
  await assert.rejects(project.requeue(letterOf("e3")), /disabled/);
});

Deno.test("an event that ends the plugin's cell goes to the dead letters as it was, and the others have their onEvent", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  const code = `${POST_EVENT} export function onEvent(event, meta) {
    if (event.event === "bomb") /^(a+)+$/.test("a".repeat(40) + "b");
    return post(meta, event);
  }`;
  await using project = await openProject(flow, code, { config: { url: far.server.url }, timeoutSeconds: 0.5 });
  await flow.append({ event: "e1", distinct_id: "a" }, { event: "bomb", distinct_id: "b" }, {
    event: "e2",
    distinct_id: "c",
  });
  await caughtUp(project);
  const letters = await project.letters();
  assert.deepEqual(letters.map(({ consumer }) => consumer), ["onEvent:39"]);
  assert.match(letters[0]?.reason ?? "", /onEvent did not finish: the plugin was stopped/);
  assert.deepEqual(JSON.parse(letters[0]?.event ?? "{}").site_url, null);
  const seen = new Set(far.bodies().map((body) => (body as { event: string }).event));
  assert.deepEqual([...seen].sort(), ["e1", "e2"]);
});

const COMPOSE = `
  export function composeWebhook(event) {
    if (event.event === "skip") return null;
    const body = JSON.stringify({ event: event.event, year: event.timestamp.getUTCFullYear(), keys: Object.keys(event) });
    return { url: event.properties.url, body, ...event.properties.more };
  }
`;

Deno.test("R24-10 composeWebhook gets a PostHogEvent with a Date, and its request is sent by POST as JSON", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  await using project = await openProject(flow, COMPOSE);
  const url = `${far.server.url}/hook`;
  await flow.append(
    { event: "plain", properties: { url } },
    { event: "skip", properties: { url } },
    { event: "$snapshot", properties: { url } },
    { event: "own", properties: { url, more: { method: "PUT", headers: { "X-Own": "1" } } } },
  );
  await caughtUp(project);
  assert.deepEqual(far.bodies().map((body) => (body as { event: string }).event).sort(), ["own", "plain"]);
  const plain = far.server.requests.find(({ text }) => text.includes("plain"));
  assert.equal(plain?.headers.get("content-type"), "application/json");
  assert.deepEqual(JSON.parse(plain?.text ?? "").keys, [
    "uuid",
    "team_id",
    "distinct_id",
    "event",
    "timestamp",
    "properties",
  ]);
  const own = far.server.requests.find(({ text }) => text.includes("own"));
  assert.deepEqual([own?.headers.get("x-own"), own?.headers.get("content-type")], ["1", "text/plain;charset=UTF-8"]);
});

Deno.test("composeWebhook may return an object as body, which is sent as JSON, and is told of what is no request", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  await using project = await openProject(
    flow,
    `export function composeWebhook({ event, properties }) {
      return event === "text" ? "https://example.com" : { url: properties.url, body: { event, list: [1, null] } };
    }`,
  );
  await flow.append(
    { event: "object", properties: { url: `${far.server.url}/hook` } },
    { event: "text", properties: {} },
    { event: "no url", properties: {} },
  );
  await caughtUp(project);
  assert.deepEqual(far.bodies(), [{ event: "object", list: [1, null] }]);
  const log = (await project.host.logs(39)).join("\n");
  assert.match(log, /composeWebhook returned a string, expected an object with url and body, or null/);
  assert.match(log, /composeWebhook returned an object without a url/);
});

Deno.test("composeWebhook fails for an answer that is not 2xx, and is retried when it may be otherwise later", async () => {
  await using far = openFarSide();
  await using flow = await openFlow();
  far.server.answer = ({ path }) => new Response("", { status: Number(path.slice(1)), statusText: "Teapot" });
  await using project = await openProject(flow, COMPOSE);
  await flow.append({ event: "refused", properties: { url: `${far.server.url}/418` } });
  await caughtUp(project);
  assert.match((await project.host.logs(39)).join("\n"), /Fetch to http:\/\/127\.0\.0\.1:\d+\/418 failed with /);
  assert.equal((await flow.store.jobs.list({ limit: 10 })).results.length, 0);
  await flow.append(
    { event: "busy", properties: { url: `${far.server.url}/429` } },
    { event: "down", properties: { url: `${far.server.url}/503` } },
    { event: "nobody", properties: { url: "http://127.0.0.1:9/" } },
  );
  await caughtUp(project);
  const { results } = await flow.store.jobs.list({ limit: 10 });
  assert.deepEqual(results.map(({ kind, type, attempt }) => [kind, type, attempt]), [
    ["onEvent", "composeWebhook", 2],
    ["onEvent", "composeWebhook", 2],
    ["onEvent", "composeWebhook", 2],
  ]);
});

Deno.test("composeWebhook cannot reach what the plugin may not", async () => {
  await using flow = await openFlow();
  await using project = await openProject(flow, COMPOSE);
  await flow.append({ event: "metadata", properties: { url: "http://169.254.169.254/latest/meta-data/" } });
  await caughtUp(project);
  assert.match((await project.host.logs(39)).join("\n"), /169\.254\.169\.254/);
  assert.equal((await flow.store.jobs.list({ limit: 10 })).results.length, 0);
});
