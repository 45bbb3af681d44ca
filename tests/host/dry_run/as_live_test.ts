/**
 * A dry run is worth something only when it says what will happen: what is tried here is then given to the same plugins
 * live.
 * @module
 */

import assert from "node:assert/strict";
import { liveOutcome, ownFields, tryOut } from "../../kit/dry_run.ts";
import { eventually } from "../../kit/eventually.ts";
import { HttpReceiver } from "../../kit/servers/http_receiver.ts";
import { startTestService } from "../../kit/service.ts";

type Event = Record<string, unknown>;

const ROOT = new URL("../../../plugins/", import.meta.url).pathname;
const NAMES = Array.from(Deno.readDirSync(ROOT)).filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
  .sort();

const EVENT = {
  uuid: "01890b5a-1a2b-7000-8000-000000000001",
  timestamp: "2026-01-05T10:20:30.000Z",
  event: "$pageview",
  distinct_id: "d",
  properties: {
    $current_url: "https://Example.com/a/?utm_source=x",
    $useragent: "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    amount: "3",
    currency: "USD",
    plan: "free",
  },
};

/** So that each plugin has something to do. */
function configsFor(outside: string): Record<string, Record<string, unknown>> {
  return {
    currency_normalisation: { ratesUrl: `${outside}/rates` },
    drop_by_property: { property: "plan", value: "free" },
    first_time_event_tracker: { events: "$pageview" },
    property_filter: { properties: "plan, $current_url" },
    webhook_exporter: { url: `${outside}/hook`, signingSecret: "hush" },
  };
}

Deno.test("plugins that ship make of an event live what a dry run said before, which left nothing behind", async () => {
  await using outside = new HttpReceiver(() => Response.json({ rates: { USD: 1, EUR: 0.5 } }));
  const configs = configsFor(outside.url);
  await using service = await startTestService({
    config: {
      projects: NAMES.map((name, index) => ({
        id: index + 1,
        token: `phc_${index + 1}`,
        plugins: [{
          id: index + 1,
          source: `${ROOT}${name}`,
          config: configs[name] ?? {},
          egress: { allow: [new URL(outside.url).host] },
        }],
      })),
    },
  });
  const hooks = () => outside.requests.filter(({ path }) => path === "/hook").map(({ text }) => JSON.parse(text));
  const dry: (Event | null)[] = [];
  for (const [index, name] of NAMES.entries()) {
    const { plugins, events } = await tryOut(service, { team_id: index + 1, events: [EVENT], fetch: "real" });
    assert.deepEqual(plugins.map(({ error }) => error), [null], name);
    dry.push(ownFields(events[0]?.after));
  }
  assert.equal(hooks().length, 1, "a real fetch leaves");
  for (const [index, name] of NAMES.entries()) {
    await service.capture({ api_key: `phc_${index + 1}`, ...EVENT });
    assert.deepEqual(dry[index], await liveOutcome(service, index + 1, EVENT.uuid), name);
  }
  assert.equal(dry[NAMES.indexOf("drop_by_property")], null);
  const [hook, live] = await eventually("the webhook is sent live too", () => hooks().length > 1 ? hooks() : null);
  assert.deepEqual(hook, live);
});

const READER = `
export function processEvent(event) {
  event.properties.read = event.properties.$plugins_succeeded;
  return event;
}`;
const TELLER = `
const tell = (name) => async (given) => {
  for (const event of [given].flat()) await fetch("URL/" + name, { method: "POST", body: JSON.stringify(event) });
};
export const onEvent = tell("onEvent");
export const onSnapshot = tell("onSnapshot");
export const exportEvents = tell("exportEvents");
export const composeWebhook = (event) => ({ url: "URL/composeWebhook", body: JSON.stringify(event) });
`;

Deno.test("what sees events after the chain is given in a dry run what it is given live", async () => {
  await using outside = new HttpReceiver(() => new Response());
  const told = () =>
    outside.requests.splice(0).map(({ path, text }) => `${path} ${JSON.stringify(sorted(JSON.parse(text)))}`).sort();
  const plugins = [
    { id: 1, source: { inline: "export const processEvent = (event) => event", name: "First" } },
    { id: 2, source: { inline: READER, name: "Reader" } },
    {
      id: 3,
      source: { inline: TELLER.replaceAll("URL", outside.url), name: "Teller" },
      config: { exportEventsToIgnore: "$autocapture", exportEventsBufferSeconds: 1 },
      egress: { allow: [new URL(outside.url).host] },
    },
  ].map((plugin, index) => ({ order: index + 1, ...plugin }));
  await using service = await startTestService({
    config: { projects: [{ id: 1, token: "phc_one", anonymizeIps: true, plugins }] },
  });
  const events = [
    {
      event: "$autocapture",
      properties: { $elements: [{ tag_name: "a", $el_text: "Buy" }], $set: { plan: "free" } },
    },
    { event: "paid", sent_at: "2026-01-05T10:20:31.000Z" },
    { event: "$snapshot", properties: { $snapshot_data: [] } },
  ].map((event, index) => ({ ...EVENT, properties: {}, ...event, uuid: EVENT.uuid.replace(/1$/, `${index}`) }));
  const { events: dry } = await tryOut(service, { team_id: 1, events, fetch: "real" });
  const tried = told();
  assert.deepEqual(tried.map((each) => each.split(" ")[0]), [
    "/composeWebhook",
    "/composeWebhook",
    "/exportEvents",
    "/exportEvents",
    "/onEvent",
    "/onEvent",
    "/onSnapshot",
  ]);
  assert.equal(dry[0]?.after?.["ip"], null);

  await service.capture({ api_key: "phc_one", batch: events }, "/batch");
  await eventually("all were told live", () => outside.requests.length >= tried.length);
  assert.deepEqual(told().map(withoutTime), tried.map(withoutTime));
  const live = (await service.events(events.length)).map(ownFields);
  assert.deepEqual(live.map((event) => event?.["properties"]), dry.map(({ after }) => after?.["properties"]));

  const again = await tryOut(service, { team_id: 1, uuids: [events[1]!.uuid], fetch: [] });
  assert.equal(again.events[0]!.after!["timestamp"], live[1]!["timestamp"], "a time is corrected once");
});

Deno.test("a plugin that cannot be set up leaves no mark on events, in a dry run and live", async () => {
  const inline = `export function setupPlugin() { throw new Error("no key") }
    export const processEvent = (event) => event;
    export const onEvent = () => {};`;
  await using service = await startTestService({
    config: { projects: [{ id: 1, token: "phc_one", plugins: [{ id: 1, source: { inline } }] }] },
  });
  const { plugins, events: [dry] } = await tryOut(service, { team_id: 1, events: [EVENT], fetch: [] });
  assert.deepEqual(plugins[0]?.steps.map((step) => [step.function, step.error?.message]), [["setupPlugin", "no key"]]);
  await service.capture({ api_key: "phc_one", ...EVENT });
  const live = await liveOutcome(service, 1, EVENT.uuid);
  assert.deepEqual(Object.keys(live?.["properties"] ?? {}).filter((name) => name.startsWith("$plugins")), []);
  assert.deepEqual(ownFields(dry?.after), live);
});

Deno.test("a dry run lists what a plugin really fetched, without its secrets", async () => {
  await using outside = new HttpReceiver(({ path }) =>
    path === "/moved" ? new Response(null, { status: 302, headers: { location: "/here" } }) : new Response("ok")
  );
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_one",
        plugins: [{
          id: 1,
          source: {
            inline: `
              import nodeFetch from "node-fetch";
              export async function onEvent(event, { config }) {
                await fetch(config.url + "/moved?key=" + config.apiKey, { headers: { authorization: "Bearer " + config.apiKey } });
                await nodeFetch(config.url + "/sent", { method: "PUT", body: JSON.stringify({ event: event.event, key: config.apiKey }) });
              }`,
          },
          config: { url: outside.url, apiKey: "hush-hush" },
          egress: { allow: [new URL(outside.url).host] },
        }],
      }],
    },
  });
  const { plugins } = await tryOut(service, { team_id: 1, events: [EVENT, EVENT], fetch: "real" });
  const [first, second] = plugins[0]!.steps;
  assert.deepEqual(first?.error, null);
  assert.deepEqual(first?.fetches.map(({ method, url, body }) => [method, url.replace(outside.url, ""), body]), [
    ["GET", "/moved?key=[secret apiKey]", null],
    ["GET", "/here", null],
    ["PUT", "/sent", '{"event":"$pageview","key":"[secret apiKey]"}'],
  ]);
  assert.equal(new Headers(first?.fetches[0]?.headers).get("authorization"), "Bearer [secret apiKey]");
  assert.equal(second?.fetches.length, 3, "each step has its own");
  assert.equal(outside.requests.length, 6, "and all of them left");
});

Deno.test("a real fetch of a dry run goes only where the plugin may go", async () => {
  await using outside = new HttpReceiver(() => new Response());
  await using service = await startTestService();
  const inline = `export const onEvent = () => fetch("${outside.url}/secret")`;
  const { plugins } = await tryOut(service, { team_id: 1, source: { inline }, events: [EVENT], fetch: "real" });
  const [step] = plugins[0]!.steps;
  assert.equal(step?.outcome, "failed");
  assert.match(step?.error?.message ?? "", /127\.0\.0\.1|not allowed|denied/i);
  assert.deepEqual(outside.requests, []);
});

/** With its fields in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort().map(([name, each]) => [name, sorted(each)]));
}

/** The time of an event with `sent_at` depends on when it came. */
function withoutTime(text: string): string {
  return text.replace(/"timestamp":"[^"]*"/, "");
}
