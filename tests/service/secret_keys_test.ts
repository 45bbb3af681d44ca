/**
 * Proves that no event passes a plugin that a host cannot open because it has another key: on a log that several hosts
 * share such a host does not start, and events wait for the key where one runs already.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { runCommand } from "../kit/run_command.ts";
import { whyNoKafka } from "../kit/servers/kafka.ts";
import { startLogServers } from "../kit/servers/log_cluster.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of keys on Kafka is ignored: ${reason}`);

const PLUGIN = "export function processEvent(event) { event.properties.seen = true; return event }";
const CONFIG = { projects: [{ id: 1, token: "phc_one", plugins: [], destinations: [] }] };

async function makePlugin(host: RunningService): Promise<number> {
  const made = await host.api<{ id: number }>("/_hogpen/api/plugin_configs", "POST", {
    team_id: 1,
    enabled: true,
    source: { inline: PLUGIN },
  });
  await eventually("the plugin runs", async () => (await pluginsOf(host)).some(({ id }) => id === made.id));
  return made.id;
}

async function pluginsOf(host: RunningService): Promise<{ id: number }[]> {
  const { results } = await host.api<{ results: { id: number; state: string }[] }>("/_hogpen/api/plugin_configs");
  return results.filter(({ state }) => state === "running" || state === "idle");
}

async function alertsOf(host: RunningService): Promise<string[]> {
  const { results } = await host.api<{ results: { rule: string; message: string }[] }>("/_hogpen/api/alerts");
  return results.filter(({ rule }) => rule === "events-wait").map(({ message }) => message);
}

/** One event of each of some persons, so that all partitions have some. */
async function capture(host: RunningService, persons: number): Promise<void> {
  for (let n = 1; n <= persons; n++) await host.capture({ api_key: "phc_one", event: "e", distinct_id: `person ${n}` });
}

Deno.test("a host of its own lets events wait for the key of a plugin, or until the plugin is removed", async () => {
  await using host = await startTestService({ config: CONFIG, env: { HOGPEN_SECRET_KEY: "the first key" } });
  const id = await makePlugin(host);
  await host.end("SIGTERM");
  await host.start({ env: { HOGPEN_SECRET_KEY: "another key" } });
  await capture(host, 1);
  const [alert] = await eventually("an alert says so", async () => {
    const alerts = await alertsOf(host);
    return alerts.length > 0 ? alerts : null;
  });
  assert.match(alert!, new RegExp(`Events of project 1 wait for plugin config ${id}: .*HOGPEN_OLD_SECRET_KEYS`));
  await host.end("SIGTERM");

  await host.start({ env: { HOGPEN_OLD_SECRET_KEYS: "the first key" } });
  assert.equal((await host.events(1))[0]!.properties["seen"], true, "it waited for the plugin");
  await host.end("SIGTERM");

  await host.start({ env: { HOGPEN_SECRET_KEY: "a third key", HOGPEN_OLD_SECRET_KEYS: "" } });
  await capture(host, 1);
  const change = await fetch(`${host.url}/_hogpen/api/plugin_configs/${id}`, {
    method: "PATCH",
    headers: { Authorization: "Bearer hog_test" },
    body: JSON.stringify({ enabled: false }),
  });
  assert.equal(change.status, 409);
  assert.match((await change.json()).detail, /sealed with another key/);
  await host.api(`/_hogpen/api/plugin_configs/${id}`, "DELETE");
  const events = await host.events(2);
  assert.equal(events.filter(({ properties }) => properties["seen"] === true).length, 1);
});

Deno.test("hosts on Kafka with another key do not start, and events wait where something is sealed anew", {
  ignore: reason !== null,
}, async () => {
  await using servers = await startLogServers();
  const env = {
    ...await servers.hostEnv(),
    HOGPEN_SECRET_KEY: "the first key",
  };
  await using one = await startTestService({ config: CONFIG, env });
  const id = await makePlugin(one);

  const refused = await runCommand(["start", "--port", "0", "--data", `${one.folder}/other`], {
    env: { ...env, HOGPEN_SECRET_KEY: "another key" },
  });
  assert.equal(refused.code, 1, refused.err);
  assert.match(
    refused.err,
    new RegExp(`^Cannot start with this HOGPEN_SECRET_KEY: plugin config ${id} .*OLD_SECRET`, "m"),
  );

  const renewed = { HOGPEN_SECRET_KEY: "the second key", HOGPEN_OLD_SECRET_KEYS: "the first key" };
  await using other = await startTestService({ config: CONFIG, env: { ...env, ...renewed } });
  await eventually("the first one says that it cannot open the plugin", async () => (await alertsOf(one)).length > 0);
  assert.deepEqual(await pluginsOf(one), []);
  const persons = 30;
  await capture(other, persons);
  await one.end("SIGTERM");
  await one.start({ env: renewed });
  const events = await other.events(persons);
  assert.deepEqual(events.filter(({ properties }) => properties["seen"] !== true), []);
  assert.equal(events.length, persons);
});
