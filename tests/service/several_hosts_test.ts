/**
 * Hosts that share a Postgres: what is done on one of them holds on the others while they run.
 */

import assert from "node:assert/strict";
import { signedHeaders } from "../../host/destinations/webhook/webhook_signature.ts";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { startPostgres } from "../kit/servers/postgres.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

interface Host {
  id: string;
  last_seen_at: string;
  revision: string;
  partitions: unknown;
  role: string;
}

const CONSUMER = "/_hogpen/api/consumers/destination:1/hook";
const stateOf = async (host: RunningService) => (await host.api<{ state: string }>(CONSUMER)).state;
const hostsOf = async (host: RunningService) => (await host.api<{ results: Host[] }>("/_hogpen/api/hosts")).results;

Deno.test("what is paused, made and disabled on one host is so on the other, and each lists both", async () => {
  await using receiver = new HttpReceiver(() => new Response());
  await using postgres = await startPostgres();
  const config = {
    projects: [{
      id: 1,
      token: "phc_one",
      plugins: [{
        id: 1,
        source: {
          inline: `export function processEvent(event) {
            if (event.event === "hang") /^(a+)+$/.test("a".repeat(50) + "!");
            event.properties.seen = true; return event }`,
        },
        timeoutSeconds: 0.2,
      }],
      destinations: [{
        id: "hook",
        type: "webhook",
        url: receiver.url,
        secret: "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgYnV0IGxvbmc=",
      }],
    }],
  };
  const env = { DATABASE_URL: await postgres.createDatabase(), HOGPEN_SECRET_KEY: "a key that both hosts have" };
  await using one = await startTestService({ config, env });
  await using other = await startTestService({ config, env });

  await eventually("each lists both, with the same configuration", async () => {
    const lists = await Promise.all([one, other].map(hostsOf));
    return lists.every((hosts) => hosts.length === 2 && new Set(hosts.map(({ revision }) => revision)).size === 1);
  });
  assert.deepEqual((await hostsOf(one)).map(({ partitions, role }) => [partitions, role]), [[null, "all"], [
    null,
    "all",
  ]]);

  await one.api(`${CONSUMER}/pause`, "POST");
  await eventually("the other's is paused too", async () => await stateOf(other) === "paused");
  await other.api(`${CONSUMER}/resume`, "POST");
  await eventually("the first one's goes on", async () => await stateOf(one) === "running");

  const made = await one.api<{ id: number }>("/_hogpen/api/plugin_configs", "POST", {
    team_id: 1,
    enabled: true,
    source: { inline: "export function processEvent(event) { return event }" },
  });
  const states = async (host: RunningService, id: number) =>
    (await host.api<{ results: { id: number; state: string }[] }>("/_hogpen/api/plugin_configs")).results
      .find((plugin) => plugin.id === id)?.state;
  await eventually("the other runs what was made", async () => await states(other, made.id) === "running");

  const hang = { api_key: "phc_one", event: "hang", distinct_id: "me" };
  for (let count = 1; count <= 3; count++) {
    await one.capture(hang);
    await one.events(count);
  }
  await eventually("the first has disabled the plugin", async () => await states(one, 1) === "disabled");
  await eventually("the other has too", async () => await states(other, 1) === "disabled");
  await other.api("/_hogpen/api/plugin_configs/1/enable", "POST");
  await eventually("the first runs it again", async () => await states(one, 1) === "running");

  await other.end("SIGTERM");
  await eventually("a host that stopped is not listed", async () => (await hostsOf(one)).length === 1);
});

Deno.test("a secret, a token, a session and the audit of one host are those of the other", async () => {
  await using receiver = new HttpReceiver(() => new Response());
  await using postgres = await startPostgres();
  const config = { projects: [{ id: 1, token: "phc_one", plugins: [], destinations: [] }] };
  const env = { DATABASE_URL: await postgres.createDatabase(), HOGPEN_SECRET_KEY: "a key that both hosts have" };
  await using one = await startTestService({ config, env });
  await using other = await startTestService({ config, env });

  const { id, token } = await one.api<{ id: number; token: string }>("/_hogpen/api/projects", "POST", { name: "P" });
  const key = new TextEncoder().encode("a secret of enough characters");
  await one.api(`/_hogpen/api/projects/${id}/destinations`, "POST", {
    id: "hook",
    type: "webhook",
    url: receiver.url,
    secret: `whsec_${btoa("a secret of enough characters")}`,
  });
  await eventually("the other has what was made", async () => {
    const { results } = await other.api<{ results: { token: string; destinations: unknown[] }[] }>(
      "/_hogpen/api/projects",
    );
    return results.some((project) => project.token === token && project.destinations.length === 1);
  });
  await other.capture({ api_key: token, event: "e", distinct_id: "me" });
  const request = await eventually("it comes from there", () => receiver.requests[0]);
  const header = (name: string) => request.headers.get(`webhook-${name}`) ?? "";
  const expected = signedHeaders(header("id"), Number(header("timestamp")), request.text, [key]);
  assert.equal(
    header("signature"),
    expected["webhook-signature"],
    "signed with the secret that the first one was given",
  );

  const made = await one.api<{ token: string }>("/_hogpen/api/tokens", "POST", { name: "Ann", role: "admin" });
  const begun = await fetch(`${one.url}/_hogpen/api/session`, {
    method: "POST",
    body: JSON.stringify({ token: made.token }),
  });
  assert.equal(begun.status, 200);
  await begun.body?.cancel();
  const cookie = (begun.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const who = await fetch(`${other.url}/_hogpen/api/session`, { headers: { cookie } });
  assert.equal((await who.json()).name, "Ann");
  await (await fetch(`${other.url}/_hogpen/api/session`, { method: "DELETE", headers: { cookie } })).body?.cancel();
  const after = await fetch(`${one.url}/_hogpen/api/session`, { headers: { cookie } });
  await after.body?.cancel();
  assert.equal(after.status, 401, "who logs out at one host is logged out at all");

  await other.api("/_hogpen/api/consumers/destination:" + `${id}/hook/pause`, "POST");
  const audit = async (host: RunningService) =>
    (await host.api<{ results: { action: string; target: string }[] }>("/_hogpen/api/audit")).results;
  assert.deepEqual(await audit(one), await audit(other));
  const targets = (await audit(one)).map(({ target }) => target);
  for (const part of [`projects/${id}`, "destinations", "tokens", "consumers"]) {
    assert(targets.some((target) => target.includes(part)), `${part} is among ${targets.join(", ")}`);
  }
});
