/**
 * Proves that hosts on Kafka can share the work by its kind: one takes events, one passes them through the plugins, one
 * delivers them and runs jobs.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { startKafka, whyNoKafka } from "../kit/servers/kafka.ts";
import { startPostgres } from "../kit/servers/postgres.ts";
import { ADMIN_TOKEN, startTestService } from "../kit/service.ts";

const reason = await whyNoKafka();
if (reason !== null) console.log(`The test of roles is ignored: ${reason}`);

interface Listed {
  results: { role: string; partitions: { inbox: number[]; outbox: number[] } }[];
}

Deno.test("hosts that take, route and deliver events do the work of one", { ignore: reason !== null }, async () => {
  await using kafka = await startKafka();
  await using postgres = await startPostgres();
  const came: string[] = [];
  await using receiver = new HttpReceiver(({ path, text }) => {
    if (path === "/hook") came.push(...JSON.parse(text).data.events.map(read));
    else came.push(`${path} ${text}`);
    return new Response();
  });
  const inline = `
    export const jobs = { later: (n) => fetch('${receiver.url}/job', { method: 'POST', body: String(n) }) }
    export async function processEvent(event, { jobs }) {
      if (event.properties.n === 1) await jobs.later(event.properties.n).runNow()
      event.properties.seen = true
      return event
    }
    export async function onEvent(event) {
      await fetch('${receiver.url}/onEvent', { method: 'POST', body: String(event.properties.n) })
    }`;
  const config = {
    projects: [{
      id: 1,
      token: "phc_one",
      plugins: [{ id: 1, source: { inline }, egress: { allow: ["127.0.0.1"] } }],
      destinations: [{
        id: "hook",
        type: "webhook",
        url: `${receiver.url}/hook`,
        secret: "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmc=",
        batch: { max_wait_ms: 20 },
      }],
    }],
  };
  const env = {
    HOGPEN_KAFKA: kafka.brokers,
    HOGPEN_KAFKA_PARTITIONS: "4",
    DATABASE_URL: await postgres.createDatabase(),
    HOGPEN_SECRET_KEY: "a key that all hosts have",
  };
  await using hosts = new AsyncDisposableStack();
  const [intake] = await Promise.all(
    ["intake", "route", "consume"].map(async (role) =>
      hosts.use(await startTestService({ config, env: { ...env, HOGPEN_ROLE: role } }))
    ),
  );
  assert.match(
    intake!.output(),
    /It does one part of the work: it stores events for other hosts, and runs no plugins\n/,
  );
  assert.doesNotMatch(intake!.output(), /still loading/);
  const all = [0, 1, 2, 3];
  await eventually("each owns what is its own", async () => {
    const { results } = await intake!.api<Listed>("/_hogpen/api/hosts");
    const owned = results.map(({ role, partitions }) => [role, partitions]).toSorted();
    const wanted = [["consume", { inbox: [], outbox: all }], ["intake", { inbox: [], outbox: [] }], ["route", {
      inbox: all,
      outbox: [],
    }]];
    return JSON.stringify(owned) === JSON.stringify(wanted);
  });
  for (let n = 1; n <= 3; n++) {
    await intake!.capture({ api_key: "phc_one", event: "sent", distinct_id: `person ${n}`, properties: { n } });
  }
  for (
    const path of [
      ...["pause", "resume", "skip"].map((act) => `consumers/destination:1/hook/${act}`),
      "plugin_configs/1/restart",
      "plugin_configs/1/enable",
    ]
  ) {
    const answer = await fetch(`${intake!.url}/_hogpen/api/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assert.equal(answer.status, 409, path);
    assert.match((await answer.json()).detail, /^This host has the role intake and .*: ask a host of the role all,? /);
  }
  const { results: [plugin] } = await intake!.api<{ results: Record<string, unknown>[] }>(
    "/_hogpen/api/plugin_configs",
  );
  assert.equal(plugin!["state"], "stopped");
  assert.match(String(plugin!["reason"]), /^This host has the role intake and runs no plugins/);
  const wanted = ["/job 1", "/onEvent 1", "/onEvent 2", "/onEvent 3", "hook 1 true", "hook 2 true", "hook 3 true"];
  await eventually("all of it has come", () => came.length >= wanted.length);
  assert.deepEqual(came.toSorted(), wanted);
});

function read({ properties: { n, seen } }: { properties: { n: number; seen?: boolean } }): string {
  return `hook ${n} ${seen}`;
}
